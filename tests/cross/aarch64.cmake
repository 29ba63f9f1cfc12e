# CMake's toolchain file for a build for arm64 on another machine: Debian's cross compiler,
# with the headers and libraries of a tree of arm64 packages (arm64.py beside it makes one);
# or, without CATHGATE_SYSROOT, with those that are installed here beside this machine's own,
# as in systemd/package/make-packages.sh.
#	cmake -DCMAKE_TOOLCHAIN_FILE=tests/cross/aarch64.cmake -DCATHGATE_SYSROOT=TREE …
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(triplet aarch64-linux-gnu)

# CMake reads this file again for each of its checks, which don't know the cache.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CATHGATE_SYSROOT)
set(CMAKE_SYSROOT ${CATHGATE_SYSROOT})
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})

if(CATHGATE_SYSROOT)
	set(CMAKE_FIND_ROOT_PATH ${CATHGATE_SYSROOT})
	set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
	set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
	set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
	set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
	set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CATHGATE_SYSROOT})
endif()
set(ENV{PKG_CONFIG_LIBDIR}
	${CATHGATE_SYSROOT}/usr/lib/${triplet}/pkgconfig:${CATHGATE_SYSROOT}/usr/share/pkgconfig)

# The tests run where qemu's user mode is installed. It runs the tree's own loader, since
# its option -L would show the tests the tree's /tmp in the place of this machine's.
find_program(CATHGATE_QEMU qemu-aarch64)
if(CATHGATE_QEMU)
	set(CMAKE_CROSSCOMPILING_EMULATOR ${CATHGATE_QEMU}
		${CATHGATE_SYSROOT}/lib/ld-linux-aarch64.so.1 --library-path
		${CATHGATE_SYSROOT}/lib/${triplet}:${CATHGATE_SYSROOT}/usr/lib/${triplet})
endif()
