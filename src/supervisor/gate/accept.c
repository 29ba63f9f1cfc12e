#include "supervisor/gate/gate.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define ACCEPTED_AT_ONCE 16 /* then the associations are heard again */
#define BUSY_MS		 10

static void new_id(char ret[AUDIT_ASSOCIATION_ID_SIZE])
{
	uint8_t bytes[8];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		log_bug("getrandom: %s", strerror(errno));
	digest_hex(bytes, sizeof(bytes), ret);
}

/* Auditor and keeper are told of each connection first. While a disk keeps the auditor
 * busy, or no keeper serves, new connections wait in the listen queue. */
static bool auditor_listens(const struct gate *gate)
{
	struct pollfd control = { .fd = gate->auditing->helper->channel,
				  .events = POLLOUT };

	return gate->auditing->helper->channel < 0 ||
	       (poll(&control, 1, 0) > 0 && control.revents == POLLOUT);
}

typedef bool place_is(const struct place *place);

static bool is_handshaking(const struct place *place)
{
	return place->state == PLACE_HANDSHAKING;
}

/* The process has proved its certificate, or was denied a place, and is still there. */
static bool is_waiting(const struct place *place)
{
	return place->state == PLACE_AUTHENTICATED ||
	       (place->state == PLACE_GIVEN_UP && !place->was_held && !place->is_killed);
}

/* At `address`; NULL: all. */
static unsigned count_of(const struct gate *gate, place_is *is,
			 const struct address *address)
{
	unsigned count = 0;

	for (const struct place *p = gate->places.first; p; p = p->next)
		count += is(p) && (!address || address_equal(&p->address, address));
	return count;
}

/* How many of its kind the address has; 0 when a modality's address has only a few. */
static unsigned weight_of(const struct gate *gate, place_is *is,
			  const struct place *place)
{
	unsigned count = count_of(gate, is, &place->address);
	unsigned spared = gate->settings->config->limits.max_handshakes / 8;

	return place->visit.is_known && count <= (spared ? spared : 1) ? 0 : count;
}

static void drop_oldest(struct gate *gate, place_is *is)
{
	struct place *oldest = NULL;
	unsigned most = 0;

	for (struct place *p = gate->places.first; p; p = p->next) {
		unsigned weighs;

		if (!is(p) || p->pid == 0 ||
		    (oldest && address_equal(&p->address, &oldest->address)))
			continue;
		weighs = weight_of(gate, is, p);
		if (!oldest || weighs > most) {
			most = weighs;
			oldest = p;
		}
	}
	if (!oldest)
		return;
	place_kill(oldest, gate->auditing, REASON_LIMIT_ASSOCIATIONS);
	claim_return(gate, oldest);
}

/* Of those that are not authenticated yet, and of those that are and hold no place (as
 * many as limits.max_associations or max_handshakes, whichever is more), the oldest is
 * ended: of the address that has the most. Addresses from which a modality has had a
 * place come last, unless they have many. */
static void make_room_for_one(struct gate *gate)
{
	const struct config_limits *limits = &gate->settings->config->limits;
	unsigned waiting = limits->max_associations > limits->max_handshakes
				   ? limits->max_associations
				   : limits->max_handshakes;

	if (gate->places.handshaking >= limits->max_handshakes)
		drop_oldest(gate, is_handshaking);
	if (count_of(gate, is_waiting, NULL) >= waiting)
		drop_oldest(gate, is_waiting);
}

/* No line of the log each: a flood would fill it. */
static void turn_away(struct gate *gate, const struct arrival *arrival,
		      enum reason reason)
{
	const struct address address = visitors_address(&arrival->order.peer);

	visitors_turned_away(&gate->visitors, &address, arrival->peer, reason,
			     clock_ms());
}

/* REASON_NONE when it may come in. */
static enum reason judge_arrival(struct gate *gate, const struct address *address,
				 struct visit *ret)
{
	const struct config_limits *limits = &gate->settings->config->limits;

	if (!gate->auditing->helper->is_ready ||
	    !visitors_let_in(&gate->visitors, address,
			     limits->handshakes_per_address_per_minute, clock_ms(), ret))
		return REASON_LIMIT_ASSOCIATIONS;
	if (!ret->is_known && crash_holds_address(gate, address))
		return REASON_INTERNAL;
	make_room_for_one(gate);
	return REASON_NONE;
}

