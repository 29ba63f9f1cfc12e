/*
 * The user that the gateway runs as: who must be able to read what the tool writes, and
 * as whom a configuration is proved.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <sys/types.h>

#include "cathgate/base/durable.h"

/* Where systemd 252 and later keep a running service's credentials; root may read them.
 */
#define SERVICE_CREDENTIALS "/run/credentials/cathgated.service"

struct service {
	const char *name; /* for messages; NULL: whoever runs this */
	uid_t user;	  /* -1: no change */
	gid_t group;
};

/* By names, or NULL for "cathgate" if there is one and this is root. 0, or -1 with a
 * message. */
int service_find(const char *user, const char *group, struct service *ret);

/* The gateway's keys: its own, 0600. What it reads, but can't change: 0640. What the tool
 * alone reads: 0600, and who runs it. */
struct durable_owner service_key(const struct service *service);
struct durable_owner service_file(const struct service *service);
struct durable_owner service_folder(const struct service *service);
struct durable_owner service_private(mode_t mode);

/* `cathgated --check`, as that user, silent when all is well. The exit status of the
 * check; -1 with a message when it can't be run. */
int service_check(const struct service *service, const char *config_path);

#endif
