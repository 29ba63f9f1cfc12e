/*
 * Opens what is to be verified: files that were named, or the configuration's log with
 * its rotated files, as they stand together at one moment.
 */
#pragma once

#include "cli/kit/options.h"
#include "verify_set.h"

struct verify_sources {
	const char *config; /* NULL: the installed one */
	char **files;
	size_t file_count; /* 0: the configuration's log */
	struct options_texts keys, notes;
};

/* 0; -1 after saying what is wrong, the set then to be closed as well. */
MUST_USE int verify_open(struct verify_set *set, const struct verify_sources *sources);