/* This function and the next: 0, or -1 with errno, as forking_fork. */
MUST_USE static int fork_association(struct gate *gate, const struct arrival *arrival,
				     int signer)
{
	const struct forker_order *order = &arrival->order;
	int pair[2], descriptors[FORKER_DESCRIPTORS] = {
		[FORKER_SOCKET] = arrival->socket,
		[FORKER_AUDITOR] = arrival->auditor,
		[FORKER_SIGNER] = signer,
	};
	struct place *place;
	int error = ENOMEM;
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	place = places_add(&gate->places, pair[0], &order->peer, order->id);
	if (place) {
		place->auditor = gate->auditing->helper->generation;
		place->edition = gate->edition;
		memcpy(place->spool_key, gate->settings->spool_keys[0],
		       sizeof(place->spool_key));
		place->listener = order->listener;
		place->came_plain =
			gate->settings->config->listen[order->listener].tls.none;
		place->visit = arrival->visit;
		descriptors[FORKER_NOTICES] = pair[1];
		pid = forking_fork(gate->forking, order, descriptors,
				   signer >= 0 ? FORKER_DESCRIPTORS : FORKER_SIGNER);
		error = errno;
	}
	close(pair[1]);
	if (pid > 0) {
		place->pid = pid;
		return 0;
	}
	if (place)
		claim_forget(gate, place);
	else
		close(pair[0]);
	errno = error;
	return -1;
}

/* The channel to the keeper is made only now: its keys must be those of the forker. */
MUST_USE static int start_association(struct gate *gate, const struct arrival *arrival)
{
	const struct tls_context *context =
		gate->settings->servers[arrival->order.listener];
	int signer, rc, error;

	if (!context)
		return fork_association(gate, arrival, -1);
	signer = keeping_open(gate->keeping, arrival->order.id, SIGNER_SERVER, context);
	if (signer < 0)
		return -1;
	rc = fork_association(gate, arrival, signer);
	error = errno;
	close(signer);
	errno = error;
	return rc;
}

static void drop_arrival(struct arrival *arrival)
{
	if (arrival->auditor >= 0)
		close(arrival->auditor);
	close(arrival->socket);
}

/* The connection isn't lost when forker or keeper ends just now: the next one serves it.
 */
static void serve_arrival(struct gate *gate, struct arrival *arrival)
{
	if (start_association(gate, arrival) != 0) {
		if (errno == ENOTCONN && !gate->waiting) {
			gate->waiting = malloc(sizeof(*gate->waiting));
			if (gate->waiting) {
				*gate->waiting = *arrival;
				return;
			}
		}
		log_error("no process for a connection from %s: %s", arrival->peer,
			  strerror(errno));
		turn_away(gate, arrival, REASON_LIMIT_ASSOCIATIONS);
	}
	drop_arrival(arrival);
}

static void take_connection(struct gate *gate, size_t entry, int fd,
			    const struct sockaddr_storage *peer)
{
	struct arrival arrival = {
		.order = { .peer = *peer, .listener = entry, .accepted_ms = clock_ms() },
		.socket = fd,
		.auditor = -1
	};
	const struct address address = visitors_address(peer);
	enum reason reason = judge_arrival(gate, &address, &arrival.visit);

	address_text(peer, arrival.peer);
	new_id(arrival.order.id);
	if (reason == REASON_NONE)
		arrival.auditor = audit_channel_open(gate->auditing->helper->channel,
						     arrival.order.id, arrival.peer);
	if (arrival.auditor >= 0) {
		serve_arrival(gate, &arrival);
		return;
	}
	turn_away(gate, &arrival,
		  reason == REASON_NONE ? REASON_LIMIT_ASSOCIATIONS : reason);
	drop_arrival(&arrival);
}

void accept_waiting(struct gate *gate)
{
	struct arrival *arrival = gate->waiting;

	if (!arrival || !forking_listens(gate->forking) ||
	    !keeping_listens(gate->keeping))
		return;
	gate->waiting = NULL;
	serve_arrival(gate, arrival);
	free(arrival);
}

void accept_revise(struct gate *gate, const struct config *before,
		   const struct config *now)
{
	struct arrival *arrival = gate->waiting;

	if (!arrival)
		return;
	if (now)
		arrival->order.listener =
			settings_find_listen(now, before, arrival->order.listener);
	if (now && arrival->order.listener != NOWHERE)
		return;
	drop_arrival(arrival);
	free(arrival);
	gate->waiting = NULL;
}

void accept_some(struct gate *gate, size_t listener)
{
	const struct listener *from = &gate->listeners.items[listener];

	for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd;

		if (!forking_listens(gate->forking))
			return; /* until another is ready */
		if (!auditor_listens(gate) || !keeping_listens(gate->keeping)) {
			gate->accept_again_ms = clock_ms() + BUSY_MS;
			return;
		}
		fd = accept4(from->fd, (struct sockaddr *)&peer, &size,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			take_connection(gate, from->entry, fd, &peer);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno != EAGAIN) {
			log_error("accept: %s: trying again in a second",
				  strerror(errno));
			gate->accept_again_ms = clock_ms() + 1000;
		}
		return;
	}
}

static bool tell_turned_away(void *context, const char *peer, enum reason reason,
			     const char *detail)
{
	const struct gate *gate = context;

	if (!auditing_try(gate->auditing, peer, AUDIT_ASSOCIATION, AUDIT_REFUSED, reason,
			  detail))
		return false;
	log_warning("refused: %s: %s", reason_name(reason), detail);
	return true;
}

void accept_tell_turned_away(struct gate *gate, bool all)
{
	visitors_tell(&gate->visitors, all, clock_ms(), tell_turned_away, gate);
}
