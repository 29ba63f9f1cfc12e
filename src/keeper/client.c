#include "internal.h"

#include <errno.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/spool/key.h"

/* The supervisor is single-threaded; this is too large for a stack. */
static struct message message;

static void begin_message(enum message_kind kind)
{
	memset(&message, 0, MESSAGE_HEAD_SIZE);
	message.kind = kind;
}

MUST_USE static int say(int control, size_t size, int descriptor, int flags)
{
	return descriptors_send(control, &message, MESSAGE_HEAD_SIZE + size, &descriptor,
				descriptor >= 0, flags);
}

/* The size of its bytes, or -1. */
MUST_USE static ssize_t await_answer(int control, enum message_kind kind)
{
	int64_t end_ms = clock_ms() + KEEPER_ANSWER_MS, left_ms;
	struct pollfd polled = { .fd = control, .events = POLLIN };
	ssize_t size;

	while ((left_ms = end_ms - clock_ms()) > 0) {
		if (poll(&polled, 1, (int)left_ms) <= 0)
			continue;
		size = recv(control, &message, sizeof(message), MSG_DONTWAIT);
		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (size < (ssize_t)MESSAGE_HEAD_SIZE || message.kind != kind)
			return -1;
		return size - (ssize_t)MESSAGE_HEAD_SIZE;
	}
	return -1;
}

static void unpack_faults(const uint8_t *at, size_t size, const struct config_file *file,
			  struct config_faults *faults)
{
	while (size > 1) {
		size_t length = strnlen((const char *)at + 1, size - 1);

		if (length == size - 1 || at[0] > CONFIG_WARNING)
			return; /* cut */
		config_fault_add(faults, at[0], &file->place, "%s", at + 1);
		at += length + 2;
		size -= length + 2;
	}
}

/* On KEEPER_YES the answer is in the message. */
MUST_USE static enum keeper_answer ask(enum message_kind kind, int control,
				       const struct config_file *file,
				       struct config_faults *faults)
{
	size_t size = file->path ? strlen(file->path) : 0;
	ssize_t got;

	if (size > sizeof(message.bytes)) {
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "is longer than a path may be");
		return KEEPER_NO;
	}
	begin_message(kind);
	message.is_credential = file->credential;
	message.is_in_token = file->in_token;
	if (file->path)
		memcpy(message.bytes, file->path, size);
	if (say(control, size, -1, MSG_DONTWAIT) != 0 ||
	    (got = await_answer(control, MESSAGE_LOADED)) < 0 ||
	    (size_t)got < message.key_size)
		return KEEPER_SILENT;
	unpack_faults(message.bytes + message.key_size, (size_t)got - message.key_size,
		      file, faults);
	return message.is_good ? KEEPER_YES : KEEPER_NO;
}

enum keeper_answer keeper_load(int control, const struct config_file *file,
			       EVP_PKEY **ret, struct config_faults *faults)
{
	enum keeper_answer answer = ask(MESSAGE_LOAD, control, file, faults);
	const unsigned char *der = message.bytes;
	EVP_PKEY *key;

	if (answer != KEEPER_YES)
		return answer;
	key = d2i_PUBKEY(NULL, &der, (long)message.key_size);
	if (!key)
		return KEEPER_NO;
	*ret = key;
	return KEEPER_YES;
}

enum keeper_answer keeper_judge(int control, const struct config_file *file,
				struct spool_public *ret, struct config_faults *faults)
{
	enum keeper_answer answer = ask(MESSAGE_JUDGE, control, file, faults);

	if (answer != KEEPER_YES)
		return answer;
	if (message.key_size != sizeof(*ret))
		return KEEPER_NO;
	memcpy(ret, message.bytes, sizeof(*ret));
	return KEEPER_YES;
}

enum keeper_answer keeper_hand_over(int from, int to, const struct signer_key_id *key)
{
	int pair[2];
	bool good;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return KEEPER_NO;
	begin_message(MESSAGE_GIVE);
	message.key = *key;
	good = say(from, 0, pair[0], MSG_DONTWAIT) == 0;
	close(pair[0]);
	message.kind = MESSAGE_TAKE;
	good = good && say(to, 0, pair[1], MSG_DONTWAIT) == 0;
	close(pair[1]);
	if (!good)
		return KEEPER_NO;
	if (await_answer(to, MESSAGE_TAKEN) < 0)
		return KEEPER_SILENT;
	return message.is_good ? KEEPER_YES : KEEPER_NO;
}

enum keeper_answer keeper_serve(int control)
{
	begin_message(MESSAGE_SERVE);
	return say(control, 0, -1, MSG_DONTWAIT) == 0 &&
			       await_answer(control, MESSAGE_SERVES) >= 0
		       ? KEEPER_YES
		       : KEEPER_SILENT;
}

bool keeper_listens(int control)
{
	struct pollfd polled = { .fd = control, .events = POLLOUT };

	return poll(&polled, 1, 0) > 0 && polled.revents == POLLOUT;
}

int keeper_open(int control, const struct keeper_grant *grant)
{
	begin_message(MESSAGE_GRANT);
	memcpy(message.bytes, grant, sizeof(*grant));
	return descriptors_open(control, &message, MESSAGE_HEAD_SIZE + sizeof(*grant));
}

/* One that doesn't take it is asked again later. */
void keeper_ping(int control)
{
	begin_message(MESSAGE_PING);
	(void)!say(control, 0, -1, MSG_DONTWAIT);
}

enum keeper_word keeper_hear(int control, struct keeper_refusal *ret)
{
	ssize_t size = recv(control, &message, sizeof(message), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return KEEPER_NOTHING;
	if (size == (ssize_t)MESSAGE_HEAD_SIZE && message.kind == MESSAGE_ALIVE)
		return KEEPER_ALIVE;
	if (size != (ssize_t)(MESSAGE_HEAD_SIZE + sizeof(*ret)) ||
	    message.kind != MESSAGE_REFUSED)
		return KEEPER_GONE;
	memcpy(ret, message.bytes, sizeof(*ret));
	ret->association[sizeof(ret->association) - 1] = '\0';
	ret->why[sizeof(ret->why) - 1] = '\0';
	return KEEPER_REFUSED;
}
