/*
 * Verifies files of an audit log: the hash of each line, the chain through lines and
 * files, each checkpoint's root, size and signature, and checkpoints kept elsewhere.
 *
 * Promises: one pass in constant memory, whatever the file holds. The first place that
 * doesn't hold is named, with what was done there as precisely as the bytes around it
 * tell. Reads only and takes no lock: a file may be appended to meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/audit/chain.h"
#include "cathgate/audit/checkpoint.h"
#include "cathgate/base/clock.h"
#include "cathgate/audit/merkle.h"

/* A longer line is none of an audit log. */
#define LOG_VERIFY_LINE_MAX 262144

enum log_verify_kind {
	LOG_VERIFY_NO_FAULT,
	LOG_VERIFY_TORN, /* bytes behind the last newline: a write that broke off, or a
			    last line that was changed */
	LOG_VERIFY_EDITED,
	LOG_VERIFY_MISSING,
	LOG_VERIFY_INSERTED,
	LOG_VERIFY_REPEATED,
	LOG_VERIFY_REORDERED,
	LOG_VERIFY_TRUNCATED,  /* fewer lines than a checkpoint covers */
	LOG_VERIFY_NEW_CHAIN,  /* begins anew at 0 where it should go on */
	LOG_VERIFY_FOREIGN,    /* no line of an audit log */
	LOG_VERIFY_CHECKPOINT, /* its root, size or origin isn't that of its file */
	LOG_VERIFY_UNSIGNED,
	LOG_VERIFY_OTHER_KEY,
	LOG_VERIFY_FORGED
};

/* As messages and JSON name it: "edited", "other-key"; "" for no fault. */
const char *log_verify_kind_name(enum log_verify_kind kind);

struct log_verify_fault {
	enum log_verify_kind kind;
	uint64_t line;	 /* in its file, from 1; one behind the last for what is missing
			    there */
	uint64_t offset; /* of that line's first byte */
	bool has_seq;
	uint64_t seq; /* what stands, or should stand, there */
	/* Whether any sound line (chain_line.is_sound, newline and all) comes at or
	 * behind the scan's end. If none does, a crash may have done it. */
	bool is_sound_behind;
	/* LOG_VERIFY_TORN: the bytes are the chain's next line, but for its newline. */
	bool lacks_newline_only;
	char why[400]; /* a clause: "its bytes are not those that were hashed; …" */
};

struct log_verify_options {
	const struct chain *from; /* what the first line must continue; NULL: whatever it
				     says (number 0 begins a chain in any case) */
	/* One of them must have signed each checkpoint; none: no signature is checked. */
	const struct verifying_key *const *keys;
	size_t key_count;
	/* lines_behind_own counts from this key's last checkpoint; NULL: any key's. */
	const struct signing_key *own;
	/* Checkpoints of this file, kept elsewhere, whose signatures the caller checks
	 * (log_verify_signature). The line of each must be there as well. */
	const struct checkpoint *checkpoints;
	size_t checkpoint_count;
	/* Where another file claims to go on from this one; or NULL. */
	const struct chain *fork;
	/* How long to wait for the end of a line that another process is writing. */
	int patience_ms;
	/* Called now and then with the bytes read since the last call; or NULL. */
	void (*progress)(void *context, uint64_t bytes);
	void *context;
};

/* What a file holds, up to its first fault. */
struct log_verify_file {
	uint64_t lines;	      /* good ones */
	uint64_t size;	      /* their bytes: the offset behind the last good line */
	uint64_t last_offset; /* of the last good line's first byte */
	uint64_t first_seq;   /* of the first line, where lines > 0 */
	char first_time[UTC_TEXT_SIZE], last_time[UTC_TEXT_SIZE];
	struct chain chain; /* behind the last good line; as `from` where there is none */
	struct merkle tree; /* of the good lines */
	uint64_t checkpoints;		   /* lines that are checkpoints, and hold */
	struct checkpoint last_checkpoint; /* where checkpoints > 0 */
	uint64_t lines_behind_checkpoint;  /* good ones behind the last checkpoint line;
					      0: it is the last line (checkpoints > 0) */
	uint64_t lines_behind_own; /* the same behind the last that options.own signed;
				      all, where it signed none */
	bool has_fork;		   /* a line of this file is the one at options.fork */
	uint64_t lines_before_fork, checkpoints_before_fork;
	struct log_verify_fault fault;
};

/* Which of the keys signed it: LOG_VERIFY_NO_FAULT, or what is wrong. */
enum log_verify_kind log_verify_signature(const struct checkpoint *checkpoint,
					  const struct verifying_key *const *keys,
					  size_t key_count);

/* Scans one file from its first byte, whatever the descriptor's position. 0 when it was
 * read through or up to a fault; -1 with errno when it can't be read (EISDIR for a
 * directory), or OpenSSL or the memory fails. */
MUST_USE int log_verify_scan(int fd, const struct log_verify_options *options,
			     struct log_verify_file *ret);
