/*
 * The configuration, and all that is made of it: TLS contexts, addresses, faults. It is
 * made and freed as a whole. Other processes have copies, so the supervisor can free its
 * own at once when another set comes into force.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "cathgate/association/association.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/spool/key.h"
#include "cathgate/tls/tls.h"

#define NOWHERE SIZE_MAX /* the index of what isn't there */

struct settings {
	struct config *config;
	bool shares_config;	      /* with other settings, which free it */
	struct timespec read_at;      /* before the first file was */
	struct tls_context **servers; /* one a listener; NULL: plain */
	struct tls_context **clients; /* one a destination; NULL: plain */
	struct net_addresses *addresses;
	struct spool_public spool; /* the key that objects are sealed to, if any are */
	uint8_t spool_keys[SPOOL_KEYS_MAX][SPOOL_KEY_ID_SIZE]; /* of all its keys */
	struct config_faults faults;
};

/* Reads and checks all of it: 0, or -1 with the faults told. While `running` (may be
 * NULL) serve: without a path, only the files that the configuration in force names.
 * `keys` NULL: private keys are read into this process, as for a check. */
MUST_USE int settings_load(struct settings *settings, const char *config_path,
			   const struct settings *running, const struct tls_keys *keys);
void settings_free(struct settings *settings);

/* The spool's part of that: its keys and its folder. */
void settings_load_spool(struct settings *settings, const struct tls_keys *keys);

/* Packs the TLS contexts for the forker. 0 or -1. */
MUST_USE int settings_pack_tls(const struct settings *settings, FILE *to);
/* Fills both arrays, of which each has room for all of the configuration; NULL stays
 * where there is no TLS. 0; or -1, and they may be filled in part. */
MUST_USE int settings_take_tls(const struct config *config, const uint8_t *bytes,
			       size_t size, struct tls_context **servers,
			       struct tls_context **clients);

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
