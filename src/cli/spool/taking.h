/*
 * Objects that a command opens one by one: from the spooler, or from files, as of a copy
 * of the spool's folder, for which no gateway has to run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"
#include "cathgate/spool/sealed.h"
#include "cli/kit/options.h"
#include "reach.h"
#include "selection.h"

struct taken {
	const char *name;	       /* its number; or its file's path */
	const struct spool_item *item; /* NULL: it is from a file */
	/* NULL where it doesn't open: `why` says why not. */
	struct spool_opener *opener;
	struct spool_metadata metadata;
	const char *why;
};

struct taking {
	const char *config;
	struct options_texts keys; /* instead of those of the configuration */
	struct selection selection;
	bool are_files; /* the operands are: paths */
	bool is_yes;
	bool may_be_gone;   /* what is delivered, or on its way, is as it should be */
	bool must_be_given; /* without operands and selection nothing is taken */
	uint32_t states;    /* that are taken where none is asked for; a bit for each */
	const char *asks; /* "Drop", to ask before; NULL: only where a selection is ... */
	const char *asks_selected; /* ... given; NULL: not even then */
	const char *behind;	   /* that question's end: " for good" */
	/* Does it. False ends all. Counts what failed in `failed`, after saying why. */
	bool (*take)(struct taking *taking, const struct reach *reach,
		     struct taken *taken);
	size_t done, failed;
};

#define TAKING_KEY_ROWS(request, field)                                         \
	OPTIONS_ROW("file", NULL, OPTIONS_FLAG, request, field.are_files),      \
		OPTIONS_ROW("key", "FILE", OPTIONS_TEXTS, request, field.keys), \
		OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, request, field.config)

/* The exit status. */
MUST_USE int taking_run(struct taking *taking, char *const *operands, size_t count);

/* Complains about the object, and counts it. Returns true. */
bool taking_fail(struct taking *taking, const struct taken *taken, const char *why);

/* Has the spooler do that to an object of its. 0; or an errno, of which reach_why and
 * reach_is_lost know. `note` (may be NULL): what for. */
MUST_USE int taking_ask(const struct reach *reach, const struct taken *taken,
			enum spool_operation operation, const char *note);
