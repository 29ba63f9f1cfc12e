#include "cathgate/process/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"
#include "cathgate/sandbox/sandbox.h"

/* Not under a leak checker, which must look into the memory. */
void role_harden(void)
{
	struct rlimit none = { 0, 0 };

#ifndef __SANITIZE_ADDRESS__
	prctl(PR_SET_DUMPABLE, 0);
#endif
	setrlimit(RLIMIT_CORE, &none);
}

static bool is_channel(int fd)
{
	int type = 0;
	socklen_t size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == SOCK_SEQPACKET;
}

/* Whatever is executed from here on is to have neither. */
static void keep_from_commands(void)
{
	for (int fd = ROLE_CHANNEL; fd < ROLE_FREE; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* The process enters its sandbox later, when it has opened what it needs and before it
 * reads what comes from outside. */
int role_begin(const struct role *role, uint8_t **ret, size_t *ret_size)
{
	uint8_t *bytes;

	role_harden(); /* execve has made the process dumpable */
	prctl(PR_SET_NAME, role->name);
	if (!is_channel(ROLE_CHANNEL) || !memory_file_is_sealed(ROLE_LETTER))
		return -1;
	keep_from_commands();
	bytes = memory_file_read(ROLE_LETTER, ret_size);
	if (!bytes)
		return -1;
	close(ROLE_LETTER);
	log_context(role->context);
	sandbox_report_to(ROLE_DEATHS);
	*ret = bytes;
	return 0;
}
