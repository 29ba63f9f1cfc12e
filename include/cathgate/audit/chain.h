/*
 * The log's hash chain. A line ends with `prev`, the hash of the line before it (64 zeros
 * in a chain's first line), and `hash`: SHA-256 of the line's bytes from its { up to, not
 * including, `,"hash":`. So each line vouches for all before it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

/* Where a chain has come to; all zero is a new one. */
struct chain {
	uint64_t next_seq;
	uint8_t last_hash[DIGEST_SIZE];
};

#define CHAIN_SEAL_SIZE 150 /* what chain_seal adds: both members, brace, newline */

/* Ends a line: `size` bytes from its { to the end of its last member, with room for
 * CHAIN_SEAL_SIZE more. Moves the chain on. Returns the line's new size, its newline
 * included; 0 when OpenSSL refuses, the chain then as it was. */
MUST_USE size_t chain_seal(struct chain *chain, struct digest *digest, char *line,
			   size_t size);

/* What a line says of itself, and whether its hash is that of its bytes. */
struct chain_line {
	uint64_t seq;
	uint8_t prev[DIGEST_SIZE], hash[DIGEST_SIZE];
	bool is_sound;
};

/* Reads a line, given without its newline. -1 when it hasn't the shape of one. */
MUST_USE int chain_read(struct digest *digest, const char *line, size_t size,
			struct chain_line *ret);

/* Whether a line is sound and the chain's next. */
bool chain_follows(const struct chain *chain, const struct chain_line *line);
/* The chain behind that line. */
struct chain chain_behind(const struct chain_line *line);

/* chain_read, chain_follows and chain_behind in one, and faster: moves the chain on
 * behind a line, given without its newline, if that is the next. */
MUST_USE bool chain_advance(struct chain *chain, struct digest *digest, const char *line,
			    size_t size);
