#include "cathgate/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cathgate/base/log.h"

static void reset_signals(void)
{
	sigset_t none;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void die_with_parent(const struct role *role, const struct role_parent *parent)
{
	if (role->outlives_parent)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* execve leaves it as it is */
	if (getppid() != parent->pid)
		_exit(1); /* the parent ended before prctl could count */
}

int role_program(void)
{
	return open("/proc/self/exe", O_PATH | O_CLOEXEC);
}

/* What systemd has said to the supervisor is not for its children: libsystemd would act
 * on it there, too. */
static bool is_for_children(const char *variable)
{
	static const char *const ours[] = { "NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
			return false;
	return true;
}

/* In a process that executes another program next. */
static void drop_own_variables(void)
{
	char **to = environ;

	for (char **from = environ; *from; from++)
		if (is_for_children(*from))
			*to++ = *from;
	*to = NULL;
}

/* Puts them where the program looks for them, and returns the program's descriptor, which
 * may have stood there. -1 with errno. */
MUST_USE static int move_descriptors(const struct role_parent *parent, int channel,
				     int letter)
{
	const int from[] = { channel, letter, parent->deaths, parent->program };
	int moved[4];

	for (int i = 0; i < 4; i++) {
		moved[i] = fcntl(from[i], F_DUPFD_CLOEXEC, ROLE_FREE);
		if (moved[i] < 0)
			return -1;
	}
	if (dup2(moved[0], ROLE_CHANNEL) < 0 || dup2(moved[1], ROLE_LETTER) < 0 ||
	    dup2(moved[2], ROLE_DEATHS) < 0 ||
	    close_range(ROLE_FREE, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		return -1;
	return moved[3];
}

/* In the child. The file is executed by its descriptor, so that it is the same program
 * even when a package's upgrade has put another in its place. */
__attribute__((noreturn)) static void become_program(const struct role *role,
						     const struct role_parent *parent,
						     int channel, int letter)
{
	char *const arguments[] = { (char *)"cathgated", (char *)"--role",
				    (char *)role->context,
				    parent->is_foreground ? (char *)"--foreground" : NULL,
				    NULL };
	int program;

	die_with_parent(role, parent);
	reset_signals();
	drop_own_variables();
	program = move_descriptors(parent, channel, letter);
	if (program >= 0)
		execveat(program, "", arguments, environ, AT_EMPTY_PATH);
	log_error("the %s can't be started, because cathgated can't execute its own file "
		  "anew (execveat: %s); neither the mount of that file may forbid that "
		  "(noexec) nor a sandbox around the service",
		  role->context, strerror(errno));
	_exit(1);
}

pid_t role_start(const struct role *role, const struct role_parent *parent, int channel,
		 int letter)
{
	pid_t pid = fork();

	if (pid == 0)
		become_program(role, parent, channel, letter);
	return pid;
}
