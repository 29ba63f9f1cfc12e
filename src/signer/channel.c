#include "cathgate/signer/channel.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "cathgate/base/clock.h"

#define ANSWER_MS 10000

int signer_key_id(const EVP_PKEY *key, struct signer_key_id *ret)
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);
	int rc = size > 0 ? digest_sha256(der, (size_t)size, ret->digest) : -1;

	OPENSSL_free(der);
	return rc;
}

/* False when the time is over. */
static bool await(int channel, short events, int64_t end_ms)
{
	struct pollfd polled = { .fd = channel, .events = events };
	int64_t left_ms;

	for (;;) {
		left_ms = end_ms - clock_ms();
		if (left_ms <= 0)
			return false;
		if (poll(&polled, 1, (int)left_ms) > 0)
			return true;
	}
}

static bool must_wait(void)
{
	return errno == EAGAIN || errno == EINTR;
}

int signer_ask(int channel, const struct signer_request *request, const uint8_t *message,
	       size_t size, uint8_t *ret, size_t room, size_t *ret_size)
{
	/* In one piece: sendmsg is no call of an association's. */
	static struct signer_asked asked;
	size_t asked_size = sizeof(*request) + size;
	struct iovec answer = { ret, room };
	struct msghdr got = { .msg_iov = &answer, .msg_iovlen = 1 };
	int64_t end_ms = clock_ms() + ANSWER_MS;
	ssize_t count;

	if (size > sizeof(asked.message))
		return -1;
	asked.request = *request;
	memcpy(asked.message, message, size);
	while (send(channel, &asked, asked_size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (!must_wait() || !await(channel, POLLOUT, end_ms))
			return -1;
	do {
		if (!await(channel, POLLIN, end_ms))
			return -1;
		count = recvmsg(channel, &got, MSG_DONTWAIT);
	} while (count < 0 && must_wait());
	if (count <= 0 || (got.msg_flags & MSG_TRUNC) != 0)
		return -1;
	*ret_size = (size_t)count;
	return 0;
}
