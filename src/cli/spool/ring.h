/*
 * The spool's private keys, in this process alone, and what they open.
 */
#pragma once

#include <stddef.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/spool/sealed.h"
#include "cli/kit/options.h"

#define RING_KEYS_MAX 8

struct ring {
	struct evp_pkey_st *keys[RING_KEYS_MAX];
	struct spool_public publics[RING_KEYS_MAX];
	size_t count;
	/* Those that an object may be for, where its name doesn't say: kept. */
	const char **destinations;
	size_t destination_count;
};

/* Reads the keys of these files; without any, those of the configuration (NULL: none).
 * One that can't be read is said, and left out. -1 after saying so when none can. */
MUST_USE int ring_open(struct ring *ring, const struct config *config,
		       const struct options_texts *files);
void ring_close(struct ring *ring);
/* Also this one is tried for an object whose destination isn't known. */
void ring_add_destination(struct ring *ring, const char *destination);

/* Opens the metadata of the object in that file, which stays the caller's, and is for
 * that destination ("": any that is known). NULL; or why it can't be. */
const char *ring_unlock(const struct ring *ring, int fd, const char *destination,
			struct spool_opener **ret, struct spool_metadata *ret_metadata);
/* Why an object can't be read. */
const char *ring_why(enum spool_fault fault);
