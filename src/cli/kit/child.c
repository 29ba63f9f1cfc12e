#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complain.h"

static int redirect(int fd, int to)
{
	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd >= 0 ? dup2(fd, to) : -1;
}

/* Debian's nobody. */
#define NOBODY 65534

static int drop_rights(void)
{
	return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
			       setresuid(NOBODY, NOBODY, NOBODY) == 0 &&
			       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
		       ? 0
		       : -1;
}

static void become(const struct child *child)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	unsetenv("TAR_OPTIONS");
	if ((child->folder < 0 || fchdir(child->folder) == 0) &&
	    redirect(child->in, STDIN_FILENO) >= 0 &&
	    redirect(child->out, STDOUT_FILENO) >= 0 &&
	    (!child->is_nobody || geteuid() != 0 || drop_rights() == 0))
		execv(child->command[0], (char *const *)child->command);
	complain("%s: %s", child->command[0], strerror(errno));
	_exit(127);
}

pid_t child_start(const struct child *child)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(child);
	if (pid < 0)
		complain("%s can't be run: %s", child->command[0], strerror(errno));
	return pid;
}

int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int child_run(const struct child *child)
{
	pid_t pid = child_start(child);

	return pid < 0 ? -1 : child_wait(pid);
}
