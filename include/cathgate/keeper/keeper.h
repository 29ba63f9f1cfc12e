/*
 * The keeper: the one process that holds the private keys of TLS. It reads them when it
 * is told to, shuts itself in, and then signs for associations, each over a channel that
 * is good for one signature of one side of a handshake (signer/channel.h).
 *
 * Promises: no private key leaves the process but to its successor, over a channel of the
 * two that the supervisor gives them. It signs only what a TLS handshake of that side has
 * signed, with a key that the channel is for, and hashes and pads by itself. Any other
 * request closes the channel, and the supervisor is told. It takes one request of each
 * channel in a turn, so that many can't hold up one. When its control channel closes, it
 * serves until the last channel is closed, and ends.
 *
 * The supervisor speaks with it over the control channel. The functions that wait for an
 * answer do so for KEEPER_ANSWER_MS at most.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/audit/record.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"
#include "cathgate/signer/channel.h"

#define KEEPER_ANSWER_MS 10000

/* The process: returns its exit status. All that it needs comes by the channel. It enters
 * the sandbox, which reaches no file, when it is told to serve. */
MUST_USE int keeper_run(int control, const struct sandbox_program *sandbox);

/*
 * The supervisor's side.
 */

enum keeper_answer {
	KEEPER_YES,
	KEEPER_NO,
	KEEPER_SILENT /* it is gone, or doesn't answer: the caller ends it */
};

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */
struct spool_public;

/* Before it serves: has it read the file and hold its key. KEEPER_YES with the public
 * half, which the caller frees. Its faults are added whatever the answer. */
MUST_USE enum keeper_answer keeper_load(int control, const struct config_file *file,
					struct evp_pkey_st **ret,
					struct config_faults *faults);
/* Of a key of the spool's, which it doesn't hold. KEEPER_YES with the public half, of
 * suite 0 where the key is of another kind. */
MUST_USE enum keeper_answer keeper_judge(int control, const struct config_file *file,
					 struct spool_public *ret,
					 struct config_faults *faults);
/* Has `from`, which serves, hand the key over to `to`, which doesn't yet. */
MUST_USE enum keeper_answer keeper_hand_over(int from, int to,
					     const struct signer_key_id *key);
/* From here on it reads no file. */
MUST_USE enum keeper_answer keeper_serve(int control);

/* What a channel is good for. */
struct keeper_grant {
	char association[AUDIT_ASSOCIATION_ID_SIZE];
	enum signer_side side;
	struct signer_key_id keys[CONFIG_PAIRS_MAX]; /* one of these */
	size_t key_count;
};

/* Whether it takes another grant now, without waiting. */
bool keeper_listens(int control);
/* Makes a channel, never waiting: the other end, or -1 with errno. */
MUST_USE int keeper_open(int control, const struct keeper_grant *grant);

/* Asks whether it is alive, never waiting. */
void keeper_ping(int control);

/* What it refused to sign, and for whom. */
struct keeper_refusal {
	char association[AUDIT_ASSOCIATION_ID_SIZE];
	char why[120]; /* "a second signature" */
};

enum keeper_word {
	KEEPER_NOTHING, /* now */
	KEEPER_ALIVE,
	KEEPER_REFUSED, /* with *ret */
	KEEPER_GONE
};

/* What one that serves says by itself, never waiting. */
MUST_USE enum keeper_word keeper_hear(int control, struct keeper_refusal *ret);
