/*
 * Certificates, keys, CAs and CRLs that change on disk, atomically replaced or written in
 * place. inotify says when to look; each file itself says whether it has changed. A
 * change without an event, as on a network file system, is noticed within a minute. Files
 * that belong together never change at once, so for a while they may not fit. What isn't
 * valid yet is read once more when it is.
 */
#pragma once

#include "supervisor/settings/settings.h"

struct watch;
/* Takes the place of `*watch`, which may be NULL, for the files of these settings. 0, or
 * -1 without memory. */
MUST_USE int watch_renew(struct watch **watch, const struct settings *settings);
void watch_free(struct watch *watch);

/* The descriptor to poll; -1 when there is none. */
int watch_descriptor(const struct watch *watch);
/* In how many milliseconds watch_maintain wants its next turn. */
int64_t watch_wait_ms(const struct watch *watch);
void watch_heard(struct watch *watch);

/* Whether files have changed, and the settings are to be read from them now. */
MUST_USE bool watch_maintain(struct watch *watch);
/* Whether somebody must be told should they not fit now: they had their time. */
bool watch_is_last_try(const struct watch *watch);
/* They don't fit: they are tried again for a while, unless that was the last try. */
void watch_refused(struct watch *watch, bool was_last_try);
