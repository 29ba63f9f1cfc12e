/*
 * A hidden folder of root's (cli/site/staging_tree.h) in which a command prepares what it
 * will put elsewhere. What a killed run has left there, the next one removes.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"

struct hidden {
	int parent, folder; /* -1: there is none */
	const char *parent_path, *name, *path;
};

#define HIDDEN_NONE ((struct hidden){ .parent = -1, .folder = -1 })

/* Makes one, mode 0700, in that folder. -1 with a message. */
MUST_USE int hidden_open(struct hidden *hidden, const char *parent);
/* Removes it with all in it. Nothing for HIDDEN_NONE. */
void hidden_close(struct hidden *hidden);
