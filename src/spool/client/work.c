#include "message.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/spool/unwrap.h"

MUST_USE static int say(int channel, const struct spool_asked *asked)
{
	ssize_t sent;

	do
		sent = send(channel, asked, sizeof(*asked), MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)sizeof(*asked) ? 0 : -1;
}

int spool_work_ask(int channel)
{
	return say(channel, &(struct spool_asked){ .kind = SPOOL_WANTS_WORK });
}

static void take_object(const struct spool_said *said, int fd, struct spool_work *ret)
{
	*ret = (struct spool_work){ .object = said->object,
				    .fd = fd,
				    .is_last_try = said->is_last_try,
				    .is_overdue = said->is_overdue,
				    .is_to_bury = said->is_to_bury,
				    .is_unconfirmed = said->is_unconfirmed };
	memcpy(ret->header, said->header, sizeof(ret->header));
}

int spool_work_hear(int channel, enum spool_order *ret_order, struct spool_work *ret)
{
	struct spool_said said;
	int fd;
	ssize_t size =
		descriptor_receive(channel, &said, sizeof(said), &fd, MSG_DONTWAIT);

	*ret_order = SPOOL_NOTHING;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size == (ssize_t)sizeof(said) && said.kind == SPOOL_GIVES_OBJECT && fd >= 0) {
		*ret_order = SPOOL_OBJECT;
		take_object(&said, fd, ret);
		return 0;
	}
	if (fd >= 0)
		close(fd);
	if (size != (ssize_t)sizeof(said))
		return -1;
	if (said.kind == SPOOL_GIVES_REST)
		*ret_order = SPOOL_REST;
	return 0;
}

int spool_work_result(int channel, uint64_t object, enum spool_result result)
{
	return say(channel, &(struct spool_asked){ .kind = SPOOL_HAS_RESULT,
						   .object = object,
						   .result = result });
}

int spool_work_learnt(int channel, const char *abstract_syntax,
		      const char *transfer_syntax, bool is_accepted)
{
	struct spool_asked asked = { .kind = SPOOL_HAS_LEARNT, .accepted = is_accepted };

	snprintf(asked.abstract_syntax, sizeof(asked.abstract_syntax), "%s",
		 abstract_syntax);
	snprintf(asked.transfer_syntax, sizeof(asked.transfer_syntax), "%s",
		 transfer_syntax);
	return say(channel, &asked);
}

/* One message of that size, and its descriptor, if one came. */
MUST_USE static int await(int channel, void *ret, size_t size, int *ret_file,
			  int timeout_ms)
{
	int64_t end_ms = clock_ms() + timeout_ms, left_ms;

	while ((left_ms = end_ms - clock_ms()) > 0) {
		struct pollfd polled = { .fd = channel, .events = POLLIN };
		ssize_t got;

		if (poll(&polled, 1, (int)left_ms) <= 0)
			continue;
		got = descriptor_receive(channel, ret, size, ret_file, MSG_DONTWAIT);
		if (got == (ssize_t)size)
			return 0;
		if (*ret_file >= 0)
			close(*ret_file);
		*ret_file = -1;
		if (got >= 0 || (errno != EAGAIN && errno != EINTR))
			return -1;
	}
	return -1;
}

int spool_work_accepted(int channel, int timeout_ms, int *ret_file)
{
	struct spool_said said;

	*ret_file = -1;
	if (say(channel, &(struct spool_asked){ .kind = SPOOL_ASKS_ACCEPTED }) != 0)
		return -1;
	return await(channel, &said, sizeof(said), ret_file, timeout_ms) == 0 &&
			       said.kind == SPOOL_ANSWERS
		       ? 0
		       : -1;
}

int spool_work_unwrap(int keeper, const struct spool_front *front,
		      struct spool_secret *ret, int timeout_ms)
{
	struct spool_unwrap_asked asked = { .kind = SPOOL_UNWRAP_OBJECT,
					    .enc_size = (uint32_t)front->enc_size };
	struct spool_unwrap_said said;
	int rc = -1, file = -1;

	memcpy(asked.key_id, front->key_id, sizeof(asked.key_id));
	memcpy(asked.enc, front->enc, front->enc_size);
	if (send(keeper, &asked, sizeof(asked), MSG_NOSIGNAL) == (ssize_t)sizeof(asked) &&
	    await(keeper, &said, sizeof(said), &file, timeout_ms) == 0)
		rc = said.is_good ? 0 : said.has_key ? 2 : 1;
	if (file >= 0)
		close(file);
	if (rc == 0)
		*ret = said.secret;
	OPENSSL_cleanse(&said, sizeof(said));
	return rc;
}
