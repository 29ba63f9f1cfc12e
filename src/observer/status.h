/*
 * The answer to `cathgate status`: one JSON object.
 */
#pragma once

#include "snapshot.h"
#include "tally.h"

/* The caller frees it; NULL without memory. */
char *status_compose(const struct config *config, const struct snapshot *snapshot,
		     const struct tally *tally);
