/* One turn of the supervisor's event loop: waits, and takes whatever is ready. */
#include "supervisor/server.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/polls.h"

#define TICK_MS	       1000
#define STOP_MARGIN_MS 15000
#define KILL_AFTER_MS  7000 /* on top of the grace: what parting takes, and a bit */

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

static void add(struct polls *polls, int fd)
{
	if (polls_add(polls, fd))
		return;
	log_error("no memory for the event loop");
	exit(2);
}

static void fill(struct polls *polls, const struct server *server, bool is_accepting)
{
	const struct listeners *listeners = &server->gate.listeners;

	polls_clear(polls);
	add(polls, server->parent.signals);
	add(polls, server->auditing.helper->channel);
	add(polls, server->keeping.helper->channel);
	for (size_t i = 0; i < KEEPING_RELEASED_MAX; i++)
		add(polls, server->keeping.released[i]);
	add(polls, server->resolver.helper->channel);
	add(polls, server->gate.dialler->channel);
	add(polls, server->forking.helper->channel);
	add(polls, server->spooling.keeper->channel);
	add(polls, server->spooling.spooler->channel);
	add(polls, watch_descriptor(server->watch));
	for (size_t i = 0; i < listeners->count; i++)
		add(polls, is_accepting ? listeners->items[i].fd : -1);
	for (struct place *p = server->gate.places.first; p; p = p->next)
		add(polls, p->channel);
	for (struct place *p = server->gate.couriers.first; p; p = p->next)
		add(polls, p->channel);
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
void turn_take(struct server *server)
{
	static struct polls polls;
	int64_t pause_ms = server->gate.accept_again_ms - clock_ms();
	int64_t wait_ms = sooner_ms(server->manager.ask_every_ms, TICK_MS);
	size_t listener_count = server->gate.listeners.count;
	struct place *place = server->gate.places.first, *next;
	struct place *courier = server->gate.couriers.first;
	size_t at;

	server->has_accepted = server->forking.helper->is_ready;
	fill(&polls, server, lets_in(server) && pause_ms <= 0);
	if (pause_ms > 0)
		wait_ms = sooner_ms(wait_ms, pause_ms);
	if (reload_is_possible(server)) /* else a look that is due stays due */
		wait_ms = sooner_ms(wait_ms, watch_wait_ms(server->watch));
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
