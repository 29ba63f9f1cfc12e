#include "cathgate/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void from_v4(const void *bytes, struct address *ret)
{
	*ret = (struct address){ .v6 = false };
	memcpy(ret->bytes, bytes, 4);
}

static void from_v6(const struct in6_addr *v6, struct address *ret)
{
	if (IN6_IS_ADDR_V4MAPPED(v6)) {
		from_v4(v6->s6_addr + 12, ret);
		return;
	}
	ret->v6 = true;
	memcpy(ret->bytes, v6->s6_addr, 16);
}

int address_of_socket(const struct sockaddr_storage *from, struct address *ret)
{
	if (from->ss_family == AF_INET)
		from_v4(&((const struct sockaddr_in *)from)->sin_addr, ret);
	else if (from->ss_family == AF_INET6)
		from_v6(&((const struct sockaddr_in6 *)from)->sin6_addr, ret);
	else
		return -1;
	return 0;
}

void address_text(const struct sockaddr_storage *from, char ret[ADDRESS_TEXT_SIZE])
{
	char text[INET6_ADDRSTRLEN];
	struct address address;
	in_port_t port;

	if (address_of_socket(from, &address) != 0) {
		snprintf(ret, ADDRESS_TEXT_SIZE, "unknown");
		return;
	}
	port = from->ss_family == AF_INET
		       ? ((const struct sockaddr_in *)from)->sin_port
		       : ((const struct sockaddr_in6 *)from)->sin6_port;
	inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes, text, sizeof(text));
	snprintf(ret, ADDRESS_TEXT_SIZE, address.v6 ? "[%s]:%u" : "%s:%u", text,
		 ntohs(port));
}

static bool bit(const struct address *address, unsigned number)
{
	return address->bytes[number / 8] >> (7 - number % 8) & 1;
}

static unsigned width(const struct address *address)
{
	return address->v6 ? 128 : 32;
}

int address_range_parse(const char *text, struct address_range *ret)
{
	struct address_range range = { 0 };
	const char *slash = strchr(text, '/');
	char number[INET6_ADDRSTRLEN];
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	struct in6_addr v6;
	struct in_addr v4;
	char *end;

	if (size >= sizeof(number))
		return -1;
	memcpy(number, text, size);
	number[size] = '\0';
	if (inet_pton(AF_INET, number, &v4) == 1)
		from_v4(&v4, &range.network);
	else if (inet_pton(AF_INET6, number, &v6) == 1 && !IN6_IS_ADDR_V4MAPPED(&v6))
		from_v6(&v6, &range.network);
	else
		return -1;

	range.prefix_bits = width(&range.network);
	if (slash) {
		unsigned long bits = strtoul(slash + 1, &end, 10);

		if (slash[1] < '0' || slash[1] > '9' || *end || bits > range.prefix_bits)
			return -1;
		range.prefix_bits = (unsigned)bits;
	}
	for (unsigned i = range.prefix_bits; i < width(&range.network); i++)
		if (bit(&range.network, i))
			return -1;
	*ret = range;
	return 0;
}

static bool same_prefix(const struct address *a, const struct address *b, unsigned bits)
{
	if (a->v6 != b->v6)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if (bit(a, i) != bit(b, i))
			return false;
	return true;
}

bool address_range_holds(const struct address_range *range, const struct address *address)
{
	return same_prefix(&range->network, address, range->prefix_bits);
}

bool address_ranges_overlap(const struct address_range *a, const struct address_range *b)
{
	unsigned bits = a->prefix_bits < b->prefix_bits ? a->prefix_bits : b->prefix_bits;

	return same_prefix(&a->network, &b->network, bits);
}

bool address_equal(const struct address *a, const struct address *b)
{
	return same_prefix(a, b, width(a));
}

bool address_is_loopback(const struct address *address)
{
	static const struct address v6_loopback = { .v6 = true, .bytes = { [15] = 1 } };

	return address->v6 ? address_equal(address, &v6_loopback)
			   : address->bytes[0] == 127;
}
