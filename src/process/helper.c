#include "cathgate/process/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"

#define LOOK_MS 100 /* whether a helper has ended, should no signal come */

/* A sealed memory file; -1 with errno. */
MUST_USE static int write_letter(const struct helper *helper)
{
	return helper->role->pack ? memory_file_make(helper->role->pack, helper->argument)
				  : memory_file_seal("", 0);
}

int helper_start(struct helper *helper)
{
	int pair[2], letter, error;
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	letter = write_letter(helper);
	if (letter >= 0)
		pid = role_start(helper->role, helper->parent, pair[1], letter);
	error = errno;
	close(pair[1]);
	if (letter >= 0)
		close(letter);
	if (pid < 0) {
		close(pair[0]);
		errno = error;
		return -1;
	}
	helper->pid = pid;
	helper->channel = pair[0];
	helper->generation++;
	helper->started_ms = clock_ms();
	return 0;
}

static bool wants_another(const struct helper *helper)
{
	const struct role *role = helper->role;

	return !role->is_once && (!role->is_wanted || role->is_wanted(helper->argument));
}

/* Puts off the next start, and returns for how long. */
static int64_t back_off(struct helper *helper)
{
	const struct role *role = helper->role;
	int64_t wait_ms = helper->backoff_ms > 0 ? helper->backoff_ms : role->backoff_ms;

	helper->restart_ms = clock_ms() + wait_ms;
	helper->backoff_ms =
		2 * wait_ms < role->backoff_max_ms ? 2 * wait_ms : role->backoff_max_ms;
	return wait_ms;
}

void helper_maintain(struct helper *helper)
{
	if (helper->pid != 0 || clock_ms() < helper->restart_ms ||
	    (helper->after && !helper->after->is_ready) || !wants_another(helper) ||
	    helper_start(helper) == 0)
		return;
	log_error("the %s: %s: trying again", helper->role->context, strerror(errno));
	back_off(helper);
}

void helper_became_ready(struct helper *helper)
{
	helper->is_ready = true;
	helper->backoff_ms = 0;
}

void helper_hang_up(struct helper *helper)
{
	if (helper->channel >= 0)
		close(helper->channel);
	helper->channel = -1;
	helper->is_ready = false;
}

int helper_release(struct helper *helper)
{
	int channel = helper->channel;

	helper->channel = -1;
	helper->pid = 0;
	helper->is_ready = helper->is_dismissed = false;
	helper->restart_ms = 0;
	return channel;
}

void helper_dismiss(struct helper *helper)
{
	helper_hang_up(helper);
	helper->restart_ms = 0;
	if (helper->pid == 0)
		return;
	helper->is_dismissed = true;
	if (helper->role->finish_ms == 0)
		kill(helper->pid, SIGKILL);
}

static void mind_end(struct helper *helper, int status)
{
	const struct role *role = helper->role;
	long long wait_ms;

	if (role->well_ms != 0 && clock_ms() - helper->started_ms > role->well_ms)
		helper->backoff_ms = 0;
	wait_ms = back_off(helper);
	if (WIFEXITED(status) && WEXITSTATUS(status) == ROLE_ANEW)
		log_info("the %s could not reach any more what it needs, and ended: "
			 "starting another",
			 role->context);
	else if (role->ended)
		log_error("%s", role->ended);
	else
		log_error("the %s ended (%s %d): starting another in %lld ms",
			  role->context, WIFSIGNALED(status) ? "signal" : "status",
			  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			  wait_ms);
}

bool helpers_reaped(struct helper *helpers, size_t count, pid_t pid, int status)
{
	for (size_t i = 0; i < count; i++) {
		struct helper *helper = &helpers[i];

		if (helper->pid != pid)
			continue;
		helper_hang_up(helper);
		helper->pid = 0;
		helper->status = status;
		if (!helper->is_dismissed && wants_another(helper))
			mind_end(helper, status);
		helper->is_dismissed = false;
		return true;
	}
	return false;
}

bool helper_wait(struct helper *helper)
{
	int64_t end_ms = clock_ms() + helper->role->finish_ms;
	struct pollfd signals = { .fd = helper->parent->signals, .events = POLLIN };
	struct signalfd_siginfo info;

	while (helper->pid != 0 && waitpid(helper->pid, NULL, WNOHANG) != helper->pid) {
		if (clock_ms() >= end_ms)
			return false;
		/* Whichever signal came: the supervisor is stopping already. */
		if (poll(&signals, 1, LOOK_MS) > 0)
			(void)!read(signals.fd, &info, sizeof(info));
	}
	helper->pid = 0;
	helper_hang_up(helper);
	return true;
}

void helper_stop(struct helper *helper)
{
	const struct role *role = helper->role;

	helper_hang_up(helper);
	if (helper_wait(helper))
		return;
	if (role->outlives_parent) {
		log_error("%s", role->late);
		return;
	}
	if (role->late)
		log_warning("%s", role->late);
	kill(helper->pid, SIGKILL);
	waitpid(helper->pid, NULL, 0);
	helper->pid = 0;
}
