/*
 * The resolver's process: asks the name service for each destination now and then, so
 * that neither the supervisor nor an association ever waits for it. An answer that fails
 * leaves the last good one in force.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define AGAIN_MS	 30000
#define AGAIN_UNKNOWN_MS 2000 /* while a name has had no answer yet */
#define RESTART_MS	 1000

struct answer {
	size_t destination;
	bool last_of_round;
	struct association_addresses addresses;
};

static int look_up(const struct config_destination *destination, int flags,
		   struct association_addresses *ret)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = flags | AI_NUMERICSERV };
	struct association_addresses found = { 0 };
	struct addrinfo *list;
	char port[8];
	int error;

	snprintf(port, sizeof(port), "%u", destination->port);
	error = getaddrinfo(destination->host, port, &hints, &list);
	if (error != 0)
		return error;
	for (struct addrinfo *a = list; a; a = a->ai_next)
		if (found.count < ASSOCIATION_ADDRESSES_MAX &&
		    (a->ai_family == AF_INET || a->ai_family == AF_INET6))
			memcpy(&found.items[found.count++], a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	*ret = found;
	return found.count > 0 ? 0 : EAI_NODATA;
}

static _Noreturn void resolve_for_ever(int socket, const struct config *config)
{
	struct pollfd end = { .fd = socket, .events = POLLIN };
	bool *failing = calloc(config->destination_count, sizeof(*failing));

	for (;;) {
		int wait_ms = AGAIN_MS;

		for (size_t i = 0; i < config->destination_count; i++) {
			struct answer answer = { .destination = i };
			int error =
				look_up(&config->destinations[i], 0, &answer.addresses);

			answer.last_of_round = i + 1 == config->destination_count;
			if (error != 0)
				wait_ms = AGAIN_UNKNOWN_MS;
			if (failing && error != 0 && !failing[i])
				log_warning("destination %s: the name %s: %s",
					    config->destinations[i].name,
					    config->destinations[i].host,
					    gai_strerror(error));
			if (failing)
				failing[i] = error != 0;
			if (send(socket, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
				exit(0);
		}
		if (poll(&end, 1, wait_ms) > 0)
			exit(0);
	}
}

static bool numeric_all(struct server *server)
{
	const struct config *config = server->setup.config;
	bool all = true;

	for (size_t i = 0; i < config->destination_count; i++)
		if (look_up(&config->destinations[i], AI_NUMERICHOST,
			    &server->setup.addresses[i]) != 0)
			all = false;
	return all;
}

int resolver_start(struct server *server)
{
	int line;
	pid_t pid;

	server->resolver = -1;
	if (numeric_all(server)) {
		server->resolved = true;
		return 0;
	}
	pid = process_start(server, PROCESS_RESOLVER, &line);
	if (pid == 0)
		resolve_for_ever(line, server->setup.config);
	if (pid < 0)
		return -1;
	server->resolver = line;
	server->resolver_pid = pid;
	return 0;
}

static bool same_host(const struct config_destination *a,
		      const struct config_destination *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool same_hosts(const struct config *a, const struct config *b)
{
	bool same = a->destination_count == b->destination_count;

	for (size_t i = 0; same && i < a->destination_count; i++)
		same = same_host(&a->destinations[i], &b->destinations[i]);
	return same;
}

void resolver_renew(struct server *server, const struct setup *before)
{
	const struct config *was = before->config, *is = server->setup.config;

	for (size_t i = 0; i < is->destination_count; i++)
		for (size_t j = 0; j < was->destination_count; j++)
			if (same_host(&is->destinations[i], &was->destinations[j]))
				server->setup.addresses[i] = before->addresses[j];
	if (same_hosts(was, is))
		return;
	if (server->resolver >= 0)
		close(server->resolver);
	if (server->resolver_pid > 0)
		kill(server->resolver_pid, SIGKILL);
	server->resolver_pid = 0; /* reaped like any child */
	server->resolver_restart_ms = 0;
	if (resolver_start(server) != 0)
		server->resolver_restart_ms = clock_ms() + RESTART_MS;
}

void resolver_heard(struct server *server)
{
	struct answer answer;
	ssize_t size = recv(server->resolver, &answer, sizeof(answer), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size != (ssize_t)sizeof(answer) ||
	    answer.destination >= server->setup.config->destination_count ||
	    answer.addresses.count > ASSOCIATION_ADDRESSES_MAX) {
		close(server->resolver);
		server->resolver = -1;
		return;
	}
	if (answer.addresses.count > 0) {
		struct association_addresses *known =
			&server->setup.addresses[answer.destination];
		bool is_first = known->count == 0;

		*known = answer.addresses;
		/* A reload may have sent there who is open already. */
		if (is_first)
			papers_renew(server);
	}
	if (answer.last_of_round)
		server->resolved = true;
}

void resolver_reaped(struct server *server)
{
	server->resolver_pid = 0;
	server->resolver_restart_ms = clock_ms() + RESTART_MS;
	if (server->resolver >= 0)
		close(server->resolver);
	server->resolver = -1;
	if (!server->stopping)
		log_error("the resolver ended: starting another");
}

void resolver_maintain(struct server *server)
{
	bool needed = server->resolver_restart_ms != 0;

	if (needed && server->resolver_pid == 0 && !server->stopping &&
	    clock_ms() >= server->resolver_restart_ms && resolver_start(server) != 0)
		server->resolver_restart_ms = clock_ms() + RESTART_MS;
}
