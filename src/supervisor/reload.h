/*
 * A reload: all is read and checked as at start, then in force at once, or not at all.
 * The files are small and local, and reading them takes milliseconds; nothing else here
 * can hold the supervisor up.
 */
#pragma once

#include "supervisor/server.h"

/* A signal asks for it: all is read anew. */
void reload_all(struct server *server);
/* Reads certificates, keys and CRLs anew once they have changed on disk. */
void reload_maintain(struct server *server);
/* Raises an alert for each fault of the calendar's that `before` (may be NULL) had not.
 */
void reload_raise_alerts(const struct server *server, const struct settings *before);
