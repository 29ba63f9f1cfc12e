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
	MESSAGE_LOAD,  /* bytes: the path of the file */
	MESSAGE_TAKE,  /* `key`, from its predecessor, by a channel that comes along */
	MESSAGE_GIVE,  /* `key`, to its successor, by a channel that comes along */
	MESSAGE_SERVE, /* it reads no file any more */
	MESSAGE_PING,
	MESSAGE_GRANT, /* bytes: struct keeper_grant; a channel comes along */
	/* keeper to supervisor */
	MESSAGE_LOADED, /* bytes: the public half, then the faults */
	MESSAGE_TAKEN,	/* it has the key, if `is_good` */
	MESSAGE_SERVES,
	MESSAGE_ALIVE,
	MESSAGE_REFUSED /* bytes: struct keeper_refusal */
};

#define MESSAGE_BYTES_MAX 49152

struct message {
	enum message_kind kind;
	bool is_good;
	bool is_credential;
	uint32_t key_size; /* of LOADED: its faults stand behind so many bytes. Each is a
			      byte, its enum config_fault_kind, and a text with its NUL */
	struct signer_key_id key;
	uint8_t bytes[MESSAGE_BYTES_MAX]; /* as many as are needed are sent */
};

#define MESSAGE_HEAD_SIZE offsetof(struct message, bytes)

/* The keys that are held. */
struct held {
	struct held_key {
		EVP_PKEY *key;
		struct signer_key_id id;
	} * items;
	size_t count;
};

/* Takes the key over. 0, or -1 without memory, and then it is freed. */
MUST_USE int held_add(struct held *held, EVP_PKEY *key, struct signer_key_id *ret_id);
/* NULL where it isn't held. */
EVP_PKEY *held_find(const struct held *held, const struct signer_key_id *id);
/* Sends a key over a channel to the successor, or takes one from the predecessor. */
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
/* One request, if one has come. False when the channel is to be closed; with
 * ret_why[0] != '\0' where it was refused. */
MUST_USE bool channel_serve(struct channel *channel, const struct held *held,
			    char ret_why[sizeof(((struct keeper_refusal *)0)->why)]);
void channels_remove(struct channels *channels, size_t at);
