/*
 * The user that cathgated runs as: it must be able to read what the tool writes, and a
 * configuration is proved as that user.
 */
#pragma once

#include <sys/types.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/must_use.h"

struct daemon_user {
	const char *name; /* for messages; NULL: the user who runs the tool */
	uid_t uid;	  /* -1: files keep the user who made them */
	gid_t gid;	  /* -1 likewise */
};

/* By names; `user` NULL: "cathgate", where there is one and this is root. -1 with a
 * message. */
MUST_USE int daemon_user_find(const char *user, const char *group,
			      struct daemon_user *ret);

/* A key of the gateway's: its user's own, 0600. A file and a folder that the gateway
 * reads, but can't change: 0640 and 2750, so that what root makes there belongs to the
 * gateway's group. What the tool alone reads belongs to its
 * user. */
struct durable_owner daemon_user_key(const struct daemon_user *user);
struct durable_owner daemon_user_file(const struct daemon_user *user);
struct durable_owner daemon_user_folder(const struct daemon_user *user);
struct durable_owner daemon_user_none(mode_t mode);

/* `cathgated --check` as that user, silent when all is well. The exit status of the
 * check; -1 with a message when it can't be run. */
MUST_USE int daemon_user_check(const struct daemon_user *user, const char *config_path);
