#include "cathgate/process/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cathgate/base/log.h"

static int compare_descriptors(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_all_but(const int *keep, size_t count)
{
	int sorted[8];
	unsigned from = STDERR_FILENO + 1;

	memcpy(sorted, keep, count * sizeof(int));
	qsort(sorted, count, sizeof(int), compare_descriptors);
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)sorted[i];

		if (fd > from)
			close_range(from, fd - 1, 0);
		if (fd >= from)
			from = fd + 1;
	}
	close_range(from, ~0U, 0);
}

static void reset_signals(void)
{
	static const int supervisors[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t none;

	for (size_t i = 0; i < sizeof(supervisors) / sizeof(supervisors[0]); i++)
		(void)!sigaction(supervisors[i],
				 &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
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
