/*
 * The observer shows the gateway to the outside. It counts the lines of the audit log as
 * they come, and the supervisor tells it the rest once a second. It writes metrics in the
 * text format of node_exporter's textfile collector, and answers `cathgate status` on a
 * socket.
 *
 * Promises: the observer holds no key and decides nothing; whatever becomes of it, no
 * other process is affected. Counters begin at 0 with each observer, as Prometheus
 * expects of a restart. The file of the metrics is replaced as a whole, every 15 seconds
 * and at the end, then with cathgate_up 0. No client of the socket can hold anything up:
 * each gets its answer as a descriptor, and the observer waits for none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cathgate/base/address.h"
#include "cathgate/association/association.h"
#include "cathgate/audit/record.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"
#include "cathgate/spool/spooler.h"
#include "cathgate/base/histogram.h"
#include "cathgate/observer/alerter.h"

#define OBSERVER_CONTROL_USUAL "/run/cathgate/control"
#define OBSERVER_FINISH_MS     2000

/* So many days before its end a certificate, or a CRL, is a problem, and a critical one.
 * CRLs are often issued anew each week only. */
#define OBSERVER_CERTIFICATE_DAYS     14
#define OBSERVER_CERTIFICATE_BAD_DAYS 3
#define OBSERVER_CRL_DAYS	      3
#define OBSERVER_CRL_BAD_DAYS	      1

/* So many seconds of waiting make an object in the spool a problem, and half of the time
 * after which it is given up (spool.give_up_hours) a critical one. */
#define OBSERVER_SPOOL_SECONDS 900

/*
 * What the supervisor tells: a memory file with this head, and then the associations, the
 * ends, what is in the spool for each destination (struct spooler_figures), and the names
 * of modalities and of destinations, passed over its socket (SOCK_SEQPACKET) with one
 * byte.
 */

/* What came of a reload. Who asks for one compares the time at which it began with that
 * of the question. */
struct observer_verdict {
	int64_t began_us; /* clock_us(); 0: there was none */
	int64_t began;	  /* a time_t */
	bool is_refused;
	uint32_t error_count;
	char text[1024]; /* the first error, or what has changed */
};

/* The spool as a whole. */
struct observer_spool {
	bool is_there; /* there is one: the configuration has a key for it */
	bool is_full;
	uint32_t give_up_hours;
	int64_t missing_seconds; /* how long spooler or spool keeper haven't been there */
	/* Bytes: in it, in it at most, free on its disk; UINT64_MAX: not yet known. */
	uint64_t used, most, room;
	uint32_t strangers; /* files in its folder that no key names */
};

struct observer_head {
	int64_t started;    /* a time_t */
	int64_t started_us; /* clock_us() then */
	int64_t pid;
	bool is_ready, is_stopping, is_auditor_ready, is_keeper_ready, is_log_stuck;
	bool log_lacks_room;	      /* refusals are only counted */
	char lacks_landlock[256];     /* what keeps it from the processes; "": nothing */
	uint32_t handshaking, placed; /* connections now */
	uint64_t handshakes;	      /* that ended well */
	uint64_t turned_away;	      /* at accept, by a limit */
	struct alerter_totals alerts;
	/* Of the last reload that was asked for; of files that have changed since, by
	 * themselves. */
	struct observer_verdict verdict, files;
	struct histogram handshake;  /* from accept until the certificate is proved */
	struct histogram first_byte; /* of a C-STORE: from its first byte in until out */
	struct histogram sync;	     /* of the audit log to its disk */
	struct observer_spool spool;
	uint32_t association_count, end_count, spool_count, modality_count,
		destination_count;
};

struct observer_association {
	char id[AUDIT_ASSOCIATION_ID_SIZE];
	char modality[ASSOCIATION_NAME_SIZE], destination[ASSOCIATION_NAME_SIZE];
	char peer[ADDRESS_TEXT_SIZE];
	int64_t since; /* a time_t */
	struct association_figures figures;
};

enum observer_owner { OBSERVER_OWN, OBSERVER_MODALITY, OBSERVER_DESTINATION };

struct observer_end {
	enum observer_owner owner;
	bool is_crl;
	char name[512]; /* for OBSERVER_OWN file and subject, else the entry's */
	int64_t until;	/* a time_t */
};

struct observer_name {
	char text[ASSOCIATION_NAME_SIZE];
};

/* The size of a whole snapshot with that head. */
size_t observer_snapshot_size(const struct observer_head *head);

/* Whether something on disk is refused, and what was in force before stays: all that
 * tells of it agrees by this. */
static inline bool observer_is_refusing(const struct observer_head *head)
{
	return head->verdict.is_refused || head->files.is_refused;
}

/* Whether there is anywhere to show something: a file is configured, or a socket is, or
 * the usual socket's folder exists. */
bool observer_is_wanted(const struct config *config);

/* Warns if the metrics can't be written: for --check. All else works without them. */
void observer_check(const struct config *config, struct config_faults *faults);

/* Works until the supervisor's socket closes. The gateway started at
 * `started_utc_us` (clock_utc_us()). Returns the exit status of its process. */
MUST_USE int observer_run(int supervisor, const struct config *config,
			  int64_t started_utc_us, const struct sandbox_program *sandbox);
