#include "supervisor/gate/gate.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define ACCEPTED_AT_ONCE 16 /* then the associations are heard again */
#define AUDITOR_BUSY_MS	 10

static const struct role role = { .name = "cathgated-assoc", .keys = ROLE_TLS_KEYS };

static void new_id(char ret[AUDIT_ASSOCIATION_ID_SIZE])
{
	uint8_t bytes[8];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		log_bug("getrandom: %s", strerror(errno));
	digest_hex(bytes, sizeof(bytes), ret);
}

/* The auditor is told of each connection first. While a disk keeps the auditor busy, new
 * connections wait in the listen queue. */
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

static bool has_room(struct gate *gate, const struct address *address, struct visit *ret)
{
	const struct config_limits *limits = &gate->settings->config->limits;

	if (!gate->auditing->helper->is_ready ||
	    !visitors_let_in(&gate->visitors, address,
			     limits->handshakes_per_address_per_minute, clock_ms(), ret))
		return false;
	make_room_for_one(gate);
	return true;
}

MUST_USE static int start_association(struct gate *gate, struct association_start *start,
				      size_t entry, const struct visit *visit)
{
	int pair[2], keep[3] = { start->socket, start->auditor };
	struct place *place;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	start->supervisor = keep[2] = pair[1];
	place = places_add(&gate->places, pair[0], &start->peer, start->id);
	if (place) {
		place->auditor = gate->auditing->helper->generation;
		place->edition = gate->edition;
		place->listener = entry;
		place->came_plain = gate->settings->config->listen[entry].tls.none;
		place->visit = *visit;
	}
	pid = place ? role_fork(&role, gate->parent, keep, 3) : -1;
	if (pid == 0)
		role_exit(association_run(start));
	close(pair[1]);
	if (pid > 0) {
		place->pid = pid;
		return 0;
	}
	if (place)
		claim_forget(gate, place);
	else
		close(pair[0]);
	return -1;
}

static void take_connection(struct gate *gate, size_t entry, int fd,
			    const struct sockaddr_storage *peer)
{
	const struct settings *settings = gate->settings;
	struct association_start start = {
		.config = settings->config,
		.server = settings->servers[entry],
		.clients = settings->clients,
		.socket = fd,
		.peer = *peer,
		.auditor = -1,
		.accepted_ms = clock_ms(),
	};
	const struct address address = visitors_address(peer);
	struct visit visit = { 0 };
	char text[ADDRESS_TEXT_SIZE];
	bool is_in;

	address_text(peer, text);
	new_id(start.id);
	if (has_room(gate, &address, &visit))
		start.auditor = audit_channel_open(gate->auditing->helper->channel,
						   start.id, text);
	is_in = start.auditor >= 0 && start_association(gate, &start, entry, &visit) == 0;
	if (start.auditor >= 0 && !is_in)
		log_error("no process for a connection from %s: %s", text,
			  strerror(errno));
	if (!is_in) /* no line of the log each: a flood would fill it */
		visitors_turned_away(&gate->visitors, &address, text, clock_ms());
	if (start.auditor >= 0)
		close(start.auditor);
	close(fd);
}

void accept_some(struct gate *gate, size_t listener)
{
	const struct listener *from = &gate->listeners.items[listener];

	for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd;

		if (!auditor_listens(gate)) {
			gate->accept_again_ms = clock_ms() + AUDITOR_BUSY_MS;
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

static bool tell_turned_away(void *context, const char *peer, const char *detail)
{
	const struct gate *gate = context;

	if (!auditing_try(gate->auditing, peer, AUDIT_ASSOCIATION, AUDIT_REFUSED,
			  REASON_LIMIT_ASSOCIATIONS, detail))
		return false;
	log_warning("refused: %s: %s", reason_name(REASON_LIMIT_ASSOCIATIONS), detail);
	return true;
}

void accept_tell_turned_away(struct gate *gate, bool all)
{
	visitors_tell(&gate->visitors, all, clock_ms(), tell_turned_away, gate);
}
