#include "cathgate/spool/operator.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"

#define ANSWER_MS 60000

/* A socket's path is short (unix(7)); the folder's may not be. */
int spool_operator_connect(const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int folder = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = folder < 0 ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int error;

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		 folder, SPOOL_SOCKET);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		close(folder);
		return fd;
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	errno = error;
	return -1;
}

int spool_operator_ask(int socket, const struct spool_request *request,
		       uint32_t *ret_count, int *ret_file)
{
	struct pollfd polled = { .fd = socket, .events = POLLIN };
	struct spool_reply reply;

	*ret_file = -1;
	if (send(socket, request, sizeof(*request), MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(*request))
		return -1;
	if (poll(&polled, 1, ANSWER_MS) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (descriptor_receive(socket, &reply, sizeof(reply), ret_file, 0) !=
	    (ssize_t)sizeof(reply)) {
		errno = ECONNRESET;
		return -1;
	}
	*ret_count = reply.count;
	if (reply.error == 0)
		return 0;
	if (*ret_file >= 0)
		close(*ret_file);
	*ret_file = -1;
	errno = reply.error;
	return -1;
}
