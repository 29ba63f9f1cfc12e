#include "supervisor/helpers/dialler.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/address.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/net/addresses.h"
#include "cathgate/net/net.h"

/* 0: neither IPv4 nor IPv6. */
static uint16_t port_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)address)->sin_port);
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	return 0;
}

static bool is_configured(const struct config *config,
			  const struct dialler_request *request)
{
	const struct config_destination *destination;
	struct net_addresses fixed;

	if (request->destination >= config->destination_count)
		return false;
	destination = &config->destinations[request->destination];
	if (port_of(&request->address) != destination->port || destination->port == 0)
		return false;
	return net_look_up(destination->host, destination->port, true, &fixed) != 0 ||
	       memcmp(&fixed.items[0], &request->address, sizeof(request->address)) == 0;
}

/* The socket; or -1 with errno. */
MUST_USE static int dial(const struct config *config,
			 const struct dialler_request *request)
{
	char text[ADDRESS_TEXT_SIZE];

	if (is_configured(config, request))
		return net_begin_connect(&request->address);
	address_text(&request->address, text);
	log_bug("asked to connect to %s, which is no address of destination %llu", text,
		(unsigned long long)request->destination);
	errno = EPERM;
	return -1;
}

MUST_USE static int give_answer(int channel, const struct dialler_answer *answer,
				int socket)
{
	return descriptors_send(channel, answer, sizeof(*answer), &socket, socket >= 0,
				0);
}

int dialler_run(int channel, const struct config *config,
		const struct sandbox_program *sandbox)
{
	struct dialler_request request;

	if (sandbox_enter(sandbox, NULL, 0) != 0)
		return 1;

	for (;;) {
		ssize_t size = recv(channel, &request, sizeof(request), 0);
		struct dialler_answer answer = { 0 };
		int socket, sent;

		if (size < 0 && errno == EINTR)
			continue;
		if (size != (ssize_t)sizeof(request))
			return size > 0 ? 1 : 0;
		socket = dial(config, &request);
		answer.id = request.id;
		answer.address = request.address;
		answer.error = socket < 0 ? errno : 0;
		sent = give_answer(channel, &answer, socket);
		if (socket >= 0)
			close(socket);
		if (sent != 0)
			return 0;
	}
}

int dialler_ask(const struct helper *dialler, const struct dialler_request *request)
{
	if (dialler->channel < 0)
		return -1;
	return send(dialler->channel, request, sizeof(*request),
		    MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(*request)
		       ? 0
		       : -1;
}

bool dialler_hear(struct helper *dialler, struct dialler_answer *ret, int *ret_socket)
{
	ssize_t size = descriptor_receive(dialler->channel, ret, sizeof(*ret), ret_socket,
					  MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return false;
	if (size == (ssize_t)sizeof(*ret)) {
		/* The supervisor itself may have no descriptor left for it; or it is no
		 * errno. */
		if (*ret_socket < 0 && (ret->error <= 0 || ret->error > INT32_MAX))
			ret->error = EMFILE;
		return true;
	}
	if (*ret_socket >= 0)
		close(*ret_socket);
	helper_hang_up(dialler);
	return false;
}
