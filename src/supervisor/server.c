#include "supervisor/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/supervisor/server.h"

#define TICK_MS		1000
#define RESOLVE_WAIT_MS 3000  /* READY=1 waits no longer for the first names */
#define SPOOL_WAIT_MS	10000 /* nor for the spool's folder to be read */
#define FORKER_WAIT_MS	5000  /* a reload waits no longer for a forker */
#define STOP_MARGIN_MS	15000
#define KILL_AFTER_MS	7000 /* on top of the grace: what parting takes, and a bit */

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

static void begin_stop(struct server *server)
{
	unsigned grace_seconds = server->settings.config->limits.grace_seconds;
	int64_t kill_after_ms = KILL_AFTER_MS + (int64_t)grace_seconds * 1000;
	int64_t finish_ms = server->auditing.helper->role->finish_ms;

	if (server->is_stopping) {
		server->kill_ms = clock_ms(); /* told twice: no more grace */
		return;
	}
	log_info("stopping: associations with an instance in hand have %u s",
		 grace_seconds);
	/* The unit's TimeoutStopSec= is enough for the usual grace only. */
	sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
		   (kill_after_ms + finish_ms + STOP_MARGIN_MS) * 1000LL);
	server->is_stopping = server->gate.is_closed = true;
	server->kill_ms = clock_ms() + kill_after_ms;
	listeners_close(&server->gate.listeners);
	accept_revise(&server->gate, NULL, NULL);
	helper_dismiss(server->forking.helper);
	places_say(&server->gate.places, ASSOCIATION_STOP);
	places_say(&server->gate.couriers, ASSOCIATION_STOP);
}

static void reap(struct server *server)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		char how[SANDBOXES_HOW_SIZE];

		sandboxes_judge(server, pid, status, how);
		if (!helpers_reaped(server->helpers, ROLES_COUNT, pid, status) &&
		    !claim_reaped(&server->gate, pid, status, how, &usage))
			log_debug("process %d ended: neither helper nor association",
				  pid);
	}
}

static void take_signal(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->parent.signals, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(server);
		else if (info.ssi_signo == SIGHUP)
			server->reload_wanted = true;
		else
			begin_stop(server);
	}
}

static void hear_association(struct server *server, struct place *place)
{
	struct association_notice notice = { 0 };
	enum claim claim = claim_hear(&server->gate, place, &notice);

	if (claim == CLAIM_NONE)
		return;
	snapshot_add_association(&server->snapshot, &place->figures, &notice.figures);
	if (claim == CLAIM_AUTHENTICATED)
		histogram_count(&server->snapshot.handshake,
				clock_us() - place->began_us);
	else if (claim == CLAIM_PLACE && notice.until != 0)
		warnings_saw(&server->warnings, WARNING_MODALITY, notice.modality,
			     notice.until);
	else if (claim == CLAIM_SAW_DESTINATION)
		warnings_saw(&server->warnings, WARNING_DESTINATION, notice.destination,
			     notice.until);
}

static void hear_courier(struct server *server, struct place *courier)
{
	struct association_notice notice = { 0 };

	if (courier_hear(&server->gate, courier, &notice) == CLAIM_SAW_DESTINATION)
		warnings_saw(&server->warnings, WARNING_DESTINATION, notice.destination,
			     notice.until);
}

static void hear_spooler(struct server *server)
{
	struct spooler_word word = { .kind = SPOOLER_NOTHING };

	spooling_hear(&server->spooling, &server->auditing, &word);
	if (word.kind == SPOOLER_WANTS_COURIER)
		courier_start(&server->gate, word.destination);
}

static void hear_auditor(struct server *server)
{
	struct audit_figures figures;
	enum auditing_event event = auditing_hear(&server->auditing, &figures);

	if (event == AUDITING_READY)
		server->manager.is_answered = true;
	else if (event == AUDITING_ALIVE)
		manager_auditor_answered(&server->manager, &server->auditing);
	else if (event == AUDITING_FIGURES)
		snapshot_add_sync(&server->snapshot, &figures.sync);
}

static void hear_keeper(struct server *server, int channel)
{
	struct keeper_refusal refusal;

	if (keeping_hear(&server->keeping, channel, &refusal))
		claim_refused(&server->gate, &refusal);
}

/* What is polled: these, then the listeners, then the places in their order, then the
 * couriers. They are gathered afresh for each turn: there are few enough, and none can be
 * stale. */
enum {
	POLLS_SIGNALS,
	POLLS_AUDITOR,
	POLLS_KEEPER,
	POLLS_RELEASED,
	POLLS_RESOLVER = POLLS_RELEASED + KEEPING_RELEASED_MAX,
	POLLS_DIALLER,
	POLLS_FORKER,
	POLLS_SPOOL_KEEPER,
	POLLS_SPOOLER,
	POLLS_WATCH,
	POLLS_FIRST
};

struct polls {
	struct pollfd *fds;
	size_t count, room;
};

