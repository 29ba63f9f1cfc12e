#include "cathgate/net/addresses.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cathgate/net/net.h"

#define PORT_TEXT_SIZE sizeof("65535")

/* Frees the list. */
MUST_USE static int take_addresses(struct addrinfo *list, struct net_addresses *ret)
{
	struct net_addresses found = { .count = 0 };

	for (struct addrinfo *a = list; a; a = a->ai_next)
		if (found.count < NET_ADDRESSES_MAX &&
		    (a->ai_family == AF_INET || a->ai_family == AF_INET6))
			memcpy(&found.items[found.count++], a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	if (found.count == 0)
		return EAI_NODATA;
	*ret = found;
	return 0;
}

int net_look_up(const char *host, uint16_t port, bool is_numeric,
		struct net_addresses *ret)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICSERV |
					      (is_numeric ? AI_NUMERICHOST : 0) };
	char port_text[PORT_TEXT_SIZE];
	struct addrinfo *list;
	int error;

	snprintf(port_text, sizeof(port_text), "%u", port);
	error = getaddrinfo(host, port_text, &hints, &list);
	return error != 0 ? error : take_addresses(list, ret);
}

int net_look_up_within(const char *host, uint16_t port, unsigned seconds,
		       struct net_addresses *ret)
{
	/* A thread that is left behind still writes here. */
	static struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					 .ai_flags = AI_NUMERICSERV };
	static char port_text[PORT_TEXT_SIZE];
	static struct gaicb request;
	struct gaicb *list[] = { &request };
	struct timespec most = { .tv_sec = seconds };
	int error;

	snprintf(port_text, sizeof(port_text), "%u", port);
	request = (struct gaicb){ .ar_name = host,
				  .ar_service = port_text,
				  .ar_request = &hints };
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0)
		return EAI_AGAIN;
	while ((error = gai_error(&request)) == EAI_INPROGRESS)
		if (gai_suspend((const struct gaicb *const *)list, 1, &most) == EAI_AGAIN)
			return EAI_AGAIN;
	return error != 0 ? error : take_addresses(request.ar_result, ret);
}

int net_source_for(const struct sockaddr_storage *to, struct sockaddr_storage *ret)
{
	/* A datagram socket only picks its route when it is connected. */
	int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage own = { 0 };
	socklen_t size = sizeof(own);
	int result = -1;

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&own, &size) == 0) {
		*ret = own;
		result = 0;
	}
	net_close(fd);
	return result;
}
