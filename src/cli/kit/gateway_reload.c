#include "gateway_reload.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/config/config.h"
#include "cathgate/observer/observer.h"
#include "cathgate/supervisor/units.h"

#include "cli.h"
#include "complain.h"
#include "gateway_ask.h"
#include "gateway_config.h"
#include "gateway_signal.h"
#include "shown.h"

#define WAIT_MS	 60000 /* it takes milliseconds, unless the auditor is being restarted */
#define SOON_MS	 6000  /* the observer is back after this */
#define AGAIN_MS 50
#define PLACES	 2

/* Where its observer may listen. A configuration that names another socket than the one
 * in force counts only after the reload. */
struct reload {
	char *paths[PLACES];
	/* That of the gateway that is meant; NULL: whoever answers there is the one. */
	char *audit_file;
	int64_t asked_us; /* clock_us() */
	pid_t pid;
};

static bool is_meant(const struct reload *reload, const json_t *status)
{
	const char *file = json_string_value(
		json_object_get(json_object_get(status, "audit"), "file"));

	return !reload->audit_file || (file && strcmp(file, reload->audit_file) == 0);
}

/* NULL with the errno of the first place: another gateway is as good as none. */
static json_t *ask_anywhere(const struct reload *reload, struct ucred *ret_peer)
{
	int error = 0;

	for (size_t i = 0; i < PLACES && reload->paths[i]; i++) {
		char *answer = gateway_ask(reload->paths[i], ret_peer);
		int why = errno;
		json_t *status = answer ? json_loads(answer, 0, NULL) : NULL;

		if (status && is_meant(reload, status)) {
			free(answer);
			return status;
		}
		if (i == 0)
			error = status ? ESRCH : answer ? EBADMSG : why;
		json_decref(status);
		free(answer);
	}
	errno = error;
	return NULL;
}

static pid_t pid_in(const json_t *status)
{
	json_int_t pid = json_integer_value(json_object_get(status, "pid"));

	return pid > 1 && pid <= INT32_MAX ? (pid_t)pid : -1;
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
	peer.pid = reload->pid;
	return gateway_signal(&peer);
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

/* A reload may be what mends the silence. */
static void tell_unheard(const char *config)
{
	struct ucred service;
	int error;

	if (!gateway_service(config, &service))
		return;
	error = gateway_signal(&service);
	if (error == 0)
		complain("the service has been told to reload all the same, and nobody "
			 "says what came of it: see journalctl -u cathgated");
	else
		complain("nor can it be told to reload: %s", strerror(error));
}

static void complain_silence(const struct reload *reload, const char *config, int error)
{
	errno = error;
	if (error == ESRCH && reload->audit_file)
		complain("the gateway that answers at %s has another audit log than %s, "
			 "so it is another gateway; name the socket with --socket",
			 reload->paths[0], reload->audit_file);
	else
		gateway_complain_silence(reload->paths[0], config);
}

/* Just after a start the observer doesn't listen yet. */
static int request_patiently(struct reload *reload, const char *config)
{
	int64_t end_us = clock_us() + SOON_MS * INT64_C(1000);
	struct ucred service;
	int error = request(reload);
	bool is_running = (error == ENOENT || error == ECONNREFUSED) &&
			  gateway_service(config, &service);

	while (is_running && (error == ENOENT || error == ECONNREFUSED) &&
	       clock_us() < end_us) {
		poll(NULL, 0, AGAIN_MS);
		error = request(reload);
	}
	return error;
}

static int ask_and_wait(struct reload *reload, const char *config, bool may_be_unheard)
{
	int error = may_be_unheard ? request_patiently(reload, config) : request(reload);
	int status;
	json_t *verdict;

	if (error == EPERM && reload->pid > 0) {
		complain(
			"only root and the gateway's own user may tell it to reload; run "
			"this as root");
		return CLI_USAGE;
	}
	if (error != 0) {
		complain_silence(reload, config, error);
		if (may_be_unheard && reload->pid < 0)
			tell_unheard(config);
		return CLI_USAGE;
	}
	verdict = wait_verdict(reload);
	status = verdict ? tell_verdict(verdict) : CLI_USAGE;
	json_decref(verdict);
	return status;
}

/* The usual gateway is never told to reload for another one's configuration, for that
 * change would count nowhere. One that names no socket has its gateway at the usual
 * place, if no other gateway was there before. -1 after saying why. */
static int find_places(struct reload *reload, const char *config, const char *socket,
		       bool is_usual)
{
	struct config_faults faults = { 0 };
	char *named = gateway_socket_named(config), **next = reload->paths;
	bool is_elsewhere = socket || named;

	if (socket)
		*next++ = strdup(socket);
	if (named)
		*next++ = named;
	if ((is_usual || !is_elsewhere) && next < reload->paths + PLACES)
		*next++ = strdup(OBSERVER_CONTROL_USUAL);
	if (!reload->paths[0] || !next[-1])
		return complain_memory();
	if (is_usual || is_elsewhere ||
	    config_audit_file(config, &reload->audit_file, &faults) == 0)
		return 0;
	gateway_config_complain(&faults);
	config_faults_clear(&faults);
	return -1;
}

int gateway_reload(const char *config, const char *socket)
{
	bool is_usual = strcmp(config, CATHGATE_CONFIG) == 0 || units_have_config(config);
	struct reload reload = { .pid = -1 };
	int status = CLI_USAGE;

	if (find_places(&reload, config, socket, is_usual) == 0)
		status = ask_and_wait(&reload, config, is_usual && !socket);
	for (size_t i = 0; i < PLACES; i++)
		free(reload.paths[i]);
	free(reload.audit_file);
	return status;
}
