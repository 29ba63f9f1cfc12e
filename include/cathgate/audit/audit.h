/*
 * The audit log: one process, the auditor, writes it; every other process tells it what
 * happened over a line of its own and waits, where it must, until that is durable.
 *
 * Promises: a record's line is on disk (fdatasync) before audit_submit returns 0; lines
 * are only ever appended, whole, each chained to the one before; an instance or
 * association whose process dies without a last word is recorded by the auditor itself; a
 * record that could not be written is kept and written when the disk recovers, but never
 * reported durable. What an auditor finds at its start is read whole and judged: a torn
 * end, or a log that somebody changed, is moved aside and told of, never dropped. A file
 * whose sync failed, or that somebody else moved or changed, is followed by a new one, in
 * which the chain goes on. Signed checkpoints come as configured, and at start, stop and
 * rotation; the note of the last one stands beside the log. Rotated files are removed
 * only whole, covered by a checkpoint, and with a line that says so; their notes stay.
 *
 * A process that its peer has taken over can write under no other name than the
 * association was accepted with, and raises no alerts. It can still lie about its own
 * instances, and whoever takes it over before it is accepted chooses the name. Nothing
 * here keeps somebody who has the signing key, or may write to the log without one, from
 * making it anew; checkpoints kept off the host show that.
 */
#ifndef CATHGATE_AUDIT_H
#define CATHGATE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/address.h"
#include "cathgate/base/ae_title.h"
#include "cathgate/config/config.h"
#include "cathgate/base/digest.h"
#include "cathgate/base/histogram.h"
#include "cathgate/base/reason.h"

