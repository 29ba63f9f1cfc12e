#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define DESCRIPTORS 1024

struct fault_orders *fault_orders;

/* Files in the directory, by descriptor: how much of each is synced, and what was cut off
 * behind that size since. */
static struct {
	bool is_there;
	off_t synced, cut_at;
	char *cut;
	size_t cut_size;
} files[DESCRIPTORS];

static bool is_preloaded;

/* The power goes at the next write. */
static bool is_power_short;

__attribute__((constructor)) static void take_orders(void)
{
	const char *path = getenv("FAULT_ORDERS");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	void *orders = mmap(NULL, sizeof(*fault_orders), PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);
	if (orders != MAP_FAILED)
		fault_orders = orders;
	is_preloaded = fault_orders != NULL;
	close(fd);
}

static bool is_file(int fd)
{
	return fault_orders && fd >= 0 && fd < DESCRIPTORS && files[fd].is_there;
}

static bool is_path(const char *path)
{
	return fault_orders && fault_orders->directory[0] &&
	       strncmp(path, fault_orders->directory, strlen(fault_orders->directory)) ==
		       0;
}

/* The same of a path that begins at a folder's descriptor. */
static bool is_path_at(int folder, const char *path)
{
	char link[64], name[4096];
	if (folder == AT_FDCWD || path[0] == '/')
		return is_path(path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
	ssize_t size = fault_orders ? readlink(link, name, sizeof(name) - 2) : -1;
	if (size < 0)
		return false;
	memcpy(name + size, "/", 2);
	return is_path(name);
}

/* What to do at this step. */
static enum fault_how step(void)
{
	unsigned number = atomic_fetch_add(&fault_orders->step, 1) + 1;
	if (number != fault_orders->fire_at || fault_orders->how == FAULT_NOTHING)
		return FAULT_NOTHING;
	atomic_store(&fault_orders->fired, 1);
	return (enum fault_how)fault_orders->how;
}

static void forget_cut(int fd)
{
	free(files[fd].cut);
	files[fd].cut = NULL;
}

static void keep_cut(int fd, off_t size)
{
	struct stat status;
	forget_cut(fd);
	if (fstat(fd, &status) || status.st_size <= size)
		return;
	files[fd].cut_at = size;
	files[fd].cut_size = (size_t)(status.st_size - size);
	files[fd].cut = malloc(files[fd].cut_size);
	if (files[fd].cut && pread(fd, files[fd].cut, files[fd].cut_size, size) <
				     (ssize_t)files[fd].cut_size)
		forget_cut(fd);
}

/* What a cut that isn't durable leaves on the disk. */
static void bring_back(void)
{
	struct stat status;
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (files[fd].cut && fstat(fd, &status) == 0 &&
		    status.st_size == files[fd].cut_at)
			syscall(SYS_pwrite64, fd, files[fd].cut, files[fd].cut_size,
				files[fd].cut_at);
	}
}

/* In its sandbox a process can't kill its group: whoever gave the orders does. One that
 * kills itself there dies of that, at once, too. */
static void die(bool is_group)
{
	if (is_group && is_preloaded) {
		atomic_store(&fault_orders->fired, FAULT_FIRED_GROUP);
		for (;;)
			poll(NULL, 0, 1000);
	}
	kill(is_group ? 0 : getpid(), SIGKILL);
	pause();
}

/* What the disk has of each file when the power goes: what was synced, and of the rest as
 * much as it likes. */
static void cut_power(bool has_zeros)
{
	struct stat status;
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (!is_file(fd) || fstat(fd, &status) ||
		    status.st_size <= files[fd].synced)
			continue;
		off_t part = (status.st_size - files[fd].synced) / 2;
		syscall(SYS_ftruncate, fd, files[fd].synced + part);
		if (has_zeros)
			syscall(SYS_ftruncate, fd, status.st_size);
	}
	bring_back();
	die(true);
}

