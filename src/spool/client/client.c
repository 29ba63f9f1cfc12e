#include "message.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"

void spool_client_adopt(struct spool_client *client, int channel)
{
	if (client->channel >= 0)
		close(client->channel);
	client->channel = channel;
	client->has_file = client->has_named = false;
}

MUST_USE static int say(int channel, const struct spool_asked *asked)
{
	ssize_t sent;

	do
		sent = send(channel, asked, sizeof(*asked), MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)sizeof(*asked) ? 0 : -1;
}

/* The next answer, and the descriptor that came with it (-1). */
MUST_USE static int await_answer(int channel, struct spool_said *ret, int *ret_file,
				 int timeout_ms)
{
	int64_t end_ms = clock_ms() + timeout_ms;

	for (;;) {
		struct pollfd polled = { .fd = channel, .events = POLLIN };
		int64_t left_ms = end_ms - clock_ms();
		ssize_t size = descriptor_receive(channel, ret, sizeof(*ret), ret_file,
						  MSG_DONTWAIT);

		if (size == (ssize_t)sizeof(*ret) && ret->kind == SPOOL_ANSWERS)
			return 0;
		if (*ret_file >= 0)
			close(*ret_file);
		*ret_file = -1;
		if (size >= 0 || (errno != EAGAIN && errno != EINTR) || left_ms <= 0)
			return -1;
		poll(&polled, 1, (int)left_ms);
	}
}

static enum spool_verdict lose(struct spool_client *client)
{
	spool_client_adopt(client, -1);
	errno = ENOTCONN;
	return SPOOL_AWAY;
}

/* One answer to what was asked last. */
static enum spool_verdict hear(struct spool_client *client, struct spool_said *ret,
			       int *ret_file)
{
	if (client->channel < 0 ||
	    await_answer(client->channel, ret, ret_file, SPOOL_ANSWER_MS) != 0 ||
	    ret->verdict > SPOOL_CANNOT)
		return lose(client);
	errno = ret->error;
	return (enum spool_verdict)ret->verdict;
}

static enum spool_verdict ask(struct spool_client *client,
			      const struct spool_asked *asked, struct spool_said *ret,
			      int *ret_file)
{
	*ret_file = -1;
	if (client->channel < 0 || say(client->channel, asked) != 0)
		return lose(client);
	return hear(client, ret, ret_file);
}

enum spool_verdict spool_client_ask(struct spool_client *client,
				    struct spool_client_state *ret)
{
	const struct spool_asked asked = { .kind = SPOOL_ASKS_STATE };
	struct spool_said said;
	int file;
	enum spool_verdict verdict = ask(client, &asked, &said, &file);

	if (file >= 0)
		close(file);
	if (verdict == SPOOL_TAKEN)
		*ret = (struct spool_client_state){ .is_full = said.is_full,
						    .has_backlog = said.has_backlog };
	return verdict;
}

enum spool_verdict spool_client_accepted(struct spool_client *client, int *ret_file)
{
	const struct spool_asked asked = { .kind = SPOOL_ASKS_ACCEPTED };
	struct spool_said said;

	return ask(client, &asked, &said, ret_file);
}

static void set_text(char *field, size_t size, const char *text)
{
	snprintf(field, size, "%s", text);
}

#define SET(field, text) set_text(field, sizeof(field), text)

void spool_client_learnt(struct spool_client *client, const char *abstract_syntax,
			 const char *transfer_syntax)
{
	struct spool_asked asked = { .kind = SPOOL_HAS_LEARNT, .accepted = 1 };

	SET(asked.abstract_syntax, abstract_syntax);
	SET(asked.transfer_syntax, transfer_syntax);
	if (client->channel >= 0 && say(client->channel, &asked) != 0)
		(void)!lose(client);
}

enum spool_verdict spool_client_file(struct spool_client *client, int *ret)
{
	const struct spool_asked asked = { .kind = SPOOL_ASKS_FILE };
	struct spool_said said;
	enum spool_verdict verdict = ask(client, &asked, &said, ret);

	client->has_file = verdict == SPOOL_TAKEN && *ret >= 0;
	client->has_named = false;
	return verdict == SPOOL_TAKEN && *ret < 0 ? lose(client) : verdict;
}

enum spool_verdict spool_client_link(struct spool_client *client,
				     const struct spool_metadata *metadata,
				     const uint8_t header[DIGEST_SIZE],
				     uint64_t *ret_object)
{
	struct spool_asked asked = { .kind = SPOOL_LINKS,
				     .data_size = metadata->data_size };
	struct spool_said said;
	enum spool_verdict verdict;
	int file;

	if (!client->has_file)
		return SPOOL_AWAY;
	memcpy(asked.sha256, metadata->sha256, sizeof(asked.sha256));
	memcpy(asked.header, header, sizeof(asked.header));
	SET(asked.sop_instance, metadata->sop_instance);
	SET(asked.study, metadata->study);
	verdict = ask(client, &asked, &said, &file);
	if (file >= 0)
		close(file);
	if (verdict != SPOOL_AWAY)
		*ret_object = said.object;
	client->must_sync = verdict != SPOOL_AWAY && said.must_sync;
	client->has_file = false;
	client->has_named = verdict == SPOOL_TAKEN || verdict == SPOOL_CONFLICTS ||
			    verdict == SPOOL_QUARANTINED;
	return verdict;
}

enum spool_verdict spool_client_sync(struct spool_client *client)
{
	const struct spool_asked asked = { .kind = SPOOL_SYNCS };
	struct spool_said said;
	enum spool_verdict verdict = SPOOL_TAKEN;
	int file = -1;

	if (client->must_sync && !client->has_named)
		return SPOOL_AWAY; /* its successor may not have synced the name yet */
	if (client->must_sync)
		verdict = ask(client, &asked, &said, &file);
	if (file >= 0)
		close(file);
	return verdict;
}

int spool_client_commit(struct spool_client *client)
{
	const struct spool_asked asked = { .kind = SPOOL_COMMITS };

	if (!client->has_named)
		return -1;
	client->has_named = false;
	if (say(client->channel, &asked) == 0)
		return 0;
	(void)!lose(client);
	return -1;
}

void spool_client_abandon(struct spool_client *client)
{
	const struct spool_asked asked = { .kind = SPOOL_ABANDONS };

	if (!client->has_file && !client->has_named)
		return;
	client->has_file = client->has_named = false;
	if (say(client->channel, &asked) != 0)
		(void)!lose(client);
}
