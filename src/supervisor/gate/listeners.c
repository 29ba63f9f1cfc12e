#include "supervisor/gate/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "supervisor/settings/settings.h"
#include "cathgate/net/net.h"

int listeners_take_passed(struct listeners *listeners)
{
	int count = sd_listen_fds_with_names(1, &listeners->passed_names);

	if (count < 0) {
		log_error("the sockets from systemd: %s", strerror(-count));
		return -1;
	}
	listeners->passed_count = (size_t)count;
	return 0;
}

static int passed_fd(size_t i)
{
	return SD_LISTEN_FDS_START + (int)i;
}

/* What systemd passed stays open to the end: a later configuration may name it again. */
static void close_own(const struct listeners *listeners, int fd)
{
	if (fd < SD_LISTEN_FDS_START || fd >= passed_fd(listeners->passed_count))
		close(fd);
}

static void say_open(const struct config_listen *listen, int fd)
{
	log_info("listening on %s port %u (%s%s)",
		 listen->socket ? listen->socket : listen->address, net_port(fd),
		 listen->tls.none ? "plain" : "TLS",
		 listen->socket ? ", a socket of systemd's" : "");
}

static bool is_on_loopback(int fd)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	struct address address;

	return getsockname(fd, (struct sockaddr *)&at, &size) == 0 &&
	       address_of_socket(&at, &address) == 0 && address_is_loopback(&address);
}

MUST_USE static int prove_passed(int fd, const struct config_listen *listen,
				 struct config_faults *faults)
{
	int flags = fcntl(fd, F_GETFL);

	if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0 || flags < 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
		config_fault_add(faults, CONFIG_ERROR, &listen->place,
				 "the socket \"%s\" from systemd is no listening TCP "
				 "socket; write ListenStream= with a port in its unit",
				 listen->socket);
		return -1;
	}
	if (listen->tls.none && !is_on_loopback(fd)) {
		config_fault_add(faults, CONFIG_ERROR, &listen->place,
				 "a listener without TLS must not be reached from "
				 "outside; write ListenStream=127.0.0.1:PORT in the unit "
				 "of its socket \"%s\", or give it certificates in tls",
				 listen->socket);
		return -1;
	}
	return 0;
}

/* Finds every passed socket of the entry's name, since a socket unit may have several
 * ListenStream= lines. Returns how many; 0 after a fault. */
static size_t find_passed(const struct listeners *listeners, const struct config *config,
			  size_t entry, struct listener *ret,
			  struct config_faults *faults)
{
	const struct config_listen *listen = &config->listen[entry];
	size_t count = 0;

	for (size_t i = 0; i < listeners->passed_count; i++) {
		if (strcmp(listeners->passed_names[i], listen->socket) != 0)
			continue;
		if (prove_passed(passed_fd(i), listen, faults) != 0)
			return 0;
		ret[count++] = (struct listener){ .fd = passed_fd(i), .entry = entry };
	}
	if (count == 0)
		config_fault_add(faults, CONFIG_ERROR, &listen->place,
				 "systemd passes no socket named \"%s\"; if its unit, as "
				 "cathgated.socket, has failed, another program may have "
				 "its port (systemctl status cathgated.socket, ss "
				 "-ltnp); else it isn't started, or its "
				 "FileDescriptorName= is another; or write address and "
				 "port instead",
				 listen->socket);
	return count;
}

static bool is_asked_for(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (config->listen[i].socket &&
		    strcmp(config->listen[i].socket, name) == 0)
			return true;
	return false;
}

/* A passed socket that no entry asks for is a fault: nobody would accept from it. */
MUST_USE static int refuse_unwanted(const struct listeners *listeners,
				    const struct config *config,
				    struct config_faults *faults)
{
	int result = 0;

	for (size_t i = 0; i < listeners->passed_count; i++) {
		const char *name = listeners->passed_names[i];

		if (is_asked_for(config, name))
			continue;
		config_fault_add(
			faults, CONFIG_ERROR, &config->listen[0].place,
			"systemd passes a socket named \"%s\" (port %u) that no "
			"listener asks for; write socket = \"%s\" instead of "
			"address and port in one, and these in the socket's unit "
			"(systemctl edit cathgated.socket), or, to do without it, "
			"systemctl mask --now its unit, as in cathgated.socket",
			name, net_port(passed_fd(i)), name);
		result = -1;
	}
	return result;
}

