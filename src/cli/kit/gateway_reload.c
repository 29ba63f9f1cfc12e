#include "gateway_reload.h"

#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/observer/observer.h"

#include "cli.h"
#include "complain.h"
#include "gateway_ask.h"
#include "shown.h"

#define WAIT_MS	 60000 /* it takes milliseconds, unless the auditor is being restarted */
#define AGAIN_MS 50

/* Where its observer may listen. A configuration that names another socket than the one
 * in force counts only after the reload. */
struct reload {
	char *paths[2];
	int64_t asked_us; /* clock_us() */
	pid_t pid;
};

static json_t *ask_anywhere(const struct reload *reload, struct ucred *ret_peer)
{
	for (size_t i = 0; i < 2; i++) {
		char *answer =
			reload->paths[i] ? gateway_ask(reload->paths[i], ret_peer) : NULL;
		json_t *status = answer ? json_loads(answer, 0, NULL) : NULL;

		free(answer);
		if (status)
			return status;
	}
	return NULL;
}

static pid_t pid_in(const json_t *status)
{
	json_int_t pid = json_integer_value(json_object_get(status, "pid"));

	return pid > 1 && pid <= INT32_MAX ? (pid_t)pid : -1;
}

/* The PID comes from a process that an attacker may have taken over. So root signals with
 * the rights of the user that answered, which reach that user's own processes only. The
 * errno; 0 when it is done. */
static int signal_as(const struct ucred *peer, pid_t pid)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (geteuid() == 0 && (setgroups(0, NULL) != 0 ||
				       setresgid(peer->gid, peer->gid, peer->gid) != 0 ||
				       setresuid(peer->uid, peer->uid, peer->uid) != 0))
			_exit(errno);
		_exit(kill(pid, SIGHUP) == 0 ? 0 : errno);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

static int request(struct reload *reload)
{
	struct ucred peer;
	json_t *status = ask_anywhere(reload, &peer);
	int error = errno;

	if (!status)
		return error;
	reload->pid = pid_in(status);
	json_decref(status);
	if (reload->pid < 0)
		return ESRCH;
	reload->asked_us = clock_us();
	return signal_as(&peer, reload->pid);
}

/* Of a reload that began after the question; what was asked for earlier may have read the
 * files as they were. The caller's; NULL when it isn't there yet. */
static json_t *find_verdict(const struct reload *reload)
{
	json_t *status = ask_anywhere(reload, NULL);
	json_t *verdict = status ? json_object_get(status, "reload_verdict") : NULL;

	if (verdict &&
	    json_integer_value(json_object_get(verdict, "began_us")) >= reload->asked_us)
		json_incref(verdict);
	else
		verdict = NULL;
	json_decref(status);
	return verdict;
}

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) != 0 && errno == ESRCH;
}

static json_t *wait_verdict(const struct reload *reload)
{
	int64_t end_us = reload->asked_us + WAIT_MS * INT64_C(1000);
	json_t *verdict;

	while (!(verdict = find_verdict(reload)) && clock_us() < end_us) {
		if (is_gone(reload->pid)) {
			complain("the gateway has ended before it had reloaded: see "
				 "journalctl -u cathgated");
			return NULL;
		}
		poll(NULL, 0, AGAIN_MS);
	}
	if (!verdict)
		complain(
			"the gateway has been told to reload, and has said nothing of it "
			"for %d s: see cathgate status and journalctl -u cathgated",
			WAIT_MS / 1000);
	return verdict;
}

static int tell_verdict(const json_t *verdict)
{
	const char *outcome = json_string_value(json_object_get(verdict, "outcome"));
	const char *detail = json_string_value(json_object_get(verdict, "detail"));
	long long errors = json_integer_value(json_object_get(verdict, "errors"));

	if (outcome && strcmp(outcome, "done") == 0) {
		fputs("The gateway has reloaded: ", stdout);
		shown_text(stdout, detail ? detail : "nothing has changed");
		fputc('\n', stdout);
		return CLI_GOOD;
	}
	complain("%s", detail ? detail : "the reason is unknown");
	if (errors > 1)
		complain("that is the first of %lld errors", errors);
	complain("so the gateway refuses to reload, and what was in force stays so: "
		 "correct "
		 "it, prove it with cathgated --check, and reload again");
	return CLI_WRONG;
}

static int ask_and_wait(struct reload *reload, const char *config)
{
	int error = request(reload), status;
	json_t *verdict;

	if (error == EPERM && reload->pid > 0) {
		complain(
			"only root and the gateway's own user may tell it to reload; run "
			"this as root");
		return CLI_USAGE;
	}
	if (error != 0) {
		errno = error;
		gateway_complain_silence(reload->paths[0], config);
		return CLI_USAGE;
	}
	verdict = wait_verdict(reload);
	status = verdict ? tell_verdict(verdict) : CLI_USAGE;
	json_decref(verdict);
	return status;
}

int gateway_reload(const char *config, const char *socket)
{
	struct reload reload = { .pid = -1 };
	int status = CLI_USAGE;

	reload.paths[0] = socket ? strdup(socket) : gateway_socket(config);
	reload.paths[1] =
		socket ? gateway_socket(config) : strdup(OBSERVER_CONTROL_USUAL);
	if (!reload.paths[0] || !reload.paths[1])
		(void)complain_memory();
	else
		status = ask_and_wait(&reload, config);
	free(reload.paths[0]);
	free(reload.paths[1]);
	return status;
}
