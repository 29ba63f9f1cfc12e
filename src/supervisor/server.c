#include "supervisor/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/supervisor/server.h"

#define RESOLVE_WAIT_MS 3000  /* READY=1 waits no longer for the first names */
#define SPOOL_WAIT_MS	10000 /* nor for the spool's folder to be read */

/* Too large for a stack. */
static struct server the_server;

MUST_USE static int take_signals(struct server *server)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	server->parent.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->parent.signals >= 0 ? 0 : -1;
}

static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void say_ready(struct server *server, int64_t started_ms)
{
	if (server->is_ready || !server->auditing.helper->is_ready ||
	    !server->forking.helper->is_ready ||
	    (!server->resolver.has_answered &&
	     clock_ms() - started_ms < RESOLVE_WAIT_MS) ||
	    (config_has_spool(server->settings.config) &&
	     !server->spooling.spooler->is_ready &&
	     clock_ms() - started_ms < SPOOL_WAIT_MS))
		return;
	server->is_ready = true;
	server->snapshot.tell_ms = 0; /* cathgate status must not lag behind READY=1 */
	auditing_tell(&server->auditing, AUDIT_START, AUDIT_NO_OUTCOME, REASON_NONE, "");
	reload_raise_alerts(server, NULL);
	sd_notify(0, "READY=1");
	log_info("ready");
}

/* Runs between two turns, when nothing points into the settings that are about to go. */
static void maintain_settings(struct server *server)
{
	if (!reload_is_possible(server))
		return;
	if (server->reload_wanted)
		reload_all(server);
	server->reload_wanted = false;
	reload_maintain(server);
	warnings_maintain(&server->warnings, &server->auditing);
}

static void maintain_places(struct server *server)
{
	const struct auditing *auditing = &server->auditing;
	struct places *places = &server->gate.places, *couriers = &server->gate.couriers;
	const struct config *config = server->settings.config;

	if (server->is_stopping) { /* once more for processes that didn't listen */
		places_say(places, ASSOCIATION_STOP);
		places_say(couriers, ASSOCIATION_STOP);
	}
	if (server->is_stopping && clock_ms() >= server->kill_ms) {
		places_kill(places, auditing, REASON_GATEWAY_STOPPING);
		places_kill(couriers, auditing, REASON_GATEWAY_STOPPING);
	}
	places_kill_late(places, auditing);
	places_kill_late(couriers, auditing);
	if (auditing->helper->is_ready) {
		sandboxes_tell(server);
		accept_tell_turned_away(&server->gate, false);
		places_renew_auditor(places, auditing, config);
		places_renew_auditor(couriers, auditing, config);
	}
	spooling_maintain(&server->spooling, auditing, config_has_spool(config));
	places_bring_spooler(places, &server->spooling, &server->settings);
	papers_maintain(&server->gate);
	dialling_maintain(&server->gate);
}

static int serve(struct server *server)
{
	int64_t started_ms = clock_ms();

	for (;;) {
		turn_take(server);
		if (!server->is_ready && server->auditing.helper->pid == 0)
			return 2; /* the auditor has logged why */
		forking_maintain(&server->forking);
		for (size_t i = 0; i < ROLES_COUNT; i++)
			helper_maintain(&server->helpers[i]);
		keeping_maintain(&server->keeping, &server->settings, &server->auditing);
		snapshot_maintain(server);
		say_ready(server, started_ms);
		maintain_settings(server);
		if (server->is_stopping && !server->gate.places.first &&
		    !server->gate.couriers.first)
			return 0;
		maintain_places(server);
		manager_maintain(server);
	}
}

/* The auditor ends when it has written all that came by channels that are closed. */
static void stop_auditor(struct server *server)
{
	struct auditing *auditing = &server->auditing;

	auditing->waits_until_told = true;
	if (auditing->helper->channel >= 0)
		accept_tell_turned_away(&server->gate, true);
	if (server->is_ready)
		auditing_tell(auditing, AUDIT_STOP, AUDIT_NO_OUTCOME, REASON_NONE, "");
	helper_stop(auditing->helper);
	auditing_forget_state(auditing);
}

