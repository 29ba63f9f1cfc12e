#include "alert_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/observer/alerter.h"

#define READS_AT_ONCE 16 /* as much as a pipe holds */

/* For execve, which wants no const. */
static char *const environment[] = {
	(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	(char *)"LC_ALL=C.UTF-8",
	NULL,
};

__attribute__((noreturn)) static void become_command(const struct config_strings *words,
						     int input, int output)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	char **arguments = calloc(words->count + 1, sizeof(*arguments));

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		signal(ours[i], SIG_DFL);
	setsid();
	/* It ends with the alerter, which ends with the supervisor. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(0077);
	if (!arguments || chdir("/") != 0 || dup2(input, STDIN_FILENO) < 0 ||
	    dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		_exit(126);
	for (size_t i = 0; i < words->count; i++)
		arguments[i] = (char *)words->items[i];
	execve(arguments[0], arguments, environment);
	dprintf(STDERR_FILENO, "%s: %s", arguments[0], strerror(errno));
	_exit(127);
}

/* A pipe's room is more than any alert, so that nobody waits for the command to read. */
static int put_input(int pipe, const char *input)
{
	size_t size = strlen(input);
	ssize_t written = write(pipe, input, size);

	if (written >= 0 && written < (ssize_t)size)
		errno = EMSGSIZE;
	return written == (ssize_t)size ? 0 : -1;
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

int alert_command_start(struct alert_command *command, const char *input)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, result = -1, error;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC | O_NONBLOCK) != 0 || put_input(in[1], input) != 0 ||
	    pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0)
		goto out;
	/* The command's ends wait, as every program expects. */
	if (fcntl(in[0], F_SETFL, 0) != 0 || fcntl(out[1], F_SETFL, 0) != 0)
		goto out;
	pid = fork();
	if (pid == 0)
		become_command(command->words, in[0], out[1]);
	if (pid < 0)
		goto out;
	command->pid = pid;
	command->process = pidfd_open(pid, 0);
	command->output = out[0];
	command->end_ms = clock_ms() + ALERTER_COMMAND_SECONDS * 1000;
	command->said_size = 0;
	command->output_ended = false;
	out[0] = -1;
	result = 0;
out:
	error = errno;
	close_pair(in);
	close_pair(out);
	errno = error;
	return result;
}

/* What goes beyond `said` is read as well, so that the command doesn't wait; but not for
 * ever at once, so that one which writes without end is ended in time. */
static void hear(struct alert_command *command)
{
	char more[4096];
	ssize_t count = -1;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		count = read(command->output, more, sizeof(more));
		if (count <= 0)
			break;
		size_t room = sizeof(command->said) - 1 - command->said_size;
		size_t taken = (size_t)count < room ? (size_t)count : room;

		memcpy(command->said + command->said_size, more, taken);
		command->said_size += taken;
	}
	command->output_ended = count == 0;
	command->said[command->said_size] = '\0';
}

static void one_line(char *text)
{
	size_t size = strlen(text);

	while (size > 0 && text[size - 1] == '\n')
		text[--size] = '\0';
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
}

/* What it has started ends with it: its group can't be another's while it isn't reaped.
 */
static int reap(struct alert_command *command)
{
	int status = 0;

	kill(-command->pid, SIGKILL);
	kill(command->pid, SIGKILL);
	while (waitpid(command->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(command->output);
	if (command->process >= 0)
		close(command->process);
	command->pid = 0;
	command->output = command->process = -1;
	return status;
}

static bool has_ended(const struct alert_command *command)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)command->pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
		       0 &&
	       info.si_pid == command->pid;
}

enum alert_command_end alert_command_look(struct alert_command *command)
{
	bool ended = has_ended(command), is_late = clock_ms() >= command->end_ms;
	int status;

	hear(command);
	if (!ended && !is_late)
		return ALERT_COMMAND_RUNS;
	status = reap(command);
	one_line(command->said);
	if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ALERT_COMMAND_DONE;
	if (!ended)
		log_error("alerts.command %s did not end within %d s, and was ended: %s",
			  command->words->items[0], ALERTER_COMMAND_SECONDS,
			  command->said);
	else if (WIFEXITED(status))
		log_error("alerts.command %s ended with %d: %s", command->words->items[0],
			  WEXITSTATUS(status), command->said);
	else
		log_error("alerts.command %s was ended by signal %d: %s",
			  command->words->items[0], WTERMSIG(status), command->said);
	return ALERT_COMMAND_FAILED;
}

void alert_command_stop(struct alert_command *command)
{
	if (command->pid > 0)
		(void)reap(command);
}
