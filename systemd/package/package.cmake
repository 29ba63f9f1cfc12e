# cpack -G DEB makes the package, in any build folder.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME cathgate)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Cathgate maintainers <maintainers@cathgate.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Stands between an imaging modality on an untrusted network and the PACS.
Both legs are TLS with certificates on both sides; each instance is judged
by certificate, AE titles, address and SOP class, passed on bit for bit,
and recorded in a tamper-evident audit log.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
if(CMAKE_CROSSCOMPILING) # cpack would name the machine that builds
	string(REPLACE aarch64 arm64 CPACK_DEBIAN_PACKAGE_ARCHITECTURE
		${CMAKE_SYSTEM_PROCESSOR})
endif()
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS systemd)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS curl)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
	${CMAKE_CURRENT_LIST_DIR}/postinst ${CMAKE_CURRENT_LIST_DIR}/prerm
	${CMAKE_CURRENT_LIST_DIR}/postrm)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/before.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/after.cmake)
set(CPACK_CATHGATE_FOLDER ${CMAKE_CURRENT_LIST_DIR})
# The changelog's date is the package's, unless somebody says another.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
	set(CPACK_CATHGATE_DATE $ENV{SOURCE_DATE_EPOCH})
else()
	file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/changelog date REGEX "^ -- ")
	string(REGEX REPLACE ".*>  " "" date "${date}")
	execute_process(COMMAND date -u -d "${date}" +%s
		OUTPUT_VARIABLE CPACK_CATHGATE_DATE OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
include(CPack)
