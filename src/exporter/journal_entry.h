/*
 * One line of the audit log as an entry for the journal: a sentence that a person reads,
 * and each member as a field.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <sys/uio.h>

#include "cathgate/base/must_use.h"

#define JOURNAL_ENTRY_FIELDS 64 /* a line has some 30 members */

struct journal_entry {
	struct iovec fields[JOURNAL_ENTRY_FIELDS]; /* NAME=value, each its own memory */
	size_t count;
};

/* `text` is the line itself, without its newline, and `line` what it says. 0; -1 without
 * memory, *ret then empty. */
MUST_USE int journal_entry_make(const char *text, size_t size, const json_t *line,
				struct journal_entry *ret);
void journal_entry_clear(struct journal_entry *entry);
