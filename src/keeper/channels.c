/*
 * What is signed for whom. The process at the other end of a channel may have been taken
 * over: everything that it says is judged here.
 */
#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/signer/scheme.h"
#include "cathgate/signer/shape.h"
#include "cathgate/tls/key_file.h"

void channels_remove(struct channels *channels, size_t at)
{
	close(channels->items[at].fd);
	channels->count--;
	memmove(&channels->items[at], &channels->items[at + 1],
		(channels->count - at) * sizeof(*channels->items));
}

/* An association has one connection to its destination at a time. So a process that was
 * taken over can't collect channels, nor the signatures that they are good for. */
static void forget_earlier(struct channels *channels, const struct keeper_grant *grant)
{
	for (size_t i = channels->count; i > 0; i--) {
		const struct keeper_grant *other = &channels->items[i - 1].grant;

		if (other->side == grant->side &&
		    strcmp(other->association, grant->association) == 0)
			channels_remove(channels, i - 1);
	}
}

void channels_add(struct channels *channels, int fd, const struct keeper_grant *grant)
{
	forget_earlier(channels, grant);
	if (channels->count == channels->room) {
		size_t room = channels->room + 64;
		struct channel *items =
			reallocarray(channels->items, room, sizeof(*items));

		if (!items) {
			log_error("no memory for a channel to association %s",
				  grant->association);
			close(fd);
			return;
		}
		channels->items = items;
		channels->room = room;
	}
	channels->items[channels->count++] =
		(struct channel){ .fd = fd, .grant = *grant };
}

static bool is_granted(const struct keeper_grant *grant, const struct signer_key_id *key)
{
	for (size_t i = 0; i < grant->key_count; i++)
		if (memcmp(&grant->keys[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

/* Why it isn't signed; NULL when it may be, with the key and the scheme. */
static const char *judge(const struct channel *channel, const struct held *held,
			 const struct signer_asked *asked, ssize_t size,
			 const struct held_key **ret_key,
			 const struct signer_scheme **ret_scheme)
{
	const struct keeper_grant *grant = &channel->grant;
	size_t head = sizeof(asked->request);
	enum signer_shape shape;

	if (channel->is_used)
		return "a second signature";
	if (size < (ssize_t)head || size > (ssize_t)sizeof(*asked))
		return "a message that is too long, or none";
	*ret_key = held_find(held, &asked->request.key);
	if (!is_granted(grant, &asked->request.key) || !*ret_key)
		return "a signature with a key that isn't its own";
	*ret_scheme = signer_scheme_of(asked->request.scheme);
	shape = signer_shape_of(grant->side, asked->message, (size_t)size - head);
	if (shape == SIGNER_SHAPE_NONE)
		return grant->side == SIGNER_SERVER
			       ? "a signature of what no TLS server signs"
			       : "a signature of what no TLS client signs";
	if (!*ret_scheme ||
	    !signer_scheme_fits(*ret_scheme, (*ret_key)->public_half, shape))
		return "a signature that TLS doesn't have for the key";
	return NULL;
}

/* A process that was taken over may have asked for what the token can't do: the key is
 * still good if it makes the signature that it made when it was read. */
static enum channel_result judge_failure(const struct channel *channel,
					 const struct held_key *key)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long error = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
	const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;

	log_error("OpenSSL made no signature for association %s%s%s%s%s",
		  channel->grant.association, reason ? ": " : "", reason ? reason : "",
		  data && data[0] ? ": " : "", data ? data : "");
	if (!key->uri || tls_token_key_signs(key->key, key->uri))
		return CHANNEL_ENDS;
	log_error("%s: the token doesn't sign any more; another keeper looks for it",
		  key->uri);
	return CHANNEL_LOST_TOKEN;
}

enum channel_result channel_serve(struct channel *channel, const struct held *held,
				  char ret_why[sizeof(((struct keeper_refusal *)0)->why)])
{
	static struct signer_asked asked;
	uint8_t signature[SIGNER_SIGNATURE_MAX];
	size_t signature_size = sizeof(signature);
	const struct signer_scheme *scheme = NULL;
	const struct held_key *key = NULL;
	const char *why;
	ssize_t size = recv(channel->fd, &asked, sizeof(asked), MSG_DONTWAIT | MSG_TRUNC);

	ret_why[0] = '\0';
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return CHANNEL_STAYS;
	if (size <= 0)
		return CHANNEL_ENDS;
	why = judge(channel, held, &asked, size, &key, &scheme);
	if (why) {
		snprintf(ret_why, sizeof(((struct keeper_refusal *)0)->why), "%s", why);
		return CHANNEL_ENDS;
	}
	channel->is_used = true;
	ERR_clear_error();
	if (!signer_scheme_sign(scheme, key->key, key->properties, asked.message,
				(size_t)size - sizeof(asked.request), signature,
				&signature_size))
		return judge_failure(channel, key);
	return send(channel->fd, signature, signature_size,
		    MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)signature_size
		       ? CHANNEL_STAYS
		       : CHANNEL_ENDS;
}
