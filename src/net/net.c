#include "cathgate/net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static socklen_t size_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
}

void net_close(int fd)
{
	int kept = errno;

	close(fd);
	errno = kept;
}

static int close_keeping_errno(int fd)
{
	net_close(fd);
	return -1;
}

void net_share_port(int fd, bool shared)
{
	int on = shared;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

MUST_USE static int listen_at(const char *address, uint16_t port, bool shared)
{
	struct sockaddr_storage at = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at;
	int fd, on = 1;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		at.ss_family = AF_INET;
		v4->sin_port = htons(port);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		at.ss_family = AF_INET6;
		v6->sin6_port = htons(port);
	} else {
		errno = EINVAL;
		return -1;
	}

	fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (shared)
		net_share_port(fd, true);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, size_of(&at)) != 0 ||
	    listen(fd, SOMAXCONN) != 0)
		return close_keeping_errno(fd);
	return fd;
}

int net_listen(const char *address, uint16_t port)
{
	return listen_at(address, port, false);
}

int net_listen_shared(const char *address, uint16_t port)
{
	return listen_at(address, port, true);
}

uint16_t net_port(int fd)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		return 0;
	return ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
					     : ((struct sockaddr_in6 *)&at)->sin6_port);
}

/* An idle peer is asked after 10 s and given up 15 s later; one that owes us an ACK is
 * given up after 25 s: either way within 30 s. */
int net_tune(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 10 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 25000 },
	};
	int flags = fcntl(fd, F_GETFL);

	/* All sockets of the gateway's begin so; an association couldn't change it. */
	if (flags < 0 ||
	    (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(fd, options[i].level, options[i].option, &options[i].value,
			       sizeof(options[i].value)) != 0)
			return -1;
	return 0;
}

void net_quickack(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

int net_begin_connect(const struct sockaddr_storage *to)
{
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (net_tune(fd) != 0 ||
	    (connect(fd, (const struct sockaddr *)to, size_of(to)) != 0 &&
	     errno != EINPROGRESS))
		return close_keeping_errno(fd);
	return fd;
}

int net_await_connected(int fd, const struct waiter *waiter)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (waiter->wait(waiter->context, fd, POLLOUT) != 0) {
		errno = ECANCELED;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		return -1;
	errno = error;
	return error == 0 ? 0 : -1;
}
