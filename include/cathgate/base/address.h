/*
 * IP addresses of peers, and the ranges of the allowlist (RFC 4632, RFC 4291). An IPv4
 * address mapped into IPv6 (::ffff:192.0.2.1) is treated as the IPv4 address.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cathgate/base/must_use.h"

struct address {
	uint8_t bytes[16]; /* IPv4 in the first four, the others 0 */
	bool v6;
};

struct address_range {
	struct address network;
	unsigned prefix_bits;
};

#define ADDRESS_TEXT_SIZE 64 /* "[IPv6%scope]:port" and its NUL */

/* 0, or -1 when the socket address is neither IPv4 nor IPv6. */
MUST_USE int address_of_socket(const struct sockaddr_storage *from, struct address *ret);

/* "192.0.2.1:104" or "[2001:db8::1]:104"; "unknown" for another family. */
void address_text(const struct sockaddr_storage *from, char ret[ADDRESS_TEXT_SIZE]);

/* Reads a numeric address, or a range in CIDR notation, "192.168.40.0/24". An address is
 * the range of itself alone. -1 when the text is neither or has bits behind its prefix.
 */
MUST_USE int address_range_parse(const char *text, struct address_range *ret);
bool address_range_holds(const struct address_range *range,
			 const struct address *address);
bool address_ranges_overlap(const struct address_range *a, const struct address_range *b);
bool address_equal(const struct address *a, const struct address *b);
bool address_is_loopback(const struct address *address);
