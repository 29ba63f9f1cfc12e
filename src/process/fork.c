#include "cathgate/process/process.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cathgate/base/log.h"

#define KEEP_MAX 8

static void close_all_but(const int *keep, size_t count)
{
	unsigned from = STDERR_FILENO + 1, next = 0;

	while (next != ~0U) {
		next = ~0U;
		for (size_t i = 0; i < count; i++)
			if ((unsigned)keep[i] >= from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > from)
			close_range(from, next - 1, 0);
		from = next + 1;
	}
}

/* Each child can still say how its sandbox ended it. */
static void close_others(const int *keep, size_t count)
{
	int all[KEEP_MAX + 1] = { ROLE_DEATHS };

	for (size_t i = 0; i < count && i < KEEP_MAX; i++)
		all[1 + i] = keep[i];
	close_all_but(all, 1 + count);
}

static void begin_child(const struct role *role, pid_t parent, const int *keep,
			size_t count)
{
	prctl(PR_SET_NAME, role->name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* the parent ended before prctl could count */
	close_others(keep, count);
	log_context(role->context);
}

/* glibc has no fork() with CLONE_PARENT. What its fork() does beyond the system call is
 * for processes with several threads: it takes the locks of malloc and stdio, and calls
 * what was registered. It also notes the child's thread ID, which here stays the
 * parent's; glibc compares it with itself only, in locks that know their owner, and asks
 * the kernel where it sends signals. OpenSSL sees by getpid() that its random numbers
 * need a new seed. */
pid_t role_fork(const struct role *role, pid_t parent, const int *keep, size_t count)
{
	pid_t pid =
		(pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		begin_child(role, parent, keep, count);
	return pid;
}

/* What libraries do at exit touches so many pages, each to be copied first, that it takes
 * as long as all the rest of a connection that is refused. Sanitizers and coverage say at
 * exit what they found. */
void role_exit(int status)
{
#if defined(__SANITIZE_ADDRESS__) || defined(CATHGATE_COVERAGE)
	exit(status);
#else
	_exit(status);
#endif
}
