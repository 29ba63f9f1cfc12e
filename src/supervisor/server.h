/*
 * The supervisor's parts, and the files that see to more than one of them:
 *
 *   server.c    acquire in order, one event loop, stop
 *   turn.c      one turn of it
 *   roles.c     every process that the supervisor starts
 *   sandboxes.c what each of them may do, and what is told of one that did else
 *   reload.c    other settings come into force, or don't
 *   manager.c   the service manager's watchdog, and the status that it shows
 *   snapshot.c  what the observer is told, and what is counted for it
 */
#pragma once

#include "cathgate/sandbox/sandbox.h"
#include "supervisor/expiry/warnings.h"
#include "supervisor/gate/gate.h"
#include "supervisor/helpers/forking.h"
#include "supervisor/helpers/keeping.h"
#include "supervisor/helpers/resolver.h"
#include "supervisor/helpers/spooling.h"
#include "supervisor/manager.h"
#include "supervisor/settings/watch.h"
#include "supervisor/snapshot.h"

/* All processes but associations, which the forker forks. */
enum roles_helper {
	ROLES_AUDITOR,
	ROLES_KEEPER,
	ROLES_RESOLVER,
	ROLES_DIALLER,
	ROLES_FORKER,
	ROLES_UNWRAPPER,
	ROLES_SPOOLER,
	ROLES_EXPORTER,
	ROLES_OBSERVER,
	ROLES_ALERTER,
	ROLES_SCRIBE,
	ROLES_COUNT
};

#define SANDBOXES_HOW_SIZE   128
#define SANDBOXES_ALERT_SIZE 200
#define SANDBOXES_UNTOLD     16

struct sandboxes {
	struct sandbox_program *own; /* the supervisor's */
	char lacks_landlock[256];    /* and why; "": nothing lacks */
	struct sandbox_deaths deaths;
	char untold[SANDBOXES_UNTOLD][SANDBOXES_ALERT_SIZE]; /* alerts, the first first */
	size_t untold_count;
};

struct server {
	const char *config_path;
	struct settings settings;
	struct config *first_config; /* what can't change is that of the start */
	bool reload_wanted;
	struct watch *watch;

	struct role_parent parent;
	struct sandboxes sandboxes;
	struct helper helpers[ROLES_COUNT];
	struct auditing auditing;
	struct keeping keeping;
	struct resolver resolver;
	struct forking forking;
	struct spooling spooling;
	bool exports, exports_to_journal;

	struct gate gate;
	struct warnings warnings;
	struct manager manager;
	struct snapshot snapshot;

	int64_t started_us;	/* clock_us() */
	int64_t started_utc_us; /* clock_utc_us() */
	bool is_ready, is_stopping;
	bool has_accepted; /* in the last turn, if anybody waited and could be */
	int64_t kill_ms;   /* when stopping: associations that are left then are killed */
};

/* Waits for a tick at most, and takes whatever is ready. */
void turn_take(struct server *server);

/* Makes the helpers ready to be started, and gives each to its part of the server. */
void roles_init(struct server *server);
/* Decides whether there is anybody to export to, once and for all. */
void roles_decide_export(struct server *server);

/* Opens the pipe for the deaths of processes that are started from here on. 0; or -1,
 * logged. */
MUST_USE int sandboxes_open(struct server *server);
/* Makes the supervisor's own sandbox. 0; or -1, logged. */
MUST_USE int sandboxes_prepare(struct sandboxes *sandboxes);
void sandboxes_free(struct sandboxes *sandboxes);
/* A process has been reaped, and is still known: says how it ended, as in "died of signal
 * 11"; "" when in order. If its sandbox ended it, the log and an alert say so, too. */
void sandboxes_judge(struct server *server, pid_t pid, int status,
		     char ret[SANDBOXES_HOW_SIZE]);
/* Tells the auditor of alerts that it hasn't heard yet. */
void sandboxes_tell(struct server *server);

/* The first settings, whose private keys the first keeper reads. 0, or the exit status.
 */
MUST_USE int reload_first(struct server *server);
/* Other settings can come into force now: there is an auditor to record it, and those
 * that have waited for a forker since the last reload were accepted. */
bool reload_is_possible(const struct server *server);
/* A reload: all is read and checked as at start, then in force at once, or not at all.
 * The files are small and local, and reading them takes milliseconds; nothing else here
 * can hold the supervisor up. A signal asks for it. */
void reload_all(struct server *server);
/* Reads certificates, keys and CRLs anew once they have changed on disk. */
void reload_maintain(struct server *server);
/* Raises an alert for each calendar fault that `before` (may be NULL) had not. */
void reload_raise_alerts(const struct server *server, const struct settings *before);
