/*
 * Where a host can be reached: the one place where names become addresses.
 *
 * Each function fills *ret and returns 0; or it returns the fault, for gai_strerror, and
 * leaves *ret as it was. A host without an IPv4 or IPv6 address is EAI_NODATA.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cathgate/base/must_use.h"

#define NET_ADDRESSES_MAX 8

/* The addresses of one host, best first, ports filled in. Plain memory. */
struct net_addresses {
	struct sockaddr_storage items[NET_ADDRESSES_MAX];
	size_t count;
};

/* Waits for as long as the name service takes; never with `is_numeric`, when the host
 * must be an address itself. */
MUST_USE int net_look_up(const char *host, uint16_t port, bool is_numeric,
			 struct net_addresses *ret);

/* Waits no longer than `seconds`, then it is EAI_AGAIN. Starts a thread, which may be
 * left behind; so a process calls this once, with a host that stays, and does not fork.
 */
MUST_USE int net_look_up_within(const char *host, uint16_t port, unsigned seconds,
				struct net_addresses *ret);

/* The address of this machine's from which a connection there would come. Nothing is
 * sent. -1 with errno when there is no way. */
MUST_USE int net_source_for(const struct sockaddr_storage *to,
			    struct sockaddr_storage *ret);
