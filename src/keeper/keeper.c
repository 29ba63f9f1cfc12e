#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/base/secrets.h"
#include "cathgate/process/process.h"
#include "cathgate/spool/key.h"
#include "cathgate/tls/key_file.h"

#define MESSAGES_AT_ONCE 64 /* then the channels are served again */

struct keeper {
	int control;
	const struct sandbox_program *sandbox;
	bool is_serving; /* it reads no file any more */
	bool is_let_go;	 /* the supervisor says nothing any more */
	struct held held;
	struct channels channels;
	struct pollfd *polls;
	size_t poll_room;
	struct message message; /* the last one that came or went */
};

/* From here on the process reaches nothing but its channels. A token's module must reach
 * its token, wherever that is: the private key isn't in this process then. */
static void shut_in(struct keeper *keeper)
{
	const struct sandbox_path everywhere = { "/", SANDBOX_CHANGE };
	int rc;

	if (held_has_token(&keeper->held)) {
		struct sandbox_program *sandbox = sandbox_prepare(SANDBOX_TOKEN_KEEPER);

		rc = sandbox ? sandbox_enter(sandbox, &everywhere, 1) : -1;
		sandbox_free(sandbox);
	} else {
		rc = sandbox_enter(keeper->sandbox, NULL, 0);
	}
	if (rc != 0)
		exit(1); /* it has said why */
	keeper->is_serving = true;
}

static void begin_answer(struct message *message, enum message_kind kind)
{
	memset(message, 0, MESSAGE_HEAD_SIZE);
	message->kind = kind;
}

static void answer(struct keeper *keeper, size_t size)
{
	if (send(keeper->control, &keeper->message, MESSAGE_HEAD_SIZE + size,
		 MSG_NOSIGNAL) < 0)
		log_debug("the supervisor is gone");
}

/* The text has no place before it: the supervisor knows that. */
static size_t pack_faults(const struct config_faults *faults, uint8_t *to, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < faults->count; i++) {
		const struct config_fault *fault = &faults->items[i];
		size_t size = strlen(fault->text) + 1;

		if (1 + size > room - used)
			break;
		to[used] = (uint8_t)fault->kind;
		memcpy(to + used + 1, fault->text, size);
		used += 1 + size;
	}
	return used;
}

/* Holds the key, and puts the public half where the answer has it. */
MUST_USE static size_t take_key(struct keeper *keeper, EVP_PKEY *key, const char *uri)
{
	struct message *message = &keeper->message;
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);

	if (size <= 0 || (size_t)size > sizeof(message->bytes)) {
		EVP_PKEY_free(key);
		size = 0;
	} else if (held_add(&keeper->held, key, uri, &message->key) == 0) {
		message->is_good = true;
		message->key_size = (uint32_t)size;
		memcpy(message->bytes, der, (size_t)size);
	} else {
		size = 0;
	}
	OPENSSL_free(der);
	return (size_t)size;
}

/* Says what the spool's public key is, and forgets the key. */
MUST_USE static size_t judge_key(struct keeper *keeper, EVP_PKEY *key)
{
	struct message *message = &keeper->message;
	struct spool_public public = { .suite = 0 };

	/* Of a key of another kind it says suite 0. */
	(void)!spool_public_of(key, &public);
	EVP_PKEY_free(key);
	message->is_good = true;
	message->key_size = sizeof(public);
	memcpy(message->bytes, &public, sizeof(public));
	return sizeof(public);
}

static void load_key(struct keeper *keeper, size_t size)
{
	struct message *message = &keeper->message;
	bool is_judged = message->kind == MESSAGE_JUDGE;
	char *path = strndup((const char *)message->bytes, size);
	const struct config_file file = { .path = path,
					  .credential = message->is_credential,
					  .in_token = message->is_in_token };
	struct config_faults faults = { 0 };
	EVP_PKEY *key = path && !keeper->is_serving ? tls_key_load(&file, &faults) : NULL;

	begin_answer(message, MESSAGE_LOADED);
	if (key && is_judged)
		size = judge_key(keeper, key);
	else
		size = key ? take_key(keeper, key, file.in_token ? path : NULL) : 0;
	size += pack_faults(&faults, message->bytes + size,
			    sizeof(message->bytes) - size);
	ERR_clear_error();
	config_faults_clear(&faults);
	free(path);
	answer(keeper, size);
}

/* The supervisor may have been taken over, too. */
static bool is_sound(const struct keeper_grant *grant)
{
	return (grant->side == SIGNER_SERVER || grant->side == SIGNER_CLIENT) &&
	       grant->key_count <= CONFIG_PAIRS_MAX &&
	       memchr(grant->association, 0, sizeof(grant->association));
}

static void add_channel(struct keeper *keeper, size_t size, int fd)
{
	struct keeper_grant grant;

	if (size != sizeof(grant)) {
		close(fd);
		return;
	}
	memcpy(&grant, keeper->message.bytes, sizeof(grant));
	if (is_sound(&grant))
		channels_add(&keeper->channels, fd, &grant);
	else
		close(fd);
}

