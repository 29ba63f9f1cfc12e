/*
 * What the auditor makes of the messages of one process: an association's, a courier's or
 * the spooler's. Whatever it takes makes a line of the log that is one JSON object.
 * Whichever association was accepted stays the same to the end; a courier tells of
 * deliveries to its destination alone.
 */
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audit/auditor/session.h"
#include "fuzz.h"
#include "patch.h"

#define DESTINATION "pacs"

/* Of the latest record of an accepted association. */
static struct audit_record accepted;
static bool is_accepted;

static void look_at_line(const struct audit_record *record)
{
	static char line[RECORD_LINE_MAX];
	struct record_entry entry = { .time = "2026-01-31T12:00:00.000000Z",
				      .association = "0123456789abcdef",
				      .peer = "192.0.2.7",
				      .record = *record };
	size_t size = record_write(&entry, 7, "node", line);
	json_t *json;

	FUZZ_REQUIRE(size < sizeof(line) - 2 && memchr(line, '\n', size) == NULL);
	line[size++] = '}';
	json = json_loadb(line, size, 0, NULL);
	FUZZ_REQUIRE(json_is_object(json));
	json_decref(json);
}

static void look_at_delivery(const struct session *session,
			     const struct audit_record *record)
{
	FUZZ_REQUIRE(record->event == AUDIT_DELIVERY || record->event == AUDIT_ALERT);
	FUZZ_REQUIRE(record->certificate[0] == '\0' && record->tls_cipher[0] == '\0');
	if (session->kind == SESSION_COURIER)
		FUZZ_REQUIRE(strcmp(record->destination, DESTINATION) == 0);
}

static void look_at_record(const struct session *session,
			   const struct audit_record *record)
{
	FUZZ_REQUIRE(record_is_sound(record));
	FUZZ_REQUIRE(record_outcome_fits(record));
	FUZZ_REQUIRE(record->patient_id[0] == '\0');
	look_at_line(record);
	if (session->kind != SESSION_ASSOCIATION)
		look_at_delivery(session, record);
	else
		FUZZ_REQUIRE(record->event != AUDIT_DELIVERY);
	if (is_accepted && record->event != AUDIT_ALERT) {
		FUZZ_REQUIRE(strcmp(record->modality, accepted.modality) == 0);
		FUZZ_REQUIRE(strcmp(record->certificate, accepted.certificate) == 0);
		FUZZ_REQUIRE(strcmp(record->calling_ae, accepted.calling_ae) == 0);
	}
	if (record->event == AUDIT_ASSOCIATION && record->outcome == AUDIT_ACCEPTED) {
		is_accepted = true;
		accepted = *record;
	}
}

static void good_message(struct message_said *ret, unsigned kind, enum session_kind whose)
{
	memset(ret, 0, sizeof(*ret));
	ret->head.kind = kind & 7;
	audit_record_init(&ret->record);
	ret->record.event = !(kind & 8)			   ? AUDIT_ASSOCIATION
			    : whose == SESSION_ASSOCIATION ? AUDIT_INSTANCE
							   : AUDIT_DELIVERY;
	ret->record.outcome = kind & 8 ? AUDIT_FORWARDED : AUDIT_ACCEPTED;
	if (kind & 16)
		ret->record.outcome = kind & 8 ? AUDIT_FAILED : AUDIT_RELEASED;
	if (kind & 16 && whose == SESSION_SPOOLER)
		ret->record.outcome = AUDIT_GIVEN_UP;
	if (whose == SESSION_COURIER)
		strcpy(ret->record.destination, DESTINATION);
	strcpy(ret->record.modality, "angio");
	strcpy(ret->record.calling_ae, "MODALITY");
	strcpy(ret->record.sop_instance, "1.2.3");
	strcpy(ret->record.patient_id, "4711");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct message_control_head address = {
		.kind = MESSAGE_OPEN, .association = "0123456789abcdef", .peer = "::1"
	};
	static const enum message_kind kinds[] = { MESSAGE_OPEN, MESSAGE_RENEW,
						   MESSAGE_OPEN_COURIER,
						   MESSAGE_OPEN_SPOOLER };
	static const struct pseudonym none = { .mode = CONFIG_PATIENT_OMIT };
	struct patch_input input = { bytes, size };
	struct message_control_head head = address;
	struct audit_record last[SESSION_LAST_RECORDS];
	struct session *session;
	const char *fault = NULL;

	is_accepted = false;
	head.kind = kinds[patch_byte(&input) % 4];
	if (head.kind == MESSAGE_OPEN_COURIER)
		strcpy(head.destination, DESTINATION);
	session = session_new(-1, &head);
	FUZZ_REQUIRE(session != NULL);
	while (input.left > 0 && !fault) {
		uint8_t kind = patch_byte(&input);
		struct message_said said;
		struct audit_record record;
		bool has_submitted;
		size_t said_size = kind & 32 ? patch_byte(&input) : sizeof(said);

		good_message(&said, kind, session->kind);
		patch_apply(&input, &said, sizeof(said));
		if (kind & 64)
			said_size = sizeof(said.head);
		fault = session_take(session, &none, &said, said_size, &has_submitted,
				     &record);
		if (has_submitted)
			look_at_record(session, &record);
	}
	for (size_t i = 0, count = session_last_records(session, fault, last); i < count;
	     i++)
		look_at_record(session, &last[i]);
	session_free(session);
	return 0;
}
