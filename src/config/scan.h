/*
 * What libconfig 1.5 doesn't tell about a text that it has taken: how each number was
 * written (it wraps those over 32 bits), on which line each element of a list stands (it
 * names that of the token behind), and comments and strings that never end.
 *
 * The same text is read once more into its values, in the order of libconfig's tree. It
 * is read before too, for what libconfig can't bear: it ends the process where an
 * @include names a folder, and waits for ever at a FIFO.
 */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

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
	bool proving;	    /* before libconfig: values don't matter yet */
	struct arena arena; /* holds the values; scan_clear */
	struct scan_value *values;
	size_t count, room;
};

/* Whether libconfig may read the text and all that it includes: 0, or -1 with a fault.
 * What is wrong otherwise libconfig says itself. */
MUST_USE int scan_prove(struct scan *scan);

/* Reads the text that libconfig took and hangs each value on its setting: the settings'
 * hooks then lead into scan->values. 0, or -1 with a fault. */
MUST_USE int scan_attach(struct scan *scan, config_setting_t *root);
void scan_clear(struct scan *scan);

/* The file to show for one of libconfig's: an included one with its folder. */
const char *scan_file_shown(struct arena *arena, const char *path, const char *folder,
			    const char *file);

#endif
