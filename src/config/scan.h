/*
 * What libconfig 1.5 doesn't tell: how each number was written (libconfig wraps numbers
 * over 32 bits), on which line an element of a list stands (libconfig gives the line of
 * the next token), and comments and strings that never end.
 *
 * scan_attach reads the text again after libconfig, into values in the order of
 * libconfig's tree. scan_prove reads it before, since libconfig ends the process where an
 * @include names a folder, and waits for ever at a FIFO.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <libconfig.h>

#include "arena.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

enum scan_kind { SCAN_NUMBER, SCAN_STRING, SCAN_BOOLEAN };

struct scan_value {
	enum scan_kind kind;
	const char *file; /* as shown to people */
	int line;
	const char *text; /* of a number */
};

struct scan {
	struct config_faults *faults;
	const char *path;   /* of the configuration, as given */
	const char *folder; /* absolute; @include starts there */
	bool proving;	    /* in scan_prove, which takes no values */
	struct arena arena; /* of the values */
	struct scan_value *values;
	size_t count, room;
};

/* Whether libconfig may read the text and all that it includes: 0, or -1 with a fault.
 * Faults of syntax are left to libconfig. */
MUST_USE int scan_prove(struct scan *scan);

/* Reads the text that libconfig has read, and sets the hook of each setting to its value
 * in scan->values. 0, or -1 with a fault. */
MUST_USE int scan_attach(struct scan *scan, config_setting_t *root);
void scan_clear(struct scan *scan);

/* The name to show for one of libconfig's files: included ones get their folder. */
const char *scan_file_shown(struct arena *arena, const char *path, const char *folder,
			    const char *file);
