/*
 * The keeper's files:
 *
 *   keeper.c   the process: its loop, what the supervisor says
 *   channels.c the channels, and what may be signed over each
 *   held.c     the keys
 *   client.c   the supervisor's side
 */
#pragma once

#include <openssl/evp.h>
#include <stdint.h>

#include "cathgate/keeper/keeper.h"

/* What the supervisor and the keeper say to each other, one datagram each. */
enum message_kind {
	/* supervisor to keeper */
	MESSAGE_LOAD,  /* bytes: the path of the file, or the URI of a key in a token */
	MESSAGE_JUDGE, /* likewise, of the spool's key, which isn't held */
	MESSAGE_TAKE,  /* `key`, from its predecessor, by a channel that comes along */
	MESSAGE_GIVE,  /* `key`, to its successor, by a channel that comes along */
	MESSAGE_SERVE, /* it reads no file any more */
	MESSAGE_PING,
	MESSAGE_GRANT, /* bytes: struct keeper_grant; a channel comes along */
	/* keeper to supervisor */
	/* bytes: the public half (of a judged one: struct spool_public), then the faults
	 */
	MESSAGE_LOADED,
	MESSAGE_TAKEN, /* it has the key, if `is_good` */
	MESSAGE_SERVES,
	MESSAGE_ALIVE,
	MESSAGE_REFUSED /* bytes: struct keeper_refusal */
};

#define MESSAGE_BYTES_MAX 49152

struct message {
	enum message_kind kind;
	/* No bools: any bytes may come. */
	uint8_t is_good, is_credential, is_in_token;
	uint32_t key_size; /* of LOADED: its faults stand behind so many bytes. Each is a
			      byte, its enum config_fault_kind, and a text with its NUL */
	struct signer_key_id key;
	uint8_t bytes[MESSAGE_BYTES_MAX]; /* as many as are needed are sent */
};

#define MESSAGE_HEAD_SIZE offsetof(struct message, bytes)

/* The keys that are held. */
struct held {
	struct held_key {
		EVP_PKEY *key;	       /* signs */
		EVP_PKEY *public_half; /* OpenSSL's own, whosever `key` is */
		struct signer_key_id id;
		char *uri; /* of a key in a token; NULL: the key is in memory */
		const char *properties; /* of its provider, for OpenSSL; NULL likewise */
	} * items;
	size_t count;
};

/* What came of a request. */
enum channel_result {
	CHANNEL_STAYS,	   /* there was none yet, or it got its signature */
	CHANNEL_ENDS,	   /* the channel is to be closed */
	CHANNEL_LOST_TOKEN /* likewise; the token doesn't sign any more */
};

/* Takes the key over. `uri` is that of a key in a token, or NULL. 0, or -1 without
 * memory, and then it is freed. */
MUST_USE int held_add(struct held *held, EVP_PKEY *key, const char *uri,
		      struct signer_key_id *ret_id);
/* NULL where it isn't held. */
const struct held_key *held_find(const struct held *held, const struct signer_key_id *id);
bool held_has_token(const struct held *held);
/* Sends a key, or the URI of one in a token, over a channel to the successor; or takes
 * one from the predecessor. */
MUST_USE int held_give(const struct held *held, const struct signer_key_id *id,
		       int channel);
MUST_USE int held_take(struct held *held, const struct signer_key_id *id, int channel);
void held_clear(struct held *held);

struct channel {
	int fd;
	struct keeper_grant grant;
	bool is_used;
};

struct channels {
	struct channel *items;
	size_t count, room;
};

/* Takes the descriptor over, also where there is no memory for it. */
void channels_add(struct channels *channels, int fd, const struct keeper_grant *grant);
/* One request, if one has come. ret_why[0] != '\0' where it was refused. */
MUST_USE enum channel_result channel_serve(
	struct channel *channel, const struct held *held,
	char ret_why[sizeof(((struct keeper_refusal *)0)->why)]);
void channels_remove(struct channels *channels, size_t at);