static void release_all(struct server *server)
{
	/* The spooler has a channel to the auditor, which waits for the last to close. */
	helper_stop(server->spooling.spooler);
	helper_stop(server->spooling.keeper);
	spooling_free(&server->spooling);
	stop_auditor(server);
	keeping_give_up(&server->keeping);
	helper_stop(server->keeping.helper);
	helper_stop(&server->helpers[ROLES_EXPORTER]);
	helper_stop(&server->helpers[ROLES_ALERTER]);
	helper_stop(&server->helpers[ROLES_OBSERVER]);
	helper_stop(&server->helpers[ROLES_RESOLVER]);
	helper_stop(&server->helpers[ROLES_DIALLER]);
	helper_stop(server->forking.helper);
	accept_revise(&server->gate, NULL, NULL);
	listeners_close(&server->gate.listeners);
	watch_free(server->watch);
	if (server->is_ready)
		warnings_save_last(&server->warnings);
	warnings_free(&server->warnings);
	papers_free(&server->gate);
	free(server->gate.modality_rates);
	sandboxes_free(&server->sandboxes);
	if (server->parent.signals >= 0)
		close(server->parent.signals);
	if (server->parent.program >= 0)
		close(server->parent.program);
	if (server->settings.config != server->first_config)
		config_free(server->first_config);
	settings_free(&server->settings);
}

/* What all else needs: the auditor, the dialler and, where destinations have names, the
 * resolver. */
MUST_USE static int start_helpers(struct server *server)
{
	if (helper_start(server->auditing.helper) != 0) {
		log_error("the auditor: %s", strerror(errno));
		return -1;
	}
	helper_maintain(server->forking.helper);
	resolver_decide(&server->resolver, &server->settings);
	helper_maintain(server->resolver.helper);
	helper_maintain(server->gate.dialler);
	roles_decide_export(server);
	return 0;
}

/* What no process of the gateway's needs. Each child's own sandbox comes on top. */
MUST_USE static int enter_sandbox(struct server *server)
{
	struct sandboxes *sandboxes = &server->sandboxes;

	return sandboxes_prepare(sandboxes) == 0 ? sandbox_enter(sandboxes->own, NULL, 0)
						 : -1;
}

static void init_server(struct server *server, const char *config_path,
			bool is_foreground)
{
	*server = (struct server){
		.config_path = config_path,
		.parent = { .pid = getpid(),
			    .signals = -1,
			    .program = -1,
			    .deaths = -1,
			    .is_foreground = is_foreground },
		.sandboxes = { .deaths = { .read = -1, .write = -1 } },
		.auditing = { .state = -1 },
		.gate = { .settings = &server->settings,
			  .auditing = &server->auditing,
			  .keeping = &server->keeping,
			  .spooling = &server->spooling,
			  .forking = &server->forking },
		.started_us = clock_us(),
		.started_utc_us = clock_utc_us(),
	};
	roles_init(server);
}

int server_run(const char *config_path, bool is_foreground)
{
	struct server *server = &the_server;
	int status = 2;

	init_server(server, config_path, is_foreground);
	role_harden();
	raise_file_limit();
	server->parent.program = role_program();
	if (server->parent.program < 0) {
		log_error("cathgated can't open its own file to execute it anew: "
			  "/proc/self/exe: %s",
			  strerror(errno));
		goto out;
	}
	if (sandboxes_open(server) != 0)
		goto out;
	if (listeners_take_passed(&server->gate.listeners) != 0)
		goto out;
	if (take_signals(server) != 0) {
		log_error("signals: %s", strerror(errno));
		goto out;
	}
	status = reload_first(server);
	if (status != 0)
		goto out;
	status = 2;
	if (enter_sandbox(server) != 0)
		goto out;
	server->first_config = server->settings.config;
	if (rates_renew(&server->gate.modality_rates, NULL, server->settings.config) !=
	    0) {
		log_error("no memory for the modalities");
		goto out;
	}
	if (watch_renew(&server->watch, &server->settings) != 0 ||
	    warnings_begin(&server->warnings, &server->settings) != 0) {
		log_error("no memory to watch the certificates");
		goto out;
	}
	manager_begin(&server->manager);
	if (listeners_open(&server->gate.listeners, server->settings.config) != 0 ||
	    start_helpers(server) != 0)
		goto out;
	status = serve(server);
out:
	release_all(server);
	if (status == 0)
		log_info("stopped");
	return status;
}
