/*
 * The supervisor's parts, and the files that see to more than one of them:
 *
 *   server.c    acquire in order, one event loop, stop
 *   roles.c     every process that the supervisor starts
 *   reload.c    other settings come into force, or don't
 *   manager.c   the service manager's watchdog, and the status that it shows
 *   snapshot.c  what the observer is told, and what is counted for it
 */
#pragma once

#include "cathgate/base/histogram.h"
#include "supervisor/expiry/warnings.h"
#include "supervisor/gate/gate.h"

/* All processes but associations. */
enum roles_helper {
	ROLES_AUDITOR,
	ROLES_RESOLVER,
	ROLES_EXPORTER,
	ROLES_OBSERVER,
	ROLES_SCRIBE,
	ROLES_COUNT
};

/*
 * What the service manager hears all the time (sd_notify(3)). The watchdog is fed by the
 * auditor's answers: the loop that accepts asks, and the loop that writes answers, so
 * that neither can hang unseen. A disk that is full or fails is an answer; so is an
 * auditor that has died, since another is started.
 */
struct manager {
	int64_t ask_every_ms; /* the auditor, whether it is alive */
	bool has_watchdog;
	bool is_answered; /* the last question, by the auditor */
	int64_t asked_ms; /* when that was */
	int64_t fed_ms;
	bool disk_waits; /* and so the auditor doesn't answer */
	int64_t status_ms;
	char status[200];
};

/* What the observer is told once a second, in a memory file, so that nobody waits and a
 * snapshot is whole or not there. */
struct snapshot {
	unsigned told; /* the observer's generation that was, last */
	int64_t tell_ms;
	struct histogram handshake, first_byte, sync;
	struct histogram sync_told; /* by the present auditor */
};

struct server {
	const char *config_path;
	struct settings settings;
	struct config *first_config; /* what can't change is that of the start */
	bool reload_wanted;
	struct watch *watch;

	struct role_parent parent;
	struct helper helpers[ROLES_COUNT];
	struct auditing auditing;
	struct resolver resolver;
	bool exports, exports_to_journal;

	struct gate gate;
	struct warnings warnings;
	struct manager manager;
	struct snapshot snapshot;

	time_t started;
	int64_t started_us; /* clock_us() */
	bool is_ready, is_stopping;
	int64_t kill_ms; /* when stopping: associations that are left then are killed */
};

/* Makes the helpers ready to be started, and gives each to its part of the server. */
void roles_init(struct server *server);
/* Decides whether there is anybody to export to, once and for all. */
void roles_decide_export(struct server *server);

void manager_begin(struct manager *manager);
/* The auditor has answered the question. */
void manager_auditor_answered(struct manager *manager, const struct auditing *auditing);
void manager_maintain(struct server *server);

/* What an association says now, after what it said before. Figures that can't be are not
 * taken. */
void snapshot_add_association(struct snapshot *snapshot,
			      struct association_figures *before,
			      const struct association_figures *now);
void snapshot_add_sync(struct snapshot *snapshot, const struct histogram *sync);
void snapshot_maintain(struct server *server);

/* A reload: all is read and checked as at start, then in force at once, or not at all.
 * The files are small and local, and reading them takes milliseconds; nothing else here
 * can hold the supervisor up. A signal asks for it. */
void reload_all(struct server *server);
/* Reads certificates, keys and CRLs anew once they have changed on disk. */
void reload_maintain(struct server *server);
/* Raises an alert for each calendar fault that `before` (may be NULL) had not. */
void reload_raise_alerts(const struct server *server, const struct settings *before);
