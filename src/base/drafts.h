/*
 * The hidden names of drafts (cathgate/base/durable.h). A process keeps its draft locked,
 * so a draft that isn't locked was left by a process that was killed.
 */
#pragma once

#define DRAFTS_PREFIX ".cathgate-draft-"

/* Removes such drafts, except those that another user could have put there. */
void drafts_remove_stale(int folder);
