/*
 * The configuration, and all that is made of it: TLS contexts, addresses, faults. It is
 * made and freed as a whole. A process that is forked with one set keeps its copy, so the
 * supervisor can free its own at once when another comes into force.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cathgate/association/association.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/tls/tls.h"

#define NOWHERE SIZE_MAX /* the index of what isn't there */

struct settings {
	struct config *config;
	bool shares_config;	      /* with other settings, which free it */
	struct timespec read_at;      /* before the first file was */
	struct tls_context **servers; /* one a listener; NULL: plain */
	struct tls_context **clients; /* one a destination; NULL: plain */
	struct net_addresses *addresses;
	struct config_faults faults;
};

/* Reads and checks all of it: 0, or -1 with the faults told. While `running` (may be
 * NULL) serve: without a path, only the files that the configuration in force names. */
MUST_USE int settings_load(struct settings *settings, const char *config_path,
			   const struct settings *running);
void settings_free(struct settings *settings);
/* Frees the TLS contexts; in a process that was forked with them, too. Their private keys
 * are overwritten. */
void settings_forget_keys(struct settings *settings);

/* Prints the faults, errors first. With `check`, calendar faults are errors. */
void settings_print(const struct settings *settings, bool check);
/* Prints all but those that `before` had as well, unless they are errors. */
void settings_print_new(const struct settings *settings, const struct settings *before);
/* Whether that fault stands in the settings too. */
bool settings_have_fault(const struct settings *settings,
			 const struct config_fault *fault);

/* Where something of one configuration stands in another; NOWHERE when it doesn't. */
size_t settings_find_modality(const struct config *config, const char *name);
size_t settings_find_destination(const struct config *config, const char *name);
size_t settings_find_listen(const struct config *config, const struct config *from,
			    size_t entry);

/* What differs between two settings, in words: one text each. */
struct changes {
	char **items;
	size_t count;
};

/* The caller clears the list. */
void changes_list(const struct settings *before, const struct settings *now,
		  struct changes *ret);
void changes_add(struct changes *changes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void changes_clear(struct changes *changes);

/*
 * Certificates, keys, CAs and CRLs that change on disk, atomically replaced or written in
 * place. inotify says when to look; each file itself says whether it has changed. A
 * change without an event, as on a network file system, is noticed within a minute. Files
 * that belong together never change at once, so for a while they may not fit. What isn't
 * valid yet is read once more when it is.
 */
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
