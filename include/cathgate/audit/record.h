/*
 * A record of the audit log: an event, its outcome, and what is known of it.
 *
 * Every process fills records in and gives them to the auditor (client.h). The auditor
 * (auditor.h) adds a number, the time, the node, the association and its peer, and writes
 * one line of JSON for each.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/ae_title.h"
#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"
#include "cathgate/base/reason.h"
#include "cathgate/config/config.h"

enum audit_event {
	AUDIT_START,
	AUDIT_STOP,
	AUDIT_RELOAD,
	AUDIT_ASSOCIATION,
	AUDIT_INSTANCE,
	AUDIT_ALERT,
	AUDIT_CHECKPOINT, /* the auditor's own, and so is the next */
	AUDIT_RETENTION,  /* an old file of the log is removed */
	AUDIT_DELIVERY,	  /* what came of an object of the spool: a try, a verdict */
	AUDIT_EVENT_COUNT
};

enum audit_outcome {
	AUDIT_NO_OUTCOME,
	AUDIT_FORWARDED,   /* instance, delivery: the PACS took it */
	AUDIT_REFUSED,	   /* instance: policy or a limit; reload: faults; association: it
			      ended before it was accepted, whoever caused that */
	AUDIT_FAILED,	   /* instance; delivery: it may pass, and is tried again */
	AUDIT_UNCONFIRMED, /* instance, delivery: the last fragment went out, and no
			      answer came that can be believed; instance: or success was
			      recorded too late */
	AUDIT_ACCEPTED,	   /* association */
	AUDIT_RELEASED,	   /* association */
	AUDIT_ABORTED,	   /* association */
	AUDIT_DONE,	   /* reload */
	AUDIT_RAISED,	   /* alert */
	AUDIT_REMOVED,	   /* retention */
	AUDIT_SPOOLED,	   /* instance: it is durable in the spool */
	/* Of deliveries: the object stays in the spool, and no courier takes it ... */
	AUDIT_DEAD, /* ... as it was refused for good, is corrupt, or kills couriers */
	AUDIT_GIVEN_UP, /* ... as its time is over */
	AUDIT_HELD,	/* ... as an operator holds it back */
	/* An operator had it ... */
	AUDIT_DROPPED,	/* ... removed */
	AUDIT_EXPORTED, /* ... written into a file */
	AUDIT_QUEUED,	/* ... put back into the queue */
	AUDIT_OUTCOME_COUNT
};

/* As the log names it; "" for AUDIT_NO_OUTCOME. */
const char *audit_outcome_name(enum audit_outcome outcome);

#define AUDIT_ASSOCIATION_ID_SIZE 17 /* 16 hex digits */

/* How the detail of a `reload` line ends when the next one goes on. */
#define AUDIT_GOES_ON "; \u2026"

/* One record, plain memory: it crosses a socket between two processes of one program.
 * Empty text and -1 numbers are left out of the line. Text is as the peer sent it; the
 * auditor escapes it. */
struct audit_record {
	enum audit_event event;
	enum audit_outcome outcome;
	enum reason reason;
	char detail[256];
	char certificate[DIGEST_HEX_SIZE];
	char subject[256];
	/* What a peer showed in a handshake that failed: mostly not even the possession
	 * of its key is proved. */
	char shown_certificate[DIGEST_HEX_SIZE];
	char shown_subject[256];
	char tls_version[16], tls_cipher[48], tls_group[32];
	char modality[64];
	char calling_ae[AE_TITLE_MAX + 1], called_ae[AE_TITLE_MAX + 1];
	char destination[64];
	char sop_class[65], sop_instance[65], study[65];
	char patient_id[257]; /* in clear: only the auditor has the pseudonym key */
	char transfer_syntax[65];
	int64_t bytes;
	char sha256[DIGEST_HEX_SIZE];
	int32_t status;	  /* DIMSE status */
	int64_t wait_ms;  /* from the last fragment out to the PACS's answer */
	int64_t total_ms; /* from the request's first byte, but for what the gateway held
			     it back; of a delivery from the first byte out */
	/* Of a delivery: the association by which the object came, 16 hex digits, or "".
	 * The auditor writes it as the line's `association`. */
	char came_by[AUDIT_ASSOCIATION_ID_SIZE];
};

/* Whether the sender alone is to blame that the destination never had the whole instance:
 * the gateway refused it, or it broke the standard or the limit on its size. */
bool audit_record_is_in_vain(const struct audit_record *record);

/* What a log with pseudonyms holds for a patient ID (of up to 256 bytes, as the data set
 * has it but for padding), by the key in that file. -1 with what is wrong and its cure in
 * *ret_error, for a message that names the file. */
MUST_USE int audit_pseudonym(const struct config_file *key, const char *patient_id,
			     char ret[DIGEST_HEX_SIZE], const char **ret_error);

/* Empties a record: no text, every number -1. */
void audit_record_init(struct audit_record *record);

/* For a forwarded or spooled instance of which the modality was told A700 because its
 * record came too late: the record becomes `unconfirmed`, reason audit-unavailable. Other
 * records stay as they are. */
void audit_record_doubt(struct audit_record *record);