/* Every socket of an entry of the present configuration. */
static size_t keep_open(const struct listeners *listeners, size_t entry, size_t as,
			struct listener *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->items[i].entry == entry)
			ret[count++] = (struct listener){ .fd = listeners->items[i].fd,
							  .entry = as };
	return count;
}

/* 0.0.0.0 can't be bound beside 127.0.0.1 on the same port, or the other way round: for
 * the moment in which one takes the place of the other, both must share it. */
static void share_ports(const struct listeners *listeners, bool shared)
{
	for (size_t i = 0; i < listeners->count; i++)
		net_share_port(listeners->items[i].fd, shared);
}

static size_t bind_new(const struct listeners *listeners, const struct config *config,
		       size_t entry, struct listener *ret, struct config_faults *faults)
{
	const struct config_listen *listen = &config->listen[entry];
	int fd = net_listen(listen->address, listen->port);

	if (fd < 0 && errno == EADDRINUSE && listeners->count > 0) {
		share_ports(listeners, true);
		fd = net_listen_shared(listen->address, listen->port);
		share_ports(listeners, false);
		if (fd >= 0)
			net_share_port(fd, false);
	}
	if (fd < 0) {
		config_fault_add(
			faults, CONFIG_ERROR, &listen->place,
			"%s port %u can't be listened on: %s; %s", listen->address,
			listen->port, strerror(errno),
			errno == EADDRINUSE
				? "another program has it, which ss -ltnp names: "
				  "systemd itself for cathgated.socket (then write "
				  "socket = \"dicom-tls\" instead of address and "
				  "port, or systemctl mask --now cathgated.socket), "
				  "another gateway, or a PACS; or write another port"
				: "write another address or port");
		return 0;
	}
	*ret = (struct listener){ .fd = fd, .entry = entry };
	return 1;
}

static bool is_kept(const struct listener *list, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].fd == fd)
			return true;
	return false;
}

void listeners_forget(const struct listeners *listeners, struct listener *next,
		      size_t count)
{
	for (size_t i = 0; next && i < count; i++)
		if (!is_kept(listeners->items, listeners->count, next[i].fd))
			close_own(listeners, next[i].fd);
	free(next);
}

struct listener *listeners_renew(const struct listeners *listeners,
				 const struct config *now, const struct config *next,
				 size_t *ret_count, struct config_faults *faults)
{
	struct listener *list =
		calloc(next->listen_count + listeners->count + listeners->passed_count,
		       sizeof(*list));
	size_t count = 0;

	if (!list) {
		config_fault_add(faults, CONFIG_ERROR, NULL,
				 "no memory for the listeners");
		return NULL;
	}
	if (refuse_unwanted(listeners, next, faults) != 0) {
		free(list);
		return NULL;
	}
	for (size_t i = 0; i < next->listen_count; i++) {
		size_t before = settings_find_listen(now, next, i), found = 0;

		if (next->listen[i].socket)
			found = find_passed(listeners, next, i, list + count, faults);
		else if (before != NOWHERE)
			found = keep_open(listeners, before, i, list + count);
		if (found == 0 && !next->listen[i].socket)
			found = bind_new(listeners, next, i, list + count, faults);
		if (found == 0) {
			listeners_forget(listeners, list, count);
			return NULL;
		}
		count += found;
	}
	*ret_count = count;
	return list;
}

void listeners_replace(struct listeners *listeners, const struct config *config,
		       struct listener *next, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_kept(listeners->items, listeners->count, next[i].fd))
			say_open(&config->listen[next[i].entry], next[i].fd);
	for (size_t i = 0; i < listeners->count; i++) {
		int fd = listeners->items[i].fd;

		if (is_kept(next, count, fd))
			continue;
		log_info("no longer listening on port %u", net_port(fd));
		close_own(listeners, fd);
	}
	free(listeners->items);
	listeners->items = next;
	listeners->count = count;
}

int listeners_open(struct listeners *listeners, const struct config *config)
{
	struct config_faults faults = { 0 };
	size_t count;
	struct listener *list =
		listeners_renew(listeners, config, config, &count, &faults);

	for (size_t i = 0; i < faults.count; i++)
		log_error("%s", faults.items[i].text);
	config_faults_clear(&faults);
	if (!list)
		return -1;
	listeners_replace(listeners, config, list, count);
	return 0;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		close_own(listeners, listeners->items[i].fd);
	free(listeners->items);
	for (size_t i = 0; i < listeners->passed_count; i++) {
		close(passed_fd(i));
		free(listeners->passed_names[i]);
	}
	free(listeners->passed_names);
	*listeners = (struct listeners){ 0 };
}
