#include "record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cathgate/base/utf8.h"
#include "decimal.h"

static const char *const event_names[AUDIT_EVENT_COUNT] = {
	[AUDIT_START] = "start",	   [AUDIT_STOP] = "stop",
	[AUDIT_RELOAD] = "reload",	   [AUDIT_ASSOCIATION] = "association",
	[AUDIT_INSTANCE] = "instance",	   [AUDIT_ALERT] = "alert",
	[AUDIT_CHECKPOINT] = "checkpoint", [AUDIT_RETENTION] = "retention",
	[AUDIT_DELIVERY] = "delivery",
};

static const char *const outcome_names[AUDIT_OUTCOME_COUNT] = {
	[AUDIT_NO_OUTCOME] = "",
	[AUDIT_FORWARDED] = "forwarded",
	[AUDIT_REFUSED] = "refused",
	[AUDIT_FAILED] = "failed",
	[AUDIT_UNCONFIRMED] = "unconfirmed",
	[AUDIT_ACCEPTED] = "accepted",
	[AUDIT_RELEASED] = "released",
	[AUDIT_ABORTED] = "aborted",
	[AUDIT_DONE] = "done",
	[AUDIT_RAISED] = "raised",
	[AUDIT_REMOVED] = "removed",
	[AUDIT_SPOOLED] = "spooled",
	[AUDIT_DEAD] = "dead",
	[AUDIT_GIVEN_UP] = "given-up",
	[AUDIT_HELD] = "held",
	[AUDIT_DROPPED] = "dropped",
	[AUDIT_EXPORTED] = "exported",
	[AUDIT_QUEUED] = "queued",
};

const char *audit_outcome_name(enum audit_outcome outcome)
{
	return outcome_names[outcome];
}

void audit_record_init(struct audit_record *record)
{
	/* The padding is cleared, too: it must carry nothing to another process. */
	memset(record, 0, sizeof(*record));
	record->bytes = -1;
	record->status = -1;
	record->wait_ms = -1;
	record->total_ms = -1;
}

void audit_record_doubt(struct audit_record *record)
{
	bool is_spooled = record->outcome == AUDIT_SPOOLED;

	if (record->event != AUDIT_INSTANCE ||
	    (record->outcome != AUDIT_FORWARDED && !is_spooled))
		return;
	record->outcome = AUDIT_UNCONFIRMED;
	record->reason = REASON_AUDIT_UNAVAILABLE;
	if (is_spooled)
		snprintf(record->detail, sizeof(record->detail),
			 "it is in the spool, but the modality was told A700");
	else
		snprintf(record->detail, sizeof(record->detail),
			 "the destination answered %04X, but the modality was told A700",
			 (unsigned)record->status);
	record->status = 0xA700;
}

bool audit_record_is_in_vain(const struct audit_record *record)
{
	return record->event == AUDIT_INSTANCE &&
	       (record->outcome == AUDIT_REFUSED ||
		(record->outcome == AUDIT_FAILED &&
		 (record->reason == REASON_MALFORMED ||
		  record->reason == REASON_LIMIT_OBJECT)));
}

static char *put_escaped(char *to, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	memcpy(to, "\\u00", 4);
	to[4] = digits[byte >> 4];
	to[5] = digits[byte & 15];
	return to + 6;
}

static char *put_text(char *to, const char *text)
{
	*to++ = '"';
	while (*text) {
		uint32_t character;
		size_t length = 1;

		if (*text == '"' || *text == '\\') {
			*to++ = '\\';
		} else if (*text < 0x20 || *text >= 0x7F) {
			length = utf8_read(text, strnlen(text, 4), &character);
			if (length == 0 || utf8_is_control(character)) {
				to = put_escaped(to, (unsigned char)*text++);
				continue;
			}
		}
		to = mempcpy(to, text, length);
		text += length;
	}
	*to++ = '"';
	return to;
}

static char *put_name(char *to, const char *name)
{
	if (to[-1] != '{')
		*to++ = ',';
	*to++ = '"';
	to = stpcpy(to, name);
	return stpcpy(to, "\":");
}

