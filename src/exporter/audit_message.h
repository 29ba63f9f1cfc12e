/*
 * One DICOM audit message (PS3.15 A.5) as one syslog message (RFC 5424, PS3.15 A.6): the
 * parts in the order in which the schema of A.5.1 wants them. The names and codes of the
 * parts are here; messages.c, alerts.c and transfers.c decide which line of the log
 * becomes which message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* Receivers must take 32768 octets (PS3.15 A.6). Longer messages than this are split. */
#define AUDIT_MESSAGE_SPLIT 24576

struct audit_code {
	const char *value, *system, *text;
};

/* CID 400 to 403 of PS3.16, as far as they are used. */
extern const struct audit_code AUDIT_APPLICATION_ACTIVITY, AUDIT_LOG_USED,
	AUDIT_BEGIN_TRANSFERRING, AUDIT_INSTANCES_TRANSFERRED, AUDIT_NETWORK_ENTRY,
	AUDIT_SECURITY_ALERT;
extern const struct audit_code AUDIT_APPLICATION_START, AUDIT_APPLICATION_STOP,
	AUDIT_ATTACH, AUDIT_DETACH, AUDIT_NODE_AUTHENTICATION,
	AUDIT_SECURITY_CONFIGURATION, AUDIT_SOFTWARE_CONFIGURATION,
	AUDIT_RESTRICTED_FUNCTION, AUDIT_RECORDING_STOPPED;
/* A type of our own within Audit Log Used. */
extern const struct audit_code AUDIT_CHECKPOINT;
extern const struct audit_code AUDIT_ROLE_APPLICATION, AUDIT_ROLE_DESTINATION,
	AUDIT_ROLE_SOURCE;
extern const struct audit_code AUDIT_ID_STUDY, AUDIT_ID_PATIENT, AUDIT_ID_NODE,
	AUDIT_ID_URI;

enum audit_severity { /* EventOutcomeIndicator */
		      AUDIT_SUCCESS = 0,
		      AUDIT_MINOR = 4,
		      AUDIT_SERIOUS = 8,
		      AUDIT_MAJOR = 12
};

struct audit_event {
	const struct audit_code *id, *type; /* type: NULL for none */
	char action;
	enum audit_severity outcome;
	const char *time;	 /* with its zone */
	const char *description; /* NULL or "" for none */
};

/* For the syslog header, and for the part about the event's reporter. */
struct audit_source {
	const char *time;  /* as the log has it */
	const char *node;  /* the gateway's name */
	const char *group; /* PROCID: whose messages belong together; "" for none */
};

struct audit_participant {
	const char *user_id;
	const char *ae_titles; /* separated by semicolons; NULL or "" for none */
	bool is_requestor;
	const struct audit_code *role; /* NULL for none */
	const char *address;	       /* NULL or "" for none */
};

struct audit_object {
	const char *id;
	char type;	  /* ParticipantObjectTypeCode: '1' person, '2' system object */
	const char *role; /* ParticipantObjectTypeCodeRole */
	const struct audit_code *id_type;
	const char *name;		  /* never a person's */
	const char *detail_type, *detail; /* type NULL for none; in clear */
};

/* Writes the syslog header, the XML declaration and the event. */
void audit_message_open(struct text *to, const struct audit_source *source,
			const struct audit_event *event);
/* One or more, then audit_message_source, then objects. */
void audit_message_participant(struct text *to,
			       const struct audit_participant *participant);
void audit_message_source(struct text *to, const struct audit_source *source);
void audit_message_object(struct text *to, const struct audit_object *object);

/* The audit log itself, by the URI of its file. Detail as in struct audit_object. */
void audit_message_log(struct text *to, const char *path, const char *detail_type,
		       const char *detail);

/* A study as an object, with any number of SOP classes between these two. */
void audit_message_study_open(struct text *to, const char *study);
void audit_message_sop_class(struct text *to, const char *sop_class, uint64_t count);
void audit_message_study_close(struct text *to, bool is_encrypted);

/* Ends the XML. The caller adds the newline that ends the message in its file. */
void audit_message_close(struct text *to);
