#include "cathgate/net/net.h"
#include "cathgate/net/transport.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct plain {
	int fd;
	const struct waiter *waiter;
	uint64_t taken_bytes;
};

/* DCMTK takes a stale EINTR for a reason to try again: a final failure never says it. */
MUST_USE static int wait_for_socket(struct plain *plain, short events)
{
	if (plain->waiter->wait(plain->waiter->context, plain->fd, events) == 0)
		return 0;
	errno = ECANCELED;
	return -1;
}

static ssize_t plain_read(void *context, void *buffer, size_t size)
{
	struct plain *plain = context;

	for (;;) {
		ssize_t count = recv(plain->fd, buffer, size, 0);

		if (count >= 0)
			plain->taken_bytes += (uint64_t)count;
		if (count >= 0 || (errno != EAGAIN && errno != EINTR))
			return count;
		if (errno == EINTR)
			continue;
		net_quickack(plain->fd);
		if (wait_for_socket(plain, POLLIN) != 0)
			return -1;
	}
}

static int plain_write(void *context, const void *bytes, size_t size)
{
	struct plain *plain = context;
	const char *next = bytes;

	while (size > 0) {
		ssize_t count = send(plain->fd, next, size, MSG_NOSIGNAL);

		if (count >= 0) {
			next += count;
			size -= (size_t)count;
		} else if (errno == EAGAIN) {
			if (wait_for_socket(plain, POLLOUT) != 0)
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

static ssize_t plain_peek(void *context, void *buffer, size_t size)
{
	struct plain *plain = context;
	ssize_t count;

	do {
		count = recv(plain->fd, buffer, size, MSG_PEEK | MSG_DONTWAIT);
	} while (count < 0 && errno == EINTR);
	return count;
}

static uint64_t plain_taken(void *context)
{
	const struct plain *plain = context;

	return plain->taken_bytes;
}

static void plain_close(void *context)
{
	struct plain *plain = context;

	close(plain->fd);
	free(plain);
}

int transport_plain(int fd, const struct waiter *waiter, struct transport *ret)
{
	struct plain *plain = malloc(sizeof(*plain));

	if (!plain)
		return -1;
	*plain = (struct plain){ .fd = fd, .waiter = waiter };
	*ret = (struct transport){ .fd = fd,
				   .context = plain,
				   .read = plain_read,
				   .write = plain_write,
				   .peek = plain_peek,
				   .taken = plain_taken,
				   .close = plain_close };
	return 0;
}

void transport_close(struct transport *transport)
{
	if (transport->close)
		transport->close(transport->context);
	*transport = (struct transport){ 0 };
	transport->fd = -1;
}
