/*
 * A byte stream to one peer, whatever carries it (TLS or plain TCP).
 *
 * A transport blocks in one function only: the waiter, which belongs to the owner of the
 * stream. The owner keeps the deadlines there, and watches there the other side and the
 * supervisor; a transport only asks it whether a descriptor is ready.
 *
 * Not thread-safe; no transport owns its waiter.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

#ifdef __cplusplus
extern "C" {
#endif

struct waiter {
	/* Blocks until `fd` is ready for `events` (POLLIN, POLLOUT) and returns 0; or
	 * returns -1 when the owner wants the call in hand to fail: a deadline has
	 * passed, the other side has hung up. The owner knows why. */
	int (*wait)(void *context, int fd, short events);
	void *context;
};

struct transport {
	int fd; /* of the socket, non-blocking; for poll only */
	void *context;

	/* At least one byte, waiting for it; 0 when the peer has closed; -1 when the
	 * connection failed or the waiter gave up. */
	ssize_t (*read)(void *context, void *buffer, size_t size);

	/* All of it, waiting as needed: 0; or -1 as above. */
	int (*write)(void *context, const void *bytes, size_t size);

	/* What could be read at once, left where it is: its count; 0 when the peer has
	 * closed; -1 with errno EAGAIN when there is nothing yet, another when the
	 * connection failed. Never waits. */
	ssize_t (*peek)(void *context, void *buffer, size_t size);

	/* How many bytes it has taken from the network for what was read or peeked, its
	 * own framing among them. */
	uint64_t (*taken)(void *context);

	/* Says goodbye if the carrier has a word for it and it can be said without
	 * waiting, closes the socket and frees. */
	void (*close)(void *context);
};

/* A plain TCP stream over the connected, non-blocking socket `fd`, which it owns from
 * then on. `waiter` must outlive it. 0, or -1 without memory (fd is still the caller's).
 */
MUST_USE int transport_plain(int fd, const struct waiter *waiter, struct transport *ret);

/* Closes and empties a transport; one that was never opened (all zero) is fine. */
void transport_close(struct transport *transport);

#ifdef __cplusplus
}
#endif
