/*
 * What a search found, for people and for programs.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "prove_search.h"

enum prove_verdict {
	PROVE_PROVED,
	PROVE_NOT_SOUND, /* the bytes are in the log, but the log doesn't hold */
	/* Their delivery is, but not who sent them: older files of the log say that. */
	PROVE_ONLY_DELIVERED,
	PROVE_OTHER_SYNTAX, /* the bytes are, but the file says another encoding */
	PROVE_OTHER_BYTES,  /* the SOP instance is in the log, with other bytes */
	PROVE_NOT_FOUND
};

enum prove_verdict prove_verdict_of(const struct prove_search *search);

void prove_print(FILE *to, const char *path, const struct prove_search *search, bool utc);
/* -1 without memory, or when it can't be written. */
MUST_USE int prove_print_json(FILE *to, const char *path,
			      const struct prove_search *search);
