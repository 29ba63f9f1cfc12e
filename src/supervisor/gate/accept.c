/*
 * A new connection: is there room for it, and a process of its own.
 */
#include "supervisor/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define ACCEPTED_AT_ONCE 16 /* then the children are heard again */
#define AUDITOR_BUSY_MS	 10

static void new_id(char ret[AUDIT_ASSOCIATION_ID_SIZE])
{
	uint8_t bytes[8];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		log_bug("getrandom: %s", strerror(errno));
	digest_hex(bytes, sizeof(bytes), ret);
}

/* Not worth a line of its own each: a flood would fill the log. */
static void turn_away(struct server *server, const struct address *address,
		      const char *peer)
{
	server->observer.turned_away++;
	visitors_turned_away(&server->visitors, address, peer, clock_ms());
}

/* The auditor is told of each connection first: while its disk keeps it busy, those that
 * come wait in the listen queue. */
static bool auditor_listens(const struct server *server)
{
	struct pollfd control = { .fd = server->auditor, .events = POLLOUT };

	return server->auditor < 0 ||
	       (poll(&control, 1, 0) > 0 && control.revents == POLLOUT);
}

static bool has_room(struct server *server, const struct address *address,
		     struct visit *ret)
{
	const struct config_limits *limits = &server->setup.config->limits;

	if (!server->auditor_ready)
		return false;
	if (!visitors_let_in(&server->visitors, address,
			     limits->handshakes_per_address_per_minute, clock_ms(), ret))
		return false;
	children_make_room(server);
	return true;
}

/* Without what libraries do at exit: that touches so many pages, each to be copied first,
 * that it takes as long as all the rest of a connection that is refused. */
static _Noreturn void end_process(int status)
{
#if defined(__SANITIZE_ADDRESS__) || defined(CATHGATE_COVERAGE)
	exit(status); /* what they found is told then */
#else
	_exit(status);
#endif
}

static int start_child(struct server *server, struct association_start *start,
		       size_t entry, const struct visit *visit)
{
	int pair[2], keep[3] = { start->socket, start->auditor };
	struct child *child;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	start->supervisor = keep[2] = pair[1];
	child = child_add(server, 0, pair[0], &start->peer, start->id);
	if (child) {
		child->listener = entry;
		child->came_plain = server->setup.config->listen[entry].tls.none;
		child->visit = *visit;
	}
	pid = child ? process_fork(server, PROCESS_ASSOCIATION, keep, 3) : -1;
	if (pid == 0)
		end_process(association_run(start));
	close(pair[1]);
	if (pid > 0) {
		child->pid = pid;
		return 0;
	}
	if (child)
		child_forget(server, child);
	else
		close(pair[0]);
	return -1;
}

static void take(struct server *server, size_t entry, int fd,
		 const struct sockaddr_storage *peer)
{
	const struct setup *setup = &server->setup;
	struct association_start start = {
		.config = setup->config,
		.server = setup->servers[entry],
		.clients = setup->clients,
		.addresses = setup->addresses,
		.socket = fd,
		.peer = *peer,
		.auditor = -1,
		.accepted_ms = clock_ms(),
	};
	const struct address address = visitors_address(peer);
	struct visit visit = { 0 };
	char text[ADDRESS_TEXT_SIZE];

	address_text(peer, text);
	new_id(start.id);
	if (has_room(server, &address, &visit))
		start.auditor = audit_channel_open(server->auditor, start.id, text);
	if (start.auditor < 0) {
		turn_away(server, &address, text);
	} else if (start_child(server, &start, entry, &visit) != 0) {
		log_error("no process for a connection from %s: %s", text,
			  strerror(errno));
		turn_away(server, &address, text);
	}
	if (start.auditor >= 0)
		close(start.auditor);
	close(fd);
}

void accept_some(struct server *server, size_t listener)
{
	for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd;

		if (!auditor_listens(server)) {
			server->accept_again_ms = clock_ms() + AUDITOR_BUSY_MS;
			return;
		}
		fd = accept4(server->listeners[listener].fd, (struct sockaddr *)&peer,
			     &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			take(server, server->listeners[listener].entry, fd, &peer);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno != EAGAIN) {
			log_error("accept: %s: trying again in a second",
				  strerror(errno));
			server->accept_again_ms = clock_ms() + 1000;
		}
		return;
	}
}
