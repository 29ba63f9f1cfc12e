/*
 * Writes a record as one line of the log, byte for byte as the format has it, and checks
 * what another process sent as a record.
 *
 * Text: valid UTF-8 passes; `"` and `\` get a backslash; each byte of anything else (what
 * is not valid UTF-8, C0, DEL, and C1 written in UTF-8) becomes \u00xx, lower-case hex.
 * So every \u00xx of a line stands for exactly one byte that came, and nothing is lost.
 */
#pragma once

#include "cathgate/audit/record.h"
#include "cathgate/base/address.h"
#include "cathgate/audit/chain.h"
#include "cathgate/audit/checkpoint.h"
#include "cathgate/base/clock.h"

/* A record with what the auditor adds to it except its place in the log. patient_id is as
 * it shall be written. */
struct record_entry {
	char time[UTC_TEXT_SIZE];
	char association[AUDIT_ASSOCIATION_ID_SIZE];
	char peer[ADDRESS_TEXT_SIZE];
	struct audit_record record;
};

/* Longest line: all text of an entry and a node's name, each byte escaped, and names; a
 * checkpoint's members, and the seal. */
#define RECORD_NODE_MAX 256
#define RECORD_LINE_MAX                                               \
	(6 * (sizeof(struct record_entry) + RECORD_NODE_MAX) + 1024 + \
	 CHECKPOINT_TEXT_SIZE + CHAIN_SEAL_SIZE)

/* Writes the line, left open for more members and chain_seal; `ret` has room for
 * RECORD_LINE_MAX bytes, and `node` at most RECORD_NODE_MAX. Returns its length. */
size_t record_write(const struct record_entry *entry, uint64_t seq, const char *node,
		    char *ret);

/* The number in a line's `seq`, the line without its newline. -1 when it is no line of an
 * audit log. */
MUST_USE int record_seq(const char *line, size_t size, uint64_t *ret);

/* Each text ends within its field, each enum is one, each number in range. */
MUST_USE bool record_is_sound(const struct audit_record *record);

/* The outcome is one that this event can have. */
bool record_outcome_fits(const struct audit_record *record);
