/*
 * Lines of a log that holds, with what proves each without the others. A line is proved
 * by the exported line behind it, whose `prev` is its hash; or by a Merkle proof (RFC
 * 6962 2.1.1) that leads to the last checkpoint in its file. All goes into a new folder,
 * with a page and a script by which an auditor verifies it who has nothing of ours.
 *
 * A file's lines are read once more after they were verified. What was changed between
 * the two is noticed.
 */
#pragma once

#include <stdio.h>

#include "cli/kit/staging.h"
#include "line_filter.h"
#include "verify_set.h"

/* The page and the script. */
extern const char export_readme[], export_verify[];

struct export
{
	const struct line_filter *filter;
	const struct staging *staging;
	FILE *lines, *proofs, *unproved; /* NULL until there is one of them */
	/* Lines under no checkpoint of their file, one behind the other: the line that
	 * comes next may prove them. */
	struct {
		FILE *file; /* in memory */
		char *text;
		size_t size;
		uint64_t count, last_seq;
	} held;
	uint64_t proved_count, unproved_count, checkpoint_count;
	uint64_t last_seq; /* of the proved ones */
	bool has_gaps;	   /* between their numbers */
};

/* Writes the lines that fit, their proofs and checkpoints into the staging folder. The
 * set was verified (verify_set_run) with keys. 0; -1 after saying what is wrong. */
MUST_USE int export_lines(struct export *export, const struct verify_set *set);
