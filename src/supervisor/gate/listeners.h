/*
 * The listening sockets, our own and systemd's. Those that systemd passes stay open with
 * it while the gateway restarts, and a reload keeps those whose place stays, so that no
 * connection that waits there is lost.
 */
#pragma once

#include "cathgate/config/config.h"
#include "cathgate/base/must_use.h"

struct listener {
	int fd;
	size_t entry; /* of config.listen; one entry may have several of systemd's */
};

struct listeners {
	struct listener *items;
	size_t count;
	/* What systemd passed stays open to the end, whether or not a listener has it. */
	char **passed_names;
	size_t passed_count;
};

/* Takes over what systemd has passed; before anything else is opened. */
MUST_USE int listeners_take_passed(struct listeners *listeners);
/* Opens one for each listen entry, or gives it those passed under its name; -1, with the
 * cure logged. A passed socket that no entry wants is a fault too. */
MUST_USE int listeners_open(struct listeners *listeners, const struct config *config);
void listeners_close(struct listeners *listeners);

/* Those of the next configuration: open ones are kept, new ones bound. NULL when one
 * can't be, with the fault added. */
MUST_USE struct listener *listeners_renew(const struct listeners *listeners,
					  const struct config *now,
					  const struct config *next, size_t *ret_count,
					  struct config_faults *faults);
/* Closes what listeners_renew has bound. */
void listeners_forget(const struct listeners *listeners, struct listener *next,
		      size_t count);
/* Puts them, of that configuration, in the place of the present ones, and closes those
 * that are gone. */
void listeners_replace(struct listeners *listeners, const struct config *config,
		       struct listener *next, size_t count);
