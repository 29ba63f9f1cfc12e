#include "audit_message.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#define DCM(name, value, text) const struct audit_code name = { value, "DCM", text }

DCM(AUDIT_APPLICATION_ACTIVITY, "110100", "Application Activity");
DCM(AUDIT_LOG_USED, "110101", "Audit Log Used");
DCM(AUDIT_BEGIN_TRANSFERRING, "110102", "Begin Transferring DICOM Instances");
DCM(AUDIT_INSTANCES_TRANSFERRED, "110104", "DICOM Instances Transferred");
DCM(AUDIT_NETWORK_ENTRY, "110108", "Network Entry");
DCM(AUDIT_SECURITY_ALERT, "110113", "Security Alert");

DCM(AUDIT_APPLICATION_START, "110120", "Application Start");
DCM(AUDIT_APPLICATION_STOP, "110121", "Application Stop");
DCM(AUDIT_ATTACH, "110124", "Attach");
DCM(AUDIT_DETACH, "110125", "Detach");
DCM(AUDIT_NODE_AUTHENTICATION, "110126", "Node Authentication");
DCM(AUDIT_SECURITY_CONFIGURATION, "110129", "Security Configuration");
DCM(AUDIT_SOFTWARE_CONFIGURATION, "110131", "Software Configuration");
DCM(AUDIT_RESTRICTED_FUNCTION, "110132", "Use of Restricted Function");
DCM(AUDIT_RECORDING_STOPPED, "110133", "Audit Recording Stopped");
const struct audit_code AUDIT_CHECKPOINT = { "checkpoint", "99CATHGATE",
					     "Audit Log Checkpoint" };

DCM(AUDIT_ROLE_APPLICATION, "110150", "Application");
DCM(AUDIT_ROLE_DESTINATION, "110152", "Destination Role ID");
DCM(AUDIT_ROLE_SOURCE, "110153", "Source Role ID");

DCM(AUDIT_ID_STUDY, "110180", "Study Instance UID");
DCM(AUDIT_ID_NODE, "110182", "Node ID");
const struct audit_code AUDIT_ID_PATIENT = { "2", "RFC-3881", "Patient Number" };
const struct audit_code AUDIT_ID_URI = { "12", "RFC-3881", "URI" };

static bool is_given(const char *value)
{
	return value && value[0];
}

static void put_attribute(struct text *to, const char *name, const char *value)
{
	text_put(to, " ");
	text_put(to, name);
	text_put(to, "=\"");
	text_put_xml(to, value);
	text_put(to, "\"");
}

static void put_code(struct text *to, const char *element, const struct audit_code *code)
{
	text_put(to, "<");
	text_put(to, element);
	put_attribute(to, "csd-code", code->value);
	put_attribute(to, "codeSystemName", code->system);
	put_attribute(to, "originalText", code->text);
	text_put(to, "/>");
}

/* Facility 10, severity 5 (notice); 4 (warning) for what did not go well. */
static void put_header(struct text *to, const struct audit_source *source, bool is_good)
{
	text_put(to, is_good ? "<85>1 " : "<84>1 ");
	text_put(to, is_given(source->time) ? source->time : "-");
	text_put(to, " ");
	text_put_host(to, source->node);
	text_put(to, " cathgated ");
	text_put(to, is_given(source->group) ? source->group : "-");
	text_put(to, " IHE+RFC-3881 - ");
}

void audit_message_open(struct text *to, const struct audit_source *source,
			const struct audit_event *event)
{
	put_header(to, source, event->outcome == AUDIT_SUCCESS);
	text_put(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><AuditMessage>"
		     "<EventIdentification EventActionCode=\"");
	text_add(to, &event->action, 1);
	text_put(to, "\"");
	put_attribute(to, "EventDateTime", event->time);
	text_put(to, " EventOutcomeIndicator=\"");
	text_put_number(to, (uint64_t)event->outcome);
	text_put(to, "\">");
	put_code(to, "EventID", event->id);
	if (event->type)
		put_code(to, "EventTypeCode", event->type);
	if (is_given(event->description)) {
		text_put(to, "<EventOutcomeDescription>");
		text_put_xml(to, event->description);
		text_put(to, "</EventOutcomeDescription>");
	}
	text_put(to, "</EventIdentification>");
}

static bool is_numeric(const char *address)
{
	struct in6_addr room;

	return inet_pton(AF_INET, address, &room) == 1 ||
	       inet_pton(AF_INET6, address, &room) == 1;
}