static void polls_add(struct polls *polls, int fd)
{
	if (polls->count == polls->room) {
		polls->room += 64;
		polls->fds = reallocarray(polls->fds, polls->room, sizeof(*polls->fds));
		if (!polls->fds) {
			log_error("no memory for the event loop");
			exit(2);
		}
	}
	polls->fds[polls->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void polls_fill(struct polls *polls, const struct server *server,
		       bool is_accepting)
{
	const struct listeners *listeners = &server->gate.listeners;

	polls->count = 0;
	polls_add(polls, server->parent.signals);
	polls_add(polls, server->auditing.helper->channel);
	polls_add(polls, server->keeping.helper->channel);
	for (size_t i = 0; i < KEEPING_RELEASED_MAX; i++)
		polls_add(polls, server->keeping.released[i]);
	polls_add(polls, server->resolver.helper->channel);
	polls_add(polls, server->gate.dialler->channel);
	polls_add(polls, server->forking.helper->channel);
	polls_add(polls, server->spooling.keeper->channel);
	polls_add(polls, server->spooling.spooler->channel);
	polls_add(polls, watch_descriptor(server->watch));
	for (size_t i = 0; i < listeners->count; i++)
		polls_add(polls, is_accepting ? listeners->items[i].fd : -1);
	for (struct place *p = server->gate.places.first; p; p = p->next)
		polls_add(polls, p->channel);
	for (struct place *p = server->gate.couriers.first; p; p = p->next)
		polls_add(polls, p->channel);
}

/* While there is no forker, or no keeper that serves, connections wait. */
static bool lets_in(const struct server *server)
{
	return server->is_ready && !server->is_stopping &&
	       server->forking.helper->is_ready && server->keeping.helper->is_ready;
}

static int64_t sooner_ms(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

/* One turn: waits, and takes whatever is ready. */
static void take_turn(struct server *server)
{
	static struct polls polls;
	int64_t pause_ms = server->gate.accept_again_ms - clock_ms();
	int64_t wait_ms = sooner_ms(watch_wait_ms(server->watch),
				    sooner_ms(server->manager.ask_every_ms, TICK_MS));
	size_t listener_count = server->gate.listeners.count;
	struct place *place = server->gate.places.first, *next;
	struct place *courier = server->gate.couriers.first;
	size_t at;

	server->has_accepted = server->forking.helper->is_ready;
	polls_fill(&polls, server, lets_in(server) && pause_ms <= 0);
	if (pause_ms > 0)
		wait_ms = sooner_ms(wait_ms, pause_ms);
	wait_ms = sooner_ms(wait_ms, keeping_wait_ms(&server->keeping));
	if (poll(polls.fds, polls.count, (int)wait_ms) <= 0)
		return;

	/* Associations first: what they free makes room for new connections. */
	at = POLLS_FIRST + listener_count;
	for (; place; at++, place = next) {
		next = place->next; /* the place may go */
		if (polls.fds[at].revents)
			hear_association(server, place);
	}
	for (; courier; at++, courier = next) {
		next = courier->next;
		if (polls.fds[at].revents)
			hear_courier(server, courier);
	}
	if (polls.fds[POLLS_AUDITOR].revents)
		hear_auditor(server);
	for (size_t i = POLLS_KEEPER; i < POLLS_RESOLVER; i++)
		if (polls.fds[i].revents)
			hear_keeper(server, polls.fds[i].fd);
	if (polls.fds[POLLS_RESOLVER].revents)
		resolver_hear(&server->resolver, &server->settings);
	if (polls.fds[POLLS_DIALLER].revents)
		dialling_hear(&server->gate);
	if (polls.fds[POLLS_FORKER].revents)
		forking_hear(&server->forking);
	if (polls.fds[POLLS_SPOOL_KEEPER].revents)
		spooling_hear_keeper(&server->spooling);
	if (polls.fds[POLLS_SPOOLER].revents)
		hear_spooler(server);
	accept_waiting(&server->gate);
	if (polls.fds[POLLS_WATCH].revents)
		watch_heard(server->watch);
	for (size_t i = 0; i < listener_count; i++)
		if (polls.fds[POLLS_FIRST + i].revents)
			accept_some(&server->gate, i);
	if (polls.fds[POLLS_SIGNALS].revents)
		take_signal(server);
}

/* Each reload makes connections wait for another forker. However fast reloads follow each
 * other, those that have waited are accepted between two of them. */
static bool has_time_to_reload(const struct server *server)
{
	int64_t missing_ms = server->forking.missing_ms;

	return server->has_accepted ||
	       (missing_ms != 0 && clock_ms() - missing_ms > FORKER_WAIT_MS);
}

/* Runs between two turns, when nothing points into the settings that are about to go, and
 * only while there is an auditor to record it. */
static void maintain_settings(struct server *server)
{
	if (!server->is_ready || !server->auditing.helper->is_ready ||
	    server->is_stopping || !has_time_to_reload(server))
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
	spooling_maintain(&server->spooling, auditing);
	places_bring_spooler(places, &server->spooling, config);
	papers_maintain(&server->gate);
	dialling_maintain(&server->gate);
}

static int serve(struct server *server)
{
	int64_t started_ms = clock_ms();

	for (;;) {
		take_turn(server);
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
