/*
 * Every process of the supervisor's is forked here. It begins with what its role needs,
 * and with nothing else of what the supervisor holds: a role that no row says more of has
 * no private key, and ends with the supervisor.
 */
#include "internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/log.h"

static const struct {
	const char *context; /* of what it logs; NULL: it says itself */
	const char *name;    /* as ps shows it: 15 characters at most */
	bool holds_tls_keys; /* of every listener and destination */
	bool outlives_us;    /* it ends when its control socket does */
} roles[] = {
	[PROCESS_ASSOCIATION] = { .name = "cathgated-assoc", .holds_tls_keys = true },
	/* It may still have last lines of associations to write. */
	[PROCESS_AUDITOR] = { .context = "auditor",
			      .name = "cathgated-audit",
			      .outlives_us = true },
	[PROCESS_RESOLVER] = { .context = "resolver", .name = "cathgated-names" },
	[PROCESS_EXPORTER] = { .context = "exporter", .name = "cathgated-sends" },
	[PROCESS_OBSERVER] = { .context = "observer", .name = "cathgated-shown" },
	[PROCESS_SCRIBE] = { .name = "cathgated-told" },
};

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_all_but(const int *keep, size_t count)
{
	int sorted[8];
	unsigned from = STDERR_FILENO + 1;

	memcpy(sorted, keep, count * sizeof(int));
	qsort(sorted, count, sizeof(int), compare);
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)sorted[i];

		if (fd > from)
			close_range(from, fd - 1, 0);
		if (fd >= from)
			from = fd + 1;
	}
	close_range(from, ~0U, 0);
}

static void ignore_signals(void)
{
	static const int supervisors[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t none;

	for (size_t i = 0; i < sizeof(supervisors) / sizeof(supervisors[0]); i++)
		(void)!sigaction(supervisors[i],
				 &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(struct server *server, enum process_role role, const int *keep,
		   size_t count)
{
	prctl(PR_SET_NAME, roles[role].name);
	if (!roles[role].outlives_us) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != server->self)
			_exit(1); /* it went before that was said */
	}
	close_all_but(keep, count);
	ignore_signals();
	if (!roles[role].holds_tls_keys)
		setup_forget_keys(&server->setup);
	if (roles[role].context)
		log_context(roles[role].context);
}

pid_t process_fork(struct server *server, enum process_role role, const int *keep,
		   size_t count)
{
	pid_t pid = fork();

	if (pid == 0)
		become(server, role, keep, count);
	return pid;
}

pid_t process_start(struct server *server, enum process_role role, int *ret_line)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	pid = process_fork(server, role, &pair[1], 1);
	if (pid == 0) {
		*ret_line = pair[1];
		return 0;
	}
	close(pair[1]);
	if (pid < 0)
		close(pair[0]);
	else
		*ret_line = pair[0];
	return pid;
}
