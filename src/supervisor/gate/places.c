/*
 * The children, one an association: their states, their places, their pace.
 */
#include "supervisor/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/policy/policy.h"

#define PARTING_MAX_MS 90000

struct child *child_add(struct server *server, pid_t pid, int line,
			const struct sockaddr_storage *peer, const char *id)
{
	struct child *child = calloc(1, sizeof(*child));

	if (!child)
		return NULL;
	child->pid = pid;
	child->line = line;
	child->began_us = clock_us();
	child->since = time(NULL);
	child->address = visitors_address(peer);
	(void)!address_of_socket(peer, &child->host); /* all listeners are IP sockets */
	child->auditor = server->auditor_generation;
	child->reloads = server->reloads;
	child->modality = child->destination = NOWHERE;
	address_text(peer, child->peer);
	memcpy(child->id, id, sizeof(child->id));
	child->previous = server->last;
	if (server->last)
		server->last->next = child;
	else
		server->first = child;
	server->last = child;
	server->handshaking++;
	return child;
}

static void child_free(struct server *server, struct child *child)
{
	if (child->previous)
		child->previous->next = child->next;
	else
		server->first = child->next;
	if (child->next)
		child->next->previous = child->previous;
	else
		server->last = child->previous;
	free(child);
}

unsigned children_placed_for(const struct server *server, size_t modality)
{
	unsigned count = 0;

	for (const struct child *c = server->first; c; c = c->next)
		count += c->state == CHILD_PLACED && c->modality == modality;
	return count;
}

unsigned children_at(const struct server *server, const struct address *address)
{
	unsigned count = 0;

	for (const struct child *c = server->first; c; c = c->next)
		count += c->state == CHILD_PLACED && address_equal(&c->address, address);
	return count;
}

