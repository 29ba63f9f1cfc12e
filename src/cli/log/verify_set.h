/*
 * The files of a log that are verified together, in the order of their lines, and the
 * checkpoints that they are held against: the .checkpoint beside each, and any other.
 */
#pragma once

#include "cathgate/audit/log_verify.h"
#include "cathgate/base/must_use.h"

struct verify_file {
	char *path;
	int fd;
	uint64_t size;
	bool has_first; /* its first line is one */
	struct chain_line first;
	bool is_after_failure; /* its first line is the alert with which the log goes on
				  after a failed sync */
	bool is_scanned;
	struct log_verify_file scan;
	/* Behind the place from which the next file goes on stand lines, or what is left
	 * of some, that were never acknowledged. */
	bool has_unacknowledged;
	uint64_t unacknowledged;
};

struct verify_note {
	char *path;
	bool is_beside; /* found, not asked for */
	struct checkpoint checkpoint;
	const struct verify_file *file; /* the one it is of; NULL: not given */
};

struct verify_set {
	struct verify_file *files;
	size_t count;
	struct verify_note *notes;
	size_t note_count;
	const struct verifying_key **keys;
	size_t key_count;
	/* What came of it: the file or note that does not hold, and why. */
	const char *faulty;
	const struct verify_file *faulty_file; /* NULL: a note, or the set as a whole */
	struct log_verify_fault fault;
	uint64_t lines, bytes, checkpoints, lines_behind_checkpoint;
	struct chain head;
};

/* All return 0; -1 after saying on standard error what is wrong with the environment. A
 * file that is not there is 1, and nothing said. */
MUST_USE int verify_set_add_file(struct verify_set *set, const char *path);
MUST_USE int verify_set_add_note(struct verify_set *set, const char *path,
				 bool is_beside);
MUST_USE int verify_set_add_key(struct verify_set *set, const char *path);
/* Looks for the notes beside the files, and sorts these. */
MUST_USE int verify_set_complete(struct verify_set *set);
/* Whether every path still names the file that was opened: no rotation came between. */
bool verify_set_is_current(const struct verify_set *set);
/* How much there is to read. */
uint64_t verify_set_bytes(const struct verify_set *set);
/* set->fault says whether it holds. */
MUST_USE int verify_set_run(struct verify_set *set,
			    void (*progress)(void *context, uint64_t bytes),
			    void *context);
void verify_set_close(struct verify_set *set);
