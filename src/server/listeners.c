/*
 * The listening sockets. A reload keeps those whose address and port stay, so that no
 * connection that waits there is lost.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/log.h"
#include "cathgate/net.h"

static void say_open(const struct config_listen *listen, int fd)
{
	log_info("listening on %s port %u (%s)", listen->address, net_port(fd),
		 listen->tls.none ? "plain" : "TLS");
}

int listeners_open(struct server *server)
{
	const struct config *config = server->setup.config;

	server->listeners = calloc(config->listen_count, sizeof(*server->listeners));
	if (!server->listeners) {
		log_error("no memory for the listeners");
		return -1;
	}
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_listen *listen = &config->listen[i];
		int fd = net_listen(listen->address, listen->port);

		if (fd < 0) {
			log_error("%s:%d: listen[%zu]: %s port %u: %s",
				  listen->place.file, listen->place.line, i,
				  listen->address, listen->port, strerror(errno));
			return -1;
		}
		say_open(listen, fd);
		server->listeners[server->listener_count++] =
			(struct listener){ .fd = fd, .entry = i };
	}
	return 0;
}

void listeners_close(struct server *server)
{
	for (size_t i = 0; i < server->listener_count; i++)
		close(server->listeners[i].fd);
	free(server->listeners);
	server->listeners = NULL;
	server->listener_count = 0;
}

/* Of an entry of the present configuration, every socket; NOWHERE has none. */
static size_t keep(const struct server *server, size_t entry, size_t as,
		   struct listener *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < server->listener_count; i++)
		if (server->listeners[i].entry == entry)
			ret[count++] = (struct listener){ .fd = server->listeners[i].fd,
							  .entry = as };
	return count;
}

/* 0.0.0.0 can't be bound beside 127.0.0.1 on the same port, or the other way round: for
 * the moment in which one takes the place of the other, both must share it. */
static void share_ports(const struct server *server, bool shared)
{
	for (size_t i = 0; i < server->listener_count; i++)
		net_share_port(server->listeners[i].fd, shared);
}

static int bind_new(const struct server *server, const struct config_listen *listen)
{
	int fd = net_listen(listen->address, listen->port);

	if (fd >= 0 || errno != EADDRINUSE)
		return fd;
	share_ports(server, true);
	fd = net_listen_shared(listen->address, listen->port);
	share_ports(server, false);
	if (fd >= 0)
		net_share_port(fd, false);
	return fd;
}

static bool is_kept(const struct listener *list, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].fd == fd)
			return true;
	return false;
}

void listeners_forget(const struct server *server, struct listener *next, size_t count)
{
	for (size_t i = 0; next && i < count; i++)
		if (!is_kept(server->listeners, server->listener_count, next[i].fd))
			close(next[i].fd);
	free(next);
}

struct listener *listeners_renew(struct server *server, const struct config *next,
				 size_t *ret_count, struct config_faults *faults)
{
	const struct config *now = server->setup.config;
	struct listener *list =
		calloc(next->listen_count + server->listener_count, sizeof(*list));
	size_t count = 0;

	if (!list) {
		config_fault_add(faults, CONFIG_ERROR, NULL,
				 "no memory for the listeners");
		return NULL;
	}
	for (size_t i = 0; i < next->listen_count; i++) {
		const struct config_listen *listen = &next->listen[i];
		size_t before = setup_find_listen(now, next, i);
		size_t kept =
			before == NOWHERE ? 0 : keep(server, before, i, list + count);

		count += kept;
		if (kept > 0)
			continue;
		list[count].entry = i;
		list[count].fd = bind_new(server, listen);
		if (list[count].fd < 0) {
			config_fault_add(faults, CONFIG_ERROR, &listen->place,
					 "%s port %u can't be listened on: %s; write "
					 "another address or port, or see who has it "
					 "with: ss -ltnp",
					 listen->address, listen->port, strerror(errno));
			listeners_forget(server, list, count);
			return NULL;
		}
		count++;
	}
	*ret_count = count;
	return list;
}

void listeners_replace(struct server *server, struct listener *next, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_kept(server->listeners, server->listener_count, next[i].fd))
			say_open(&server->setup.config->listen[next[i].entry],
				 next[i].fd);
	for (size_t i = 0; i < server->listener_count; i++) {
		int fd = server->listeners[i].fd;

		if (is_kept(next, count, fd))
			continue;
		log_info("no longer listening on port %u", net_port(fd));
		close(fd);
	}
	free(server->listeners);
	server->listeners = next;
	server->listener_count = count;
}