void audit_message_participant(struct text *to,
			       const struct audit_participant *participant)
{
	text_put(to, "<ActiveParticipant");
	put_attribute(to, "UserID", participant->user_id);
	if (is_given(participant->ae_titles)) {
		text_put(to, " AlternativeUserID=\"AETITLES=");
		text_put_xml(to, participant->ae_titles);
		text_put(to, "\"");
	}
	put_attribute(to, "UserIsRequestor",
		      participant->is_requestor ? "true" : "false");
	if (is_given(participant->address)) {
		put_attribute(to, "NetworkAccessPointID", participant->address);
		put_attribute(to, "NetworkAccessPointTypeCode",
			      is_numeric(participant->address) ? "2" : "1");
	}
	if (participant->role) {
		text_put(to, ">");
		put_code(to, "RoleIDCode", participant->role);
		text_put(to, "</ActiveParticipant>");
	} else {
		text_put(to, "/>");
	}
}

void audit_message_source(struct text *to, const struct audit_source *source)
{
	text_put(to, "<AuditSourceIdentification");
	put_attribute(to, "AuditSourceID", source->node);
	/* 4: application server process. */
	text_put(to,
		 "><AuditSourceTypeCode csd-code=\"4\"/></AuditSourceIdentification>");
}

static void open_object(struct text *to, const struct audit_object *object)
{
	char type[2] = { object->type };

	text_put(to, "<ParticipantObjectIdentification");
	put_attribute(to, "ParticipantObjectID", object->id);
	put_attribute(to, "ParticipantObjectTypeCode", type);
	put_attribute(to, "ParticipantObjectTypeCodeRole", object->role);
	text_put(to, ">");
	put_code(to, "ParticipantObjectIDTypeCode", object->id_type);
	text_put(to, "<ParticipantObjectName>");
	text_put_xml(to, object->name);
	text_put(to, "</ParticipantObjectName>");
	if (object->detail_type) {
		text_put(to, "<ParticipantObjectDetail");
		put_attribute(to, "type", object->detail_type);
		text_put(to, " value=\"");
		text_put_base64(to, object->detail);
		text_put(to, "\"/>");
	}
	text_put(to, "<ParticipantObjectDescription>");
}

/* Not all receivers' schemas let ParticipantObjectContainsStudy be left out. */
static void close_object(struct text *to, const char *last)
{
	text_put(to, "<ParticipantObjectContainsStudy/>");
	text_put(to, last);
	text_put(to, "</ParticipantObjectDescription></ParticipantObjectIdentification>");
}

void audit_message_object(struct text *to, const struct audit_object *object)
{
	open_object(to, object);
	close_object(to, "");
}

/* RFC 3986: what isn't an unreserved character or a slash is percent-encoded. */
static void put_uri(struct text *to, const char *path)
{
	static const char digits[] = "0123456789ABCDEF";

	text_put(to, "file://");
	for (; *path; path++) {
		unsigned char byte = (unsigned char)*path;
		char encoded[3] = { '%', digits[byte >> 4], digits[byte & 15] };

		if (byte < 0x80 && (isalnum(byte) || strchr("-._~/", byte)))
			text_add(to, path, 1);
		else
			text_add(to, encoded, sizeof(encoded));
	}
}

void audit_message_log(struct text *to, const char *path, const char *detail_type,
		       const char *detail)
{
	struct text uri = { 0 };
	struct audit_object object = {
		.type = '2',
		.role = "13",
		.id_type = &AUDIT_ID_URI,
		.name = "Security Audit Log",
		.detail_type = detail_type,
		.detail = detail,
	};

	put_uri(&uri, path);
	object.id = text_string(&uri);
	audit_message_object(to, &object);
	text_free(&uri);
}

void audit_message_study_open(struct text *to, const char *study)
{
	const struct audit_object object = {
		.id = study,
		.type = '2',
		.role = "3",
		.id_type = &AUDIT_ID_STUDY,
		.name = "DICOM study",
	};

	open_object(to, &object);
}

void audit_message_sop_class(struct text *to, const char *sop_class, uint64_t count)
{
	text_put(to, "<SOPClass");
	put_attribute(to, "UID", sop_class);
	text_put(to, " NumberOfInstances=\"");
	text_put_number(to, count);
	text_put(to, "\"/>");
}

void audit_message_study_close(struct text *to, bool is_encrypted)
{
	close_object(to, is_encrypted ? "<Encrypted>true</Encrypted>"
				      : "<Encrypted>false</Encrypted>");
}

void audit_message_close(struct text *to)
{
	text_put(to, "</AuditMessage>");
}
