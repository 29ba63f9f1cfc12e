#include "cathgate/base/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union ancillary {
	struct cmsghdr header;
	char room[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
};

int descriptors_send(int channel, const void *message, size_t size,
		     const int *descriptors, size_t count, int flags)
{
	union ancillary ancillary = { .room = { 0 } };
	struct iovec part = { .iov_base = (void *)message, .iov_len = size };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *header;
	ssize_t sent;

	if (count > DESCRIPTORS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (count > 0) {
		head.msg_control = ancillary.room;
		head.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&head);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
	}
	do
		sent = sendmsg(channel, &head, flags | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int descriptors_open(int control, const void *message, size_t size)
{
	int ends[2], rc, error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	rc = descriptors_send(control, message, size, &ends[1], 1, MSG_DONTWAIT);
	error = errno;
	close(ends[1]);
	if (rc == 0)
		return ends[0];
	close(ends[0]);
	errno = error;
	return -1;
}

static void keep_descriptors(const struct cmsghdr *header, int *ret, size_t max,
			     size_t *count)
{
	const unsigned char *data = CMSG_DATA(header);
	size_t came = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < came; i++) {
		int descriptor;

		memcpy(&descriptor, data + i * sizeof(int), sizeof(int));
		if (*count < max)
			ret[(*count)++] = descriptor;
		else
			close(descriptor);
	}
}

ssize_t descriptors_receive(int channel, void *message, size_t size, int *ret, size_t max,
			    size_t *ret_count, int flags)
{
	union ancillary ancillary;
	struct iovec part = { .iov_base = message, .iov_len = size };
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = ancillary.room,
			       .msg_controllen = sizeof(ancillary.room) };
	ssize_t got;

	*ret_count = 0;
	do
		got = recvmsg(channel, &head, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&head); header;
	     header = CMSG_NXTHDR(&head, header))
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
			keep_descriptors(header, ret, max, ret_count);
	return got;
}

ssize_t descriptor_receive(int channel, void *message, size_t size, int *ret, int flags)
{
	size_t count;
	int descriptor = -1;
	ssize_t got = descriptors_receive(channel, message, size, &descriptor, 1, &count,
					  flags);

	*ret = count == 1 ? descriptor : -1;
	return got;
}
