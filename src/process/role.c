#include "cathgate/process/process.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cathgate/base/log.h"

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

static void reset_signals(void)
{
	sigset_t none;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Every child begins here: this is the place for a role's sandbox, too. */
static void begin_child(const struct role *role, const struct role_parent *parent,
			const int *keep, size_t count)
{
	prctl(PR_SET_NAME, role->name);
	if (!role->outlives_parent) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent->pid)
			_exit(1); /* the parent ended before prctl could count */
	}
	close_all_but(keep, count);
	reset_signals();
	if (role->keys == ROLE_NO_KEYS)
		parent->forget_keys(parent->keys);
	if (role->context)
		log_context(role->context);
}

pid_t role_fork(const struct role *role, const struct role_parent *parent,
		const int *keep, size_t count)
{
	pid_t pid = fork();

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
