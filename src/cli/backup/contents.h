/*
 * What a backup holds, as a tar archive within the sealed file:
 *
 *	manifest.json		whose and when
 *	etc/…			of the machine's /etc, see contents_places
 *	credentials/NAME	keys that the machine encrypts, in clear; only where asked
 *for log/…			the audit log's folder; only where asked for
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

#define CONTENTS_MANIFEST    "manifest.json"
#define CONTENTS_LOG	     "log"
#define CONTENTS_CREDENTIALS "credentials"
#define CONTENTS_STORE	     "etc/credstore.encrypted"
#define CONTENTS_SITE	     "etc/cathgate"
#define CONTENTS_UNITS	     "etc/systemd/system"

struct contents_place {
	const char *path; /* without the slash at the front; kept */
	/* A unit's change is in force just by being there: where the backup hasn't it,
	 * the restored gateway must not have it either. */
	bool is_unit;
};

/* All that may be in a backup but credentials, the gateway's own folder last. */
extern const struct contents_place contents_places[];
extern const size_t contents_place_count;

struct contents_manifest {
	const char *gateway, *made, *version; /* kept, as all texts here */
	const char *group; /* whose the configuration is; "" where it is root's */
	const char *log;   /* the path of audit.jsonl; "" where it isn't in it */
};
MUST_USE int contents_write_manifest(int folder,
				     const struct contents_manifest *manifest);
/* -1 with a message. */
MUST_USE int contents_read_manifest(int folder, struct contents_manifest *ret);

/* The names of the credentials that a configuration asks systemd for, and the paths of
 * the files that it names and no backup holds, since they lie elsewhere. The lists end
 * with NULL, and are kept. */
const char **contents_credentials(const struct config *config);
const char **contents_elsewhere(const struct config *config);
