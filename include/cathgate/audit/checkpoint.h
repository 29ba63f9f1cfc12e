/*
 * Checkpoints: what the log was at one moment, in three lines of text, signed. A copy
 * that is kept off the host shows later whether the log still begins with that.
 *
 * The text is a C2SP tlog-checkpoint: origin, size and base64 of the root, each with its
 * newline. The signature is that of a C2SP signed note: Ed25519 (RFC 8032) over the text,
 * with the origin as the key's name. One tree for each file: `size` counts the lines of
 * that file before the checkpoint's own.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/config/config.h"
#include "cathgate/base/digest.h"
#include "cathgate/audit/merkle.h"

#define CHECKPOINT_ORIGIN_SIZE	  300
#define CHECKPOINT_SIGNATURE_SIZE 93 /* base64 of 4 and 64 bytes, and a NUL */
/* A note; and the members of a line, before and after escaping. */
#define CHECKPOINT_TEXT_SIZE 1024

struct checkpoint {
	char origin[CHECKPOINT_ORIGIN_SIZE];
	uint64_t size;
	uint8_t root[DIGEST_SIZE];
	char key[DIGEST_HEX_SIZE]; /* SHA-256 of the public key's DER; "" where unknown */
	char signature[CHECKPOINT_SIGNATURE_SIZE]; /* "" when not signed */
};

/* `cathgate/NODE/FIRSTSEQ`. A key's name may hold no space and no +, so these become `-`
 * in the node, as does what isn't printable ASCII. */
void checkpoint_origin(const char *node, uint64_t first_seq,
		       char ret[CHECKPOINT_ORIGIN_SIZE]);
/* The number of the file's first line, from an origin. -1 when it is none of ours. */
MUST_USE int checkpoint_first_seq(const char *origin, uint64_t *ret);

/* Ed25519 keys, in PEM: read, they are NULL on failure, with what is wrong and its cure
 * in *ret_error, for a message that names the file. */
struct signing_key;
MUST_USE struct signing_key *signing_key_open(const struct config_file *file,
					      const char **ret_error);
void signing_key_free(struct signing_key *key);
struct verifying_key;
MUST_USE struct verifying_key *verifying_key_open(const char *path,
						  const char **ret_error);
void verifying_key_free(struct verifying_key *key);
/* SHA-256 of its DER, as in a checkpoint's `key`. */
const char *verifying_key_name(const struct verifying_key *key);

/* Makes a key pair: `path` for the private half, mode 0600, `path`.pub for the public
 * one. Overwrites nothing. -1 with what is wrong in *ret_error, and neither is left. */
MUST_USE int signing_key_make(const char *path, const char **ret_error);
/* Makes a pair in memory, which the caller overwrites afterwards (OPENSSL_cleanse,
 * explicit_bzero). -1: OpenSSL refuses, or there is no memory. */
#define SIGNING_KEY_TEXT_SIZE 256
struct signing_key_text {
	char private_half[SIGNING_KEY_TEXT_SIZE], public_half[SIGNING_KEY_TEXT_SIZE];
};
MUST_USE int signing_key_new(struct signing_key_text *ret);

/* Fills in key and signature; without a key both stay empty. -1 when OpenSSL refuses. */
MUST_USE int checkpoint_sign(struct checkpoint *checkpoint,
			     const struct signing_key *key);

enum checkpoint_verdict {
	CHECKPOINT_HOLDS,
	CHECKPOINT_UNSIGNED,
	CHECKPOINT_OTHER_KEY,
	CHECKPOINT_FORGED
};
MUST_USE enum checkpoint_verdict checkpoint_verify(const struct checkpoint *checkpoint,
						   const struct verifying_key *key);
/* The same with the public half of a pair. */
MUST_USE enum checkpoint_verdict checkpoint_verify_own(
	const struct checkpoint *checkpoint, const struct signing_key *key);

/* The signed note; without a signature just the text and its empty line. Returns its
 * length. */
size_t checkpoint_note(const struct checkpoint *checkpoint,
		       char ret[CHECKPOINT_TEXT_SIZE]);
/* Reads a note, one signature line at most. `key` is not in it. -1 when it is none. */
MUST_USE int checkpoint_read_note(const char *text, size_t size, struct checkpoint *ret);

/* The members of a line, from `,"origin":` on. Returns their length. */
size_t checkpoint_members(const struct checkpoint *checkpoint,
			  char ret[CHECKPOINT_TEXT_SIZE]);
/* Reads the members out of a whole line of a log, without its newline. -1 when the line
 * is no checkpoint or a malformed one. */
MUST_USE int checkpoint_read_line(const char *line, size_t size, struct checkpoint *ret);
