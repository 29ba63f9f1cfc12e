#include "cathgate/sandbox/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "landlock.h"

#ifndef SECCOMP_RET_KILL_PROCESS
#error "the kernel's headers are older than Linux 4.14"
#endif

const char *sandbox_lacks_seccomp(void)
{
	static char other[128];
	uint32_t answer = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &answer) == 0)
		return NULL;
	if (errno == EPERM || errno == EACCES)
		return "the system call seccomp is forbidden: SystemCallFilter= of the "
		       "unit, or what the gateway runs in, must allow seccomp";
	if (errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL)
		return "the kernel has no seccomp filters: it must be Linux 4.14 or "
		       "later, with CONFIG_SECCOMP_FILTER";
	snprintf(other, sizeof(other), "seccomp: %s", strerror(errno));
	return other;
}

const char *sandbox_lacks_landlock(void)
{
	static char other[128];

	if (landlock_abi() >= 1)
		return NULL;
	if (errno == EOPNOTSUPP)
		return "the kernel was started without Landlock: add landlock to the "
		       "list of its boot option lsm=";
	if (errno == ENOSYS)
		return "the kernel has no Landlock: Linux 5.13 or later has";
	if (errno == EPERM || errno == EACCES)
		return LANDLOCK_FORBIDDEN;
	snprintf(other, sizeof(other), "Landlock: %s", strerror(errno));
	return other;
}