static char *put_text_member(char *to, const char *name, const char *text)
{
	return text && text[0] ? put_text(put_name(to, name), text) : to;
}

static char *put_number_member(char *to, const char *name, int64_t number)
{
	if (number < 0)
		return to;
	to = put_name(to, name);
	return to + sprintf(to, "%" PRId64, number);
}

static char *put_tls(char *to, const struct audit_record *record)
{
	if (!record->tls_version[0] && !record->tls_cipher[0] && !record->tls_group[0])
		return to;
	to = put_name(to, "tls");
	*to++ = '{';
	to = put_text_member(to, "version", record->tls_version);
	to = put_text_member(to, "cipher", record->tls_cipher);
	to = put_text_member(to, "group", record->tls_group);
	*to++ = '}';
	return to;
}

static char *put_parties(char *to, const struct record_entry *entry)
{
	const struct audit_record *record = &entry->record;
	to = put_text_member(to, "association", entry->association);
	to = put_text_member(to, "peer", entry->peer);
	to = put_text_member(to, "certificate", record->certificate);
	to = put_text_member(to, "subject", record->subject);
	to = put_text_member(to, "shown_certificate", record->shown_certificate);
	to = put_text_member(to, "shown_subject", record->shown_subject);
	to = put_tls(to, record);
	to = put_text_member(to, "modality", record->modality);
	to = put_text_member(to, "calling_ae", record->calling_ae);
	to = put_text_member(to, "called_ae", record->called_ae);
	return put_text_member(to, "destination", record->destination);
}

static char *put_object(char *to, const struct audit_record *record)
{
	to = put_text_member(to, "sop_class", record->sop_class);
	to = put_text_member(to, "sop_instance", record->sop_instance);
	to = put_text_member(to, "study", record->study);
	to = put_text_member(to, "patient", record->patient_id);
	to = put_text_member(to, "transfer_syntax", record->transfer_syntax);
	to = put_number_member(to, "bytes", record->bytes);
	to = put_text_member(to, "sha256", record->sha256);
	if (record->status >= 0) {
		to = put_name(to, "status");
		to += sprintf(to, "\"%04X\"", (unsigned)record->status & 0xFFFF);
	}
	to = put_number_member(to, "wait_ms", record->wait_ms);
	return put_number_member(to, "total_ms", record->total_ms);
}

size_t record_write(const struct record_entry *entry, uint64_t seq, const char *node,
		    char *ret)
{
	const struct audit_record *record = &entry->record;
	char *to = ret;
	*to++ = '{';
	to = put_name(to, "seq");
	to += sprintf(to, "%" PRIu64, seq);
	to = put_text_member(to, "time", entry->time);
	to = put_text_member(to, "node", node);
	to = put_text_member(to, "event", event_names[record->event]);
	to = put_text_member(to, "outcome", outcome_names[record->outcome]);
	to = put_text_member(to, "reason", reason_name(record->reason));
	to = put_text_member(to, "detail", record->detail);
	to = put_parties(to, entry);
	to = put_object(to, record);
	return (size_t)(to - ret);
}

int record_seq(const char *line, size_t size, uint64_t *ret)
{
	static const char head[] = "{\"seq\":";
	const size_t head_size = sizeof(head) - 1;
	uint64_t seq;
	if (size <= head_size || memcmp(line, head, head_size) != 0 ||
	    line[size - 1] != '}')
		return -1;
	/* decimal_read stops before the brace at the end at the latest. */
	const char *behind = decimal_read(line + head_size, line + size, &seq);
	if (!behind || *behind != ',')
		return -1;
	*ret = seq;
	return 0;
}

#define ENDS_WITHIN(field) (memchr((field), 0, sizeof(field)) != NULL)

