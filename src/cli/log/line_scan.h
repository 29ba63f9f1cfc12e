/*
 * What some members of a line say, in one pass over its bytes: some ten times as fast as
 * members_read (cathgate/audit/members.h). It takes lines as the auditor writes them and
 * answers as members_text and members_number would. All other lines, sound or not, are
 * left to members_read, among them those with a NUL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

enum line_scan_member {
	LINE_SCAN_TIME,
	LINE_SCAN_EVENT,
	LINE_SCAN_OUTCOME,
	LINE_SCAN_REASON,
	LINE_SCAN_ASSOCIATION,
	LINE_SCAN_MODALITY,
	LINE_SCAN_SOP_INSTANCE,
	LINE_SCAN_STUDY,
	LINE_SCAN_PATIENT,
	LINE_SCAN_TEXTS,
	LINE_SCAN_BYTES = LINE_SCAN_TEXTS,
	LINE_SCAN_TOTAL_MS,
	LINE_SCAN_MEMBERS
};

struct line_scan {
	/* "" and -1 where the line has no such member, or one of another kind. */
	const char *texts[LINE_SCAN_TEXTS];
	int64_t numbers[LINE_SCAN_MEMBERS - LINE_SCAN_TEXTS];
	/* The texts themselves. */
	char *buffer;
	size_t room;
	/* The members from `association` up to `sop_instance` of an earlier line. The
	 * lines of one association have them in common, and comparing them is faster than
	 * reading them. */
	struct {
		char *bytes;
		size_t size, room; /* 0: none yet */
		char *association, *modality;
	} run;
};

/* False: the line is to be parsed, or memory is short. What the texts point to is valid
 * until the next call. */
MUST_USE bool line_scan(struct line_scan *scan, const char *line, size_t size);
void line_scan_free(struct line_scan *scan);