void child_say(struct child *child, const struct association_notice *word)
{
	/* A child that doesn't listen loses the word, not the supervisor its time. */
	if (child->line >= 0 &&
	    send(child->line, word, sizeof(*word), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("association %s: %s", child->id, strerror(errno));
}

static void end_child(struct server *server, struct child *child, enum reason reason)
{
	if (child->pid <= 0)
		return;
	if (server->auditor >= 0)
		audit_channel_ending(server->auditor, child->id, reason);
	child->is_ended = true;
	kill(child->pid, SIGKILL);
}

static void leave_place(struct server *server, struct child *child)
{
	enum child_state was = child->state;

	if (was == CHILD_PARTING)
		return;
	child->state = CHILD_PARTING;
	child->parting_ms = clock_ms();
	if (was == CHILD_HANDSHAKING)
		server->handshaking--;
	if (was != CHILD_PLACED)
		return;
	server->placed--;
	paces_share_anew(server, child);
}

/* Whether its entry and its address may have one more in this minute; counts it. */
static bool is_in_time(struct server *server, const struct child *child)
{
	const struct config *config = server->setup.config;
	int64_t now_ms = clock_ms();
	struct rate *of_entry = &server->modality_rates[child->modality];
	struct rate *of_address =
		visitors_places(&server->visitors, &child->address, now_ms);
	unsigned per_minute =
		config->modalities[child->modality].max_handshakes_per_minute;
	struct rate_limit entry = rate_limit_of(per_minute);
	struct rate_limit address =
		rate_limit_of(config->limits.handshakes_per_address_per_minute);

	if (!rate_has_room(of_entry, entry, now_ms) ||
	    !rate_has_room(of_address, address, now_ms))
		return false;
	rate_count(of_entry, entry, 1, now_ms);
	rate_count(of_address, address, 1, now_ms);
	return true;
}

/* PS3.8 table 9-21, source 3: 1 is temporary congestion, 2 a local limit. */
static uint32_t deny(struct server *server, const struct child *child)
{
	const struct config *config = server->setup.config;
	const struct config_modality *entry = &config->modalities[child->modality];

	if (!is_in_time(server, child))
		return 1;
	if (server->placed >= config->limits.max_associations ||
	    children_placed_for(server, child->modality) >= entry->max_associations ||
	    children_at(server, &child->address) >=
		    config->limits.max_associations_per_address)
		return 2;
	return 0;
}

/* Certificate and AE titles are the process's own word, and it may have been taken over
 * before it had proved any. Where it connects from and to is what the supervisor saw. */
static bool can_be_its_entry(const struct server *server, const struct child *child)
{
	const struct config_modality *entry =
		&server->setup.config->modalities[child->modality];

	return policy_allows_address(entry, &child->host) &&
	       entry->certificate.none == child->came_plain;
}

/* Why it gets none; REASON_NONE when it does. */
static enum reason judge(struct server *server, struct child *child,
			 uint32_t *ret_rejection_reason)
{
	*ret_rejection_reason = 1;
	if (server->stopping)
		return REASON_GATEWAY_STOPPING;
	/* It came before a reload, and is judged by the new set, too. */
	if (child->modality == NOWHERE || !can_be_its_entry(server, child) ||
	    (child->reloads != server->reloads && !papers_bring(server, child)))
		return REASON_REVOKED_WHILE_OPEN;
	*ret_rejection_reason = deny(server, child);
	return *ret_rejection_reason == 0 ? REASON_NONE : REASON_LIMIT_ASSOCIATIONS;
}

/* Whether one that judged by the set in force can have come to ask for that entry. */
static bool asks_by_right(const struct server *server, const struct child *child)
{
	return child->modality != NOWHERE && can_be_its_entry(server, child) &&
	       child->destination ==
		       server->setup.config->modalities[child->modality].destination &&
	       (child->state == CHILD_ASKING || child->came_plain);
}

/* False when it asks for what can't be its own. */
static bool asked_place(struct server *server, struct child *child,
			const struct association_notice *word)
{
	const struct config *config = server->setup.config;
	struct association_notice answer = { .kind = ASSOCIATION_GRANTED };

	child->modality = setup_find_modality(config, word->modality);
	child->destination = setup_find_destination(config, word->destination);
	if (child->reloads == server->reloads && !asks_by_right(server, child))
		return false;
	answer.reason = judge(server, child, &answer.rejection_reason);
	if (answer.reason != REASON_NONE) {
		answer.kind = ASSOCIATION_DENIED;
		leave_place(server, child);
		child_say(child, &answer);
		return true;
	}
	if (child->state == CHILD_HANDSHAKING) /* on a plain listener */
		server->handshaking--;
	server->placed++;
	child->state = CHILD_PLACED;
	child->had_place = true;
	visitors_placed(&server->visitors, &child->address, &child->visit, clock_ms());
	if (word->until != 0)
		warnings_saw(server, WARNINGS_MODALITY, word->modality, word->until);
	answer.pace = pace_of(server, child);
	child_say(child, &answer);
	paces_share_anew(server, child);
	return true;
}

void child_forget(struct server *server, struct child *child)
{
	leave_place(server, child);
	close(child->line);
	child->line = -1;
	if (child->pid == 0)
		child_free(server, child);
}

/* What a process has worked in vain, as its address did not prove to be a modality's. */
static void charge_work(struct server *server, const struct child *child,
			const struct rusage *usage)
{
	const struct timeval *user = &usage->ru_utime, *system = &usage->ru_stime;

	if (!child->had_place)
		visitors_worked(&server->visitors,
				(double)(user->tv_sec + system->tv_sec) * 1e3 +
					(double)(user->tv_usec + system->tv_usec) / 1e3,
				clock_ms());
}

void child_reaped(struct server *server, pid_t pid, const struct rusage *usage)
{
	for (struct child *c = server->first; c; c = c->next) {
		if (c->pid != pid)
			continue;
		c->pid = 0;
		charge_work(server, c, usage);
		if (c->line < 0)
			child_free(server, c);
		return;
	}
}

void children_tell(struct server *server, enum association_notice_kind kind)
{
	struct association_notice word = { .kind = kind };

	for (struct child *c = server->first; c; c = c->next)
		child_say(c, &word);
}

static int send_line(struct child *child, int line)
{
	struct association_notice word = { .kind = ASSOCIATION_AUDITOR };

	return descriptors_send(child->line, &word, sizeof(word), &line, 1, MSG_DONTWAIT);
}

void children_renew_auditor(struct server *server)
{
	for (struct child *c = server->first; c; c = c->next) {
		int line;

		if (c->line < 0 || c->auditor == server->auditor_generation)
			continue;
		line = audit_channel_renew(server->auditor, c->id, c->peer);
		if (line < 0)
			return; /* it doesn't keep up: the rest get theirs a tick later */
		/* One that doesn't listen now gets another a tick later. */
		if (send_line(c, line) == 0)
			c->auditor = server->auditor_generation;
		close(line);
	}
}

/* A word that its state does not allow, or a place that can't be its own: the process may
 * have been taken over. */
static void misbehaved(struct server *server, struct child *child)
{
	log_bug("association %s: its process said what it can't by right: ended",
		child->id);
	end_child(server, child, REASON_INTERNAL);
	child_forget(server, child);
}

static bool names_end(const struct association_notice *word)
{
	return memchr(word->modality, 0, sizeof(word->modality)) &&
	       memchr(word->destination, 0, sizeof(word->destination));
}

void child_heard(struct server *server, struct child *child)
{
	struct association_notice word = { 0 };
	ssize_t size = recv(child->line, &word, sizeof(word), MSG_DONTWAIT);
	enum child_state state = child->state;

	if (size == (ssize_t)sizeof(word))
		observer_takes_figures(server, child, &word.figures);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0) /* reset, when it died with words unread */
		child_forget(server, child);
	else if (size != (ssize_t)sizeof(word) || !names_end(&word))
		misbehaved(server, child);
	else if (word.kind == ASSOCIATION_AUTHENTICATED && state == CHILD_HANDSHAKING) {
		child->state = CHILD_ASKING;
		server->handshaking--;
		observer_takes_handshake(server, child);
	} else if (word.kind == ASSOCIATION_ASKS_PLACE &&
		   (state == CHILD_HANDSHAKING || state == CHILD_ASKING)) {
		if (!asked_place(server, child, &word))
			misbehaved(server, child);
	} else if (word.kind == ASSOCIATION_RETURNS_PLACE && state == CHILD_PLACED)
		leave_place(server, child);
	else if (word.kind == ASSOCIATION_SAW_DESTINATION && state == CHILD_PLACED)
		warnings_saw(server, WARNINGS_DESTINATION, word.destination, word.until);
	else if (word.kind == ASSOCIATION_TELLS_FIGURES && state == CHILD_PLACED)
		return;
	else if (state != CHILD_PARTING) /* else said before it was ended */
		misbehaved(server, child);
}

void children_revise(struct server *server, const struct config *before)
{
	const struct config *now = server->setup.config;

	for (struct child *c = server->first; c; c = c->next) {
		if (c->modality != NOWHERE)
			c->modality = setup_find_modality(
				now, before->modalities[c->modality].name);
		if (c->destination != NOWHERE)
			c->destination = setup_find_destination(
				now, before->destinations[c->destination].name);
		if (c->listener != NOWHERE)
			c->listener = setup_find_listen(now, before, c->listener);
	}
	for (struct child *c = server->first; c; c = c->next)
		if (c->state == CHILD_PLACED)
			pace_tell(server, c);
}

void children_kill(struct server *server, enum reason reason)
{
	for (struct child *c = server->first; c; c = c->next)
		end_child(server, c, reason);
}

/* Until the auditor has taken the last word, and then the modality its last PDU. */
void children_maintain(struct server *server)
{
	int64_t long_ago_ms = clock_ms() - PARTING_MAX_MS;

	for (struct child *c = server->first; c; c = c->next)
		if (c->state == CHILD_PARTING && c->parting_ms < long_ago_ms)
			end_child(server, c, REASON_INTERNAL);
}

typedef bool child_is(const struct child *child);

static bool is_handshaking(const struct child *child)
{
	return child->state == CHILD_HANDSHAKING;
}

/* Its certificate is proved, or it was denied a place, and it is still there. */
static bool is_waiting(const struct child *child)
{
	return child->state == CHILD_ASKING ||
	       (child->state == CHILD_PARTING && !child->had_place && !child->is_ended);
}

/* At `address`; NULL: all. */
static unsigned count_of(const struct server *server, child_is *is,
			 const struct address *address)
{
	unsigned count = 0;

	for (const struct child *c = server->first; c; c = c->next)
		count += is(c) && (!address || address_equal(&c->address, address));
	return count;
}

/* How much its address is in the way of others. A modality's may have a few at a time. */
static unsigned weight(const struct server *server, child_is *is,
		       const struct child *child)
{
	unsigned count = count_of(server, is, &child->address);
	unsigned spared = server->setup.config->limits.max_handshakes / 8;

	return child->visit.is_known && count <= (spared ? spared : 1) ? 0 : count;
}

static void drop_oldest(struct server *server, child_is *is)
{
	struct child *oldest = NULL;
	unsigned most = 0;

	for (struct child *c = server->first; c; c = c->next) {
		unsigned its;

		if (!is(c) || c->pid == 0 ||
		    (oldest && address_equal(&c->address, &oldest->address)))
			continue;
		its = weight(server, is, c);
		if (!oldest || its > most) {
			most = its;
			oldest = c;
		}
	}
	if (!oldest)
		return;
	end_child(server, oldest, REASON_LIMIT_ASSOCIATIONS);
	leave_place(server, oldest);
}

void children_make_room(struct server *server)
{
	const struct config_limits *limits = &server->setup.config->limits;
	unsigned waiting = limits->max_associations > limits->max_handshakes
				   ? limits->max_associations
				   : limits->max_handshakes;

	if (server->handshaking >= limits->max_handshakes)
		drop_oldest(server, is_handshaking);
	if (count_of(server, is_waiting, NULL) >= waiting)
		drop_oldest(server, is_waiting);
}
