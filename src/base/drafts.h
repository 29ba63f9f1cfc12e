/*
 * The hidden names of files that are being written (cathgate/durable.h). Whoever writes
 * one has it locked, so that what nobody has locked is left of a process that was killed.
 */
#ifndef CATHGATE_BASE_DRAFTS_H
#define CATHGATE_BASE_DRAFTS_H

#define DRAFTS_PREFIX ".cathgate-draft-"

/* Those that were left in that folder, but none that others could have given the name. */
void drafts_remove_stale(int folder);

#endif
