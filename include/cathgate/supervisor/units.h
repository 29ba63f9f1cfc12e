/*
 * What systemd knows of the gateway's units, asked by systemctl: as whom the service
 * runs, which sockets it is passed, and whether these could be opened. Drop-ins count,
 * since systemd has read them. Where no systemd runs, nothing is known.
 */
#pragma once

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

#define UNITS_SERVICE	 "cathgated.service"
#define UNITS_SOCKET	 "cathgated.socket"
#define UNITS_USER_USUAL "cathgate"
/* Where systemd keeps the credentials of the service while it runs. */
#define UNITS_CREDENTIALS "/run/credentials/" UNITS_SERVICE

struct units_socket {
	char *unit;	/* "cathgated.socket" */
	char *name;	/* its FileDescriptorName= */
	char *listens;	/* "[::]:2762"; several with ", " between */
	bool is_passed; /* when the service starts */
	bool has_failed;
};

struct units {
	bool is_known;
	char *user;	   /* User=, "" for root */
	char *group;	   /* Group=, "" for the user's own */
	char *groups;	   /* SupplementaryGroups=, with spaces between */
	char *state;	   /* ActiveState, as "active" */
	bool starts_again; /* it has ended, and systemd waits to start it again */
	pid_t main_pid;	   /* 0: none runs */
	struct units_socket *sockets;
	size_t count;
};

/* Whether the service runs with that configuration. */
bool units_have_config(const char *path);

/* Whether systemd has started this process, or one that it comes from, for the service:
 * by its control group. */
bool units_have_this_process(void);

/* Lets the configuration's credentials be those of the service, while it runs and systemd
 * keeps them. They are those of its start. */
void units_lend_credentials(void);

/* The caller clears it, also where nothing is known. */
void units_ask(struct units *ret);
void units_clear(struct units *units);

/* The same from what `systemctl show` has printed of the service and of the sockets. */
void units_parse(const char *service, const char *sockets, struct units *ret);

/* As whom the service runs; NULL when that isn't known, or there is no such user. Valid
 * until the next question for a user. */
const struct passwd *units_owner(const struct units *units);

/* The socket of that name, NULL without one. */
const struct units_socket *units_find(const struct units *units, const char *name);

/* Adds a fault for each listener whose socket no unit passes, and for each socket that no
 * listener asks for: with either, the service doesn't start. */
void units_check(const struct units *units, const struct config *config,
		 struct config_faults *faults);

/* Why the service may not run, and what to do; NULL when nothing is known to be wrong.
 * The caller frees it. */
MUST_USE char *units_trouble(const struct units *units);
