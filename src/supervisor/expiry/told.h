/*
 * The file beside the audit log that remembers across restarts which ends have been told
 * of, and what others showed last. Lost, it costs a second alert; so what can't be read
 * is passed over.
 */
#pragma once

#include "supervisor/expiry/warning_list.h"

/* A file that isn't there, or isn't whole, holds the less. */
void told_read(struct warning_list *list, const char *path);
/* Replaces the file, as the scribe, since the supervisor waits for no disk. -1 is logged.
 */
MUST_USE int told_write(const struct warning_list *list, const char *path);
