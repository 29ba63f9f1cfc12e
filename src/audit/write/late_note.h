/*
 * The notes of rotated files that a full disk, or a crash, kept from being written: each
 * is made good from its file's last line, where that is a checkpoint and holds.
 */
#ifndef AUDIT_LATE_NOTE_H
#define AUDIT_LATE_NOTE_H

#include "audit/format/log_names.h"

/* `path`: the live file's, which begins with `live_seq`; `key` may be NULL. Only what our
 * key signed is made good where there is one, and only what goes on from the note that is
 * there: another says that the file was changed, and stays. A file that the next one
 * takes lines back of, after a failed sync, is left as it is. What hinders it is left to
 * the next start. */
void late_note_make_good(const char *path, const struct log_rotated *rotated,
			 size_t count, uint64_t live_seq, const struct signing_key *key);

#endif