/* Before the call. True: it fails with errno, uncalled. */
static bool before(enum fault_how how)
{
	if (how == FAULT_KILL_BEFORE || how == FAULT_GROUP_BEFORE)
		die(how == FAULT_GROUP_BEFORE);
	if (how == FAULT_EIO || how == FAULT_ENOSPC || how == FAULT_HALF) {
		errno = how == FAULT_EIO ? EIO : ENOSPC;
		return true;
	}
	return false;
}

static void after(enum fault_how how)
{
	if (how == FAULT_KILL_AFTER || how == FAULT_KILL_HALF || how == FAULT_GROUP_AFTER)
		die(how == FAULT_GROUP_AFTER);
	if (how == FAULT_POWER_TORN || how == FAULT_POWER_ZEROS)
		cut_power(how == FAULT_POWER_ZEROS);
}

/* All but the last byte; the next call finds no room for that one. */
static ssize_t take_back(int fd, const void *bytes, size_t size)
{
	fault_orders->fire_at++;
	fault_orders->how = FAULT_ENOSPC;
	is_power_short = true;
	return syscall(SYS_write, fd, bytes, size - 1);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	enum fault_how how = is_file(fd) ? step() : FAULT_NOTHING;
	if (is_power_short && is_file(fd) && how != FAULT_ENOSPC)
		cut_power(false);
	if (how == FAULT_TAKEN_BACK && size > 1)
		return take_back(fd, bytes, size);
	if (how == FAULT_HALF || how == FAULT_KILL_HALF) {
		/* The rest finds no room at the next call. */
		ssize_t half = syscall(SYS_write, fd, bytes, size / 2);
		if (how == FAULT_KILL_HALF)
			die(false);
		fault_orders->fire_at++;
		fault_orders->how = FAULT_ENOSPC;
		return half;
	}
	if (before(how))
		return -1;
	ssize_t result = syscall(SYS_write, fd, bytes, size);
	after(how);
	return result;
}

static int sync_with(int fd, long call)
{
	struct stat status;
	enum fault_how how = is_file(fd) ? step() : FAULT_NOTHING;
	if (before(how))
		return -1;
	/* A power cut comes before the disk has it all. */
	if (how == FAULT_POWER_TORN || how == FAULT_POWER_ZEROS)
		after(how);
	int result = (int)syscall(call, fd);
	if (is_file(fd) && result == 0 && fstat(fd, &status) == 0)
		files[fd].synced = status.st_size;
	if (is_file(fd) && result == 0)
		forget_cut(fd);
	after(how);
	return result;
}

int fsync(int fd)
{
	return sync_with(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_with(fd, SYS_fdatasync);
}

int ftruncate(int fd, off_t size)
{
	enum fault_how how = is_file(fd) ? step() : FAULT_NOTHING;
	if (before(how))
		return -1;
	if (is_file(fd))
		keep_cut(fd, size);
	int result = (int)syscall(SYS_ftruncate, fd, size);
	after(how);
	return result;
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	enum fault_how how = is_path_at(from_at, from) ? step() : FAULT_NOTHING;
	if (before(how))
		return -1;
	int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
	after(how);
	return result;
}

int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
	enum fault_how how = is_path_at(folder, path) ? step() : FAULT_NOTHING;
	if (before(how))
		return -1;
	int result = (int)syscall(SYS_unlinkat, folder, path, flags);
	after(how);
	return result;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

static int open_with(int folder, const char *path, int flags, unsigned mode)
{
	/* What is opened to name it by does nothing. */
	bool is_there = !(flags & O_PATH) && is_path_at(folder, path);
	enum fault_how how = is_there ? step() : FAULT_NOTHING;
	if (before(how))
		return -1;
	int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
	struct stat status;
	if (fd >= 0 && fd < DESCRIPTORS) {
		files[fd].is_there = is_there;
		files[fd].synced = fstat(fd, &status) == 0 ? status.st_size : 0;
	}
	after(how);
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return open_with(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return open_with(folder, path, flags, mode);
}

int close(int fd)
{
	if (fd >= 0 && fd < DESCRIPTORS) {
		files[fd].is_there = false;
		forget_cut(fd);
	}
	return (int)syscall(SYS_close, fd);
}