/* `fd` is -1 where none came along. */
static void obey(struct keeper *keeper, size_t size, int fd)
{
	struct message *message = &keeper->message;

	switch (message->kind) {
	case MESSAGE_LOAD:
	case MESSAGE_JUDGE:
		load_key(keeper, size);
		break;
	case MESSAGE_TAKE:
		message->is_good = !keeper->is_serving && fd >= 0 &&
				   held_take(&keeper->held, &message->key, fd) == 0;
		message->kind = MESSAGE_TAKEN;
		answer(keeper, 0);
		break;
	case MESSAGE_GIVE:
		if (fd >= 0 && held_give(&keeper->held, &message->key, fd) != 0)
			log_error("a key could not be given to the successor");
		break;
	case MESSAGE_SERVE:
		shut_in(keeper);
		message->kind = MESSAGE_SERVES;
		answer(keeper, 0);
		break;
	case MESSAGE_PING:
		message->kind = MESSAGE_ALIVE;
		answer(keeper, 0);
		break;
	case MESSAGE_GRANT:
		if (fd >= 0)
			add_channel(keeper, size, fd);
		return; /* the channel is kept */
	default:
		break;
	}
	if (fd >= 0)
		close(fd);
}

/* False when nothing more is there. */
static bool hear_message(struct keeper *keeper)
{
	int fd;
	ssize_t size = descriptor_receive(keeper->control, &keeper->message,
					  sizeof(keeper->message), &fd, MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return false;
	if (size >= (ssize_t)MESSAGE_HEAD_SIZE) {
		obey(keeper, (size_t)size - MESSAGE_HEAD_SIZE, fd);
		return true;
	}
	if (fd >= 0)
		close(fd);
	keeper->is_let_go = size <= 0;
	return size > 0;
}

static void hear_supervisor(struct keeper *keeper)
{
	for (int i = 0; i < MESSAGES_AT_ONCE && hear_message(keeper); i++)
		continue;
}

static void tell_refusal(struct keeper *keeper, const struct channel *channel,
			 const char *why)
{
	struct message *message = &keeper->message;
	struct keeper_refusal refusal = { .why = "" };

	memcpy(refusal.association, channel->grant.association,
	       sizeof(refusal.association));
	strcpy(refusal.why, why);
	begin_answer(message, MESSAGE_REFUSED);
	memcpy(message->bytes, &refusal, sizeof(refusal));
	answer(keeper, sizeof(refusal));
}

/* One request of each, so that one that sends many holds up no other. False when a token
 * doesn't sign any more: its module needs another process to find it again. */
MUST_USE static bool serve_channels(struct keeper *keeper)
{
	char why[sizeof(((struct keeper_refusal *)0)->why)];
	bool has_token = true;

	/* From the last: what is removed moves those behind it. */
	for (size_t i = keeper->channels.count; i > 0; i--) {
		struct channel *channel = &keeper->channels.items[i - 1];
		enum channel_result result = CHANNEL_STAYS;

		if (keeper->polls[i].revents)
			result = channel_serve(channel, &keeper->held, why);
		if (result == CHANNEL_STAYS)
			continue;
		has_token = has_token && result != CHANNEL_LOST_TOKEN;
		if (why[0])
			tell_refusal(keeper, channel, why);
		channels_remove(&keeper->channels, i - 1);
	}
	ERR_clear_error();
	return has_token;
}

/* The control channel's, then one a channel. False without memory. */
MUST_USE static bool fill_polls(struct keeper *keeper)
{
	const struct channels *channels = &keeper->channels;

	if (keeper->poll_room < channels->count + 1) {
		size_t room = channels->count + 65;
		struct pollfd *polls = reallocarray(keeper->polls, room, sizeof(*polls));

		if (!polls)
			return false;
		keeper->polls = polls;
		keeper->poll_room = room;
	}
	/* Refusals are told even when the supervisor says nothing any more. */
	keeper->polls[0] =
		(struct pollfd){ .fd = keeper->is_let_go ? -1 : keeper->control,
				 .events = POLLIN };
	for (size_t i = 0; i < channels->count; i++)
		keeper->polls[i + 1] =
			(struct pollfd){ .fd = channels->items[i].fd, .events = POLLIN };
	return true;
}

int keeper_run(int control, const struct sandbox_program *sandbox)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	bool has_token = true;

	secrets_begin(); /* whatever OpenSSL frees here is overwritten */
	if (!keeper)
		return 1;
	keeper->control = control;
	keeper->sandbox = sandbox;
	while (has_token && (!keeper->is_let_go || keeper->channels.count > 0)) {
		if (!fill_polls(keeper))
			return 1;
		if (poll(keeper->polls, keeper->channels.count + 1, -1) <= 0)
			continue;
		has_token = serve_channels(keeper);
		if (keeper->polls[0].revents)
			hear_supervisor(keeper);
	}
	held_clear(&keeper->held);
	free(keeper->channels.items);
	free(keeper->polls);
	close(keeper->control);
	free(keeper);
	return has_token ? 0 : ROLE_ANEW;
}
