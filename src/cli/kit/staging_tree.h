/*
 * The hidden folders of staging.h: made, and removed with all that is in them.
 */
#pragma once

#include <dirent.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/must_use.h"

/* Makes and locks one in `parent`; *ret_name is kept. The descriptor; -1 with errno. */
MUST_USE int staging_tree_make(int parent, const struct durable_owner *owner,
			       const char **ret_name);

/* Lists an open folder from its beginning; the descriptor stays open. NULL on failure. */
MUST_USE DIR *staging_tree_list(int folder);

/* Removes it with all in it. `folder` is its descriptor. */
void staging_tree_remove(int parent, const char *name, int folder);

/* Removes what killed runs have left in `parent`, which messages call `shown`. */
void staging_tree_remove_stale(int parent, const char *shown);