static bool is_association_id(const char id[AUDIT_ASSOCIATION_ID_SIZE])
{
	for (size_t i = 0; i < AUDIT_ASSOCIATION_ID_SIZE - 1; i++)
		if (!(id[i] >= '0' && id[i] <= '9') && !(id[i] >= 'a' && id[i] <= 'f'))
			return false;
	return id[AUDIT_ASSOCIATION_ID_SIZE - 1] == '\0';
}

bool record_is_sound(const struct audit_record *r)
{
	return (unsigned)r->event < AUDIT_EVENT_COUNT &&
	       (unsigned)r->outcome < AUDIT_OUTCOME_COUNT &&
	       (unsigned)r->reason < REASON_COUNT && ENDS_WITHIN(r->detail) &&
	       ENDS_WITHIN(r->certificate) && ENDS_WITHIN(r->subject) &&
	       ENDS_WITHIN(r->shown_certificate) && ENDS_WITHIN(r->shown_subject) &&
	       ENDS_WITHIN(r->tls_version) && ENDS_WITHIN(r->tls_cipher) &&
	       ENDS_WITHIN(r->tls_group) && ENDS_WITHIN(r->modality) &&
	       ENDS_WITHIN(r->calling_ae) && ENDS_WITHIN(r->called_ae) &&
	       ENDS_WITHIN(r->destination) && ENDS_WITHIN(r->sop_class) &&
	       ENDS_WITHIN(r->sop_instance) && ENDS_WITHIN(r->study) &&
	       ENDS_WITHIN(r->patient_id) && ENDS_WITHIN(r->transfer_syntax) &&
	       ENDS_WITHIN(r->sha256) && r->bytes >= -1 && r->status >= -1 &&
	       r->status <= 0xFFFF && r->wait_ms >= -1 && r->total_ms >= -1 &&
	       (r->came_by[0] == '\0' || is_association_id(r->came_by));
}

bool record_outcome_fits(const struct audit_record *record)
{
	static const struct {
		enum audit_event event;
		enum audit_outcome outcome;
	} fitting[] = {
		{ AUDIT_START, AUDIT_NO_OUTCOME },
		{ AUDIT_STOP, AUDIT_NO_OUTCOME },
		{ AUDIT_CHECKPOINT, AUDIT_NO_OUTCOME },
		{ AUDIT_RELOAD, AUDIT_DONE },
		{ AUDIT_RELOAD, AUDIT_REFUSED },
		{ AUDIT_ALERT, AUDIT_RAISED },
		{ AUDIT_RETENTION, AUDIT_REMOVED },
		{ AUDIT_ASSOCIATION, AUDIT_ACCEPTED },
		{ AUDIT_ASSOCIATION, AUDIT_REFUSED },
		{ AUDIT_ASSOCIATION, AUDIT_RELEASED },
		{ AUDIT_ASSOCIATION, AUDIT_ABORTED },
		{ AUDIT_INSTANCE, AUDIT_FORWARDED },
		{ AUDIT_INSTANCE, AUDIT_SPOOLED },
		{ AUDIT_INSTANCE, AUDIT_REFUSED },
		{ AUDIT_INSTANCE, AUDIT_FAILED },
		{ AUDIT_INSTANCE, AUDIT_UNCONFIRMED },
		{ AUDIT_DELIVERY, AUDIT_FORWARDED },
		{ AUDIT_DELIVERY, AUDIT_FAILED },
		{ AUDIT_DELIVERY, AUDIT_UNCONFIRMED },
		{ AUDIT_DELIVERY, AUDIT_DEAD },
		{ AUDIT_DELIVERY, AUDIT_GIVEN_UP },
		{ AUDIT_DELIVERY, AUDIT_HELD },
		{ AUDIT_DELIVERY, AUDIT_DROPPED },
		{ AUDIT_DELIVERY, AUDIT_EXPORTED },
		{ AUDIT_DELIVERY, AUDIT_QUEUED },
	};

	for (size_t i = 0; i < sizeof(fitting) / sizeof(fitting[0]); i++)
		if (fitting[i].event == record->event &&
		    fitting[i].outcome == record->outcome)
			return true;
	return false;
}
