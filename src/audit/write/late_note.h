/*
 * Writes the notes of rotated files that a full disk or a crash has kept from being
 * written: each from its file's last line, if that is a checkpoint and holds.
 */
#pragma once

#include "audit/format/log_names.h"

/* `path`: the live file's, which begins with `live_seq`. With a `key`, which may be NULL,
 * only what it signed is written. A note that its file's last checkpoint doesn't go on
 * from stays: it shows that the file was changed. So does that of a file of which the
 * next one took lines back, after a failed sync. What can't be written now is left to the
 * next start. */
void late_note_make_good(const char *path, const struct log_rotated *rotated,
			 size_t count, uint64_t live_seq, const struct signing_key *key);