#ifdef __cplusplus
extern "C" {
#endif

enum audit_event {
	AUDIT_START,
	AUDIT_STOP,
	AUDIT_RELOAD,
	AUDIT_ASSOCIATION,
	AUDIT_INSTANCE,
	AUDIT_ALERT,
	AUDIT_CHECKPOINT, /* the auditor's own, and so is the next */
	AUDIT_RETENTION,  /* an old file of the log is removed */
	AUDIT_EVENT_COUNT
};

enum audit_outcome {
	AUDIT_NO_OUTCOME,
	AUDIT_FORWARDED,   /* instance: the PACS took it */
	AUDIT_REFUSED,	   /* instance, association: policy or a limit; reload: faults */
	AUDIT_FAILED,	   /* instance */
	AUDIT_UNCONFIRMED, /* instance: the last fragment went out, no answer came */
	AUDIT_ACCEPTED,	   /* association */
	AUDIT_RELEASED,	   /* association */
	AUDIT_ABORTED,	   /* association */
	AUDIT_DONE,	   /* reload */
	AUDIT_RAISED,	   /* alert */
	AUDIT_REMOVED,	   /* retention */
	AUDIT_OUTCOME_COUNT
};

/* The word that the log uses; "" for AUDIT_NO_OUTCOME. */
const char *audit_outcome_name(enum audit_outcome outcome);

#define AUDIT_ASSOCIATION_ID_SIZE 17 /* 16 hex digits */

/* How the detail of a `reload` line ends when the next one goes on. */
#define AUDIT_GOES_ON "; \u2026"

/* One record, plain memory: it crosses a socket between two processes of one program.
 * Empty text and -1 numbers are left out of the line. Text is as the peer sent it; the
 * writer makes it safe. seq, time, node, association and peer are the auditor's to add.
 */
struct audit_record {
	enum audit_event event;
	enum audit_outcome outcome;
	enum reason reason;
	char detail[256];
	char certificate[DIGEST_HEX_SIZE];
	char subject[256];
	char tls_version[16], tls_cipher[48], tls_group[32];
	char modality[64];
	char calling_ae[AE_TITLE_MAX + 1], called_ae[AE_TITLE_MAX + 1];
	char destination[64];
	char sop_class[65], sop_instance[65], study[65];
	char patient_id[257]; /* in clear, to the auditor only, which holds the key */
	char transfer_syntax[65];
	int64_t bytes;
	char sha256[DIGEST_HEX_SIZE];
	int32_t status; /* DIMSE status */
	int64_t wait_ms, total_ms;
};

/* An instance that the gateway itself refused, or that broke the standard or the limit on
 * its size: the destination never had the whole, and that is the sender's doing. */
bool audit_record_is_in_vain(const struct audit_record *record);

/* What a log with pseudonyms holds for a patient ID (of up to 256 bytes, as the data set
 * has it but for padding), by the key in that file. -1 with what is wrong and its cure in
 * *ret_error, for a message that names the file. */
int audit_pseudonym(const struct config_file *key, const char *patient_id,
		    char ret[DIGEST_HEX_SIZE], const char **ret_error);

/* Empties a record: no text, every number -1. */
void audit_record_init(struct audit_record *record);

/* The modality of a forwarded instance was told A700 after all, because its record came
 * too late: the record becomes `unconfirmed`, reason audit-unavailable. Other records
 * stay as they are. */
void audit_record_doubt(struct audit_record *record);

/*
 * A line to the auditor, held by one association.
 */

/* What the auditor's predecessor had recorded of the association, with outcome accepted;
 * or what there was to record so far, with no outcome, while it is still being admitted.
 * Not waited for, and no line is written of it: its last words will be complete should
 * this process die. Only as the first message on a line. */
int audit_announce(int line, const struct audit_record *association);
/* What begins: not waited for. From here on the auditor writes the instance's line itself
 * if this process dies. */
int audit_begin(int line, const struct audit_record *instance);
/* The last fragment is about to go out: from here on such a death is `unconfirmed`. */
int audit_last_fragment(int line);
/* What came of it: waits at most `timeout_ms` until it is durable. 0; or -1: not known to
 * be durable, nothing may be acknowledged; errno then is ENOSPC when the auditor keeps
 * the record until the log takes it (don't submit it again), ETIMEDOUT when it has not
 * answered yet, and anything else when the auditor is gone. 1: a refusal like
 * many of the last minute, which is only counted; a summary will tell. An instance's
 * record ends what audit_begin began; an association's record with any outcome but
 * accepted is its last word. Once one is accepted (or announced so), what that record
 * says of certificate, subject, TLS, modality, AE titles and destination stands in all
 * later ones, whatever they say. Whoever breaks these rules (an instance begun within
 * another, anything after the last word, an alert) loses the line, and an alert says so.
 */
int audit_submit(int line, const struct audit_record *record, int timeout_ms);

/*
 * The supervisor's end of the auditor's control socket (SOCK_SEQPACKET). Nothing here
 * waits.
 */

/* Gives the auditor its end of a new line, for the association with that id and peer, and
 * returns the other end; -1 with errno, EAGAIN when the auditor doesn't keep up. */
int audit_channel_open(int control, const char *association, const char *peer);
/* The same for an association that an earlier auditor, which has died, knew: if its
 * process ends without having said anything on the line, not even audit_announce, none is
 * written, for there is nothing to tell.
 *
 * An association that has a line to this auditor already goes on with the new one: the
 * old is closed without last words, what it said before stays known and its limits stay
 * used up; it may announce once more, and begin the instance in hand once more. One whose
 * last line to this auditor has ended, unless in such silence, gets none: the new line
 * closes at once (the latest 4096 such associations are remembered). */
int audit_channel_renew(int control, const char *association, const char *peer);
/* Tells the auditor why the process on that line is about to be ended by us. */
int audit_channel_ending(int control, const char *association, enum reason reason);
/* A record of the supervisor's own (start, stop, reload, alert, a refused association
 * that never had a process). `peer` may be NULL. -1 with errno, EAGAIN as above. */
int audit_tell(int control, const char *peer, const struct audit_record *record);

/* Asks whether the auditor's loop still turns: it answers AUDIT_ALIVE, also while the
 * disk is full. -1 with errno, EAGAIN as above. */
int audit_ping(int control);

/* What the auditor sends back on the control socket: one byte. */
enum audit_reply {
	AUDIT_READY = 'R',
	AUDIT_FULL = 'F',
	AUDIT_WELL = 'W',
	AUDIT_SHORT_OF_ROOM = 'L', /* what is refused is only counted ... */
	AUDIT_ROOM = 'M',	   /* ... and is recorded again */
	AUDIT_ALIVE = 'A'
};

/* Or this, now and then: how long the log's way to the disk took, since it began. */
struct audit_figures {
	struct histogram sync;
};

/*
 * The auditor itself.
 */

/* Opens the log (locked; waits up to 5 s for another's lock) and reads its live file
 * whole, says AUDIT_READY, and works until the control socket and every line have closed.
 * Returns the exit status of the process: 0; or 1, logged with its cure, when the log,
 * the pseudonym key or the signing key can't be opened, or when records were left
 * unwritten.
 *
 * What was found at opening is told in the detail of the first record if that is `start`,
 * else in an alert before it; of a broken log an alert tells in any case. Signals that
 * ask a process to end are ignored. */
int auditor_run(int control, const struct config *config);

/* What is wrong with audit.file and the keys, for --check and start. The signing key is
 * read by a process of its own, none of which is left for associations to inherit. */
void audit_check(const struct config_audit *audit, struct config_faults *faults);

#ifdef __cplusplus
}
#endif

#endif
