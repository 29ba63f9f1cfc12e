/*
 * Goal: a record becomes exactly the line that the format fixes, whatever text a peer
 * sends; and a record that is none is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/format/record.h"

#define HEAD "{\"seq\":7,\"time\":\"2026-01-31T12:00:00.123456Z\",\"node\":\"cathlab-3\","

static char line[RECORD_LINE_MAX + 3];

static const char *written(const struct record_entry *entry)
{
	size_t size = record_write(entry, 7, "cathlab-3", line);
	assert_true(size < sizeof(line));
	strcpy(line + size, "}\n"); /* it is left open */
	return line;
}

static struct record_entry empty_entry(void)
{
	struct record_entry entry = { .time = "2026-01-31T12:00:00.123456Z" };
	audit_record_init(&entry.record);
	return entry;
}

static void a_full_record_has_every_member_in_order(void **state)
{
	(void)state;
	struct record_entry entry = {
		.time = "2026-01-31T12:00:00.123456Z",
		.association = "0123456789abcdef",
		.peer = "192.0.2.7:40000",
		.record = { .event = AUDIT_INSTANCE,
			    .outcome = AUDIT_FAILED,
			    .reason = REASON_DESTINATION_STATUS,
			    .detail = "the PACS refused it",
			    .certificate = "c0ffee",
			    .subject = "CN=angio-3",
			    .shown_certificate = "0ff1ce",
			    .shown_subject = "CN=shown",
			    .tls_version = "TLSv1.3",
			    .tls_cipher = "TLS_AES_128_GCM_SHA256",
			    .tls_group = "x25519",
			    .modality = "angio-3",
			    .calling_ae = "CATHLAB3",
			    .called_ae = "CATHGATE",
			    .destination = "pacs",
			    .sop_class = "1.2.840.10008.5.1.4.1.1.12.1",
			    .sop_instance = "1.2.3",
			    .study = "1.2.4",
			    .patient_id = "p5eud0",
			    .transfer_syntax = "1.2.840.10008.1.2.1",
			    .bytes = 8589934592,
			    .sha256 = "abcd",
			    .status = 0xa700,
			    .wait_ms = 0,
			    .total_ms = 1234 },
	};
	assert_string_equal(
		written(&entry), HEAD
		"\"event\":\"instance\",\"outcome\":\"failed\","
		"\"reason\":\"destination-status\",\"detail\":\"the PACS refused it\","
		"\"association\":\"0123456789abcdef\",\"peer\":\"192.0.2.7:40000\","
		"\"certificate\":\"c0ffee\",\"subject\":\"CN=angio-3\","
		"\"shown_certificate\":\"0ff1ce\",\"shown_subject\":\"CN=shown\","
		"\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\","
		"\"group\":\"x25519\"},\"modality\":\"angio-3\","
		"\"calling_ae\":\"CATHLAB3\",\"called_ae\":\"CATHGATE\","
		"\"destination\":\"pacs\","
		"\"sop_class\":\"1.2.840.10008.5.1.4.1.1.12.1\","
		"\"sop_instance\":\"1.2.3\",\"study\":\"1.2.4\",\"patient\":\"p5eud0\","
		"\"transfer_syntax\":\"1.2.840.10008.1.2.1\",\"bytes\":8589934592,"
		"\"sha256\":\"abcd\",\"status\":\"A700\",\"wait_ms\":0,"
		"\"total_ms\":1234}\n");
}

static void what_is_absent_is_left_out(void **state)
{
	(void)state;
	struct record_entry entry = empty_entry();
	assert_string_equal(written(&entry), HEAD "\"event\":\"start\"}\n");
	strcpy(entry.record.tls_group, "x25519");
	entry.record.status = 0;
	assert_string_equal(written(&entry),
			    HEAD "\"event\":\"start\",\"tls\":{\"group\":\"x25519\"},"
				 "\"status\":\"0000\"}\n");
}

static void text_is_escaped_byte_by_byte(void **state)
{
	(void)state;
	static const struct {
		const char *what, *text, *expected;
	} cases[] = {
		{ "plain", "a/b'c", "a/b'c" },
		{ "quote and backslash", "a\"b\\c", "a\\\"b\\\\c" },
		{ "C0", "\x01\t\n\r\x1f", "\\u0001\\u0009\\u000a\\u000d\\u001f" },
		{ "DEL", "\x7f", "\\u007f" },
		{ "C1 as UTF-8", "\xc2\x80\xc2\x9f", "\\u00c2\\u0080\\u00c2\\u009f" },
		{ "behind C1", "\xc2\xa0", "\xc2\xa0" },
		{ "two bytes", "M\xc3\xbcller", "M\xc3\xbcller" },
		{ "three bytes", "\xe5\xb1\xb1\xe0\xa0\x80", "\xe5\xb1\xb1\xe0\xa0\x80" },
		{ "four bytes", "\xf0\x9f\xab\x80\xf4\x8f\xbf\xbf",
		  "\xf0\x9f\xab\x80\xf4\x8f\xbf\xbf" },
		{ "Latin-1", "M\xfcller", "M\\u00fcller" },
		{ "lone continuation", "\x80z", "\\u0080z" },
		{ "cut short at the end", "\xe5\xb1", "\\u00e5\\u00b1" },
		{ "cut short in the middle", "\xf0\x9f\xab!", "\\u00f0\\u009f\\u00ab!" },
		{ "overlong slash, 2", "\xc0\xaf", "\\u00c0\\u00af" },
		{ "overlong, 2", "\xc1\xbf", "\\u00c1\\u00bf" },
		{ "overlong, 3", "\xe0\x9f\xbf", "\\u00e0\\u009f\\u00bf" },
		{ "overlong, 4", "\xf0\x8f\xbf\xbf", "\\u00f0\\u008f\\u00bf\\u00bf" },
		{ "surrogate", "\xed\xa0\x80", "\\u00ed\\u00a0\\u0080" },
		{ "before surrogates", "\xed\x9f\xbf", "\xed\x9f\xbf" },
		{ "above U+10FFFF", "\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080" },
		{ "no such head", "\xf5\xff", "\\u00f5\\u00ff" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record_entry entry = empty_entry();
		char expected[256];
		strcpy(entry.record.subject, cases[i].text);
		snprintf(expected, sizeof(expected),
			 HEAD "\"event\":\"start\",\"subject\":\"%s\"}\n",
			 cases[i].expected);
		if (strcmp(written(&entry), expected) != 0)
			fail_msg("%s: %s", cases[i].what, line);
	}
}

static void the_longest_record_fits_its_line(void **state)
{
	(void)state;
	struct record_entry entry = empty_entry();
	struct audit_record *record = &entry.record;
	record->reason = REASON_AE_CERTIFICATE_MISMATCH;
	record->outcome = AUDIT_UNCONFIRMED;
	char *const fields[] = { record->detail,
				 record->certificate,
				 record->subject,
				 record->tls_version,
				 record->tls_cipher,
				 record->tls_group,
				 record->modality,
				 record->calling_ae,
				 record->called_ae,
				 record->destination,
				 record->sop_class,
				 record->sop_instance,
				 record->study,
				 record->patient_id,
				 record->sha256,
				 record->transfer_syntax,
				 entry.association,
				 entry.peer,
				 record->shown_certificate,
				 record->shown_subject };
	const size_t sizes[] = { sizeof(record->detail),
				 sizeof(record->certificate),
				 sizeof(record->subject),
				 sizeof(record->tls_version),
				 sizeof(record->tls_cipher),
				 sizeof(record->tls_group),
				 sizeof(record->modality),
				 sizeof(record->calling_ae),
				 sizeof(record->called_ae),
				 sizeof(record->destination),
				 sizeof(record->sop_class),
				 sizeof(record->sop_instance),
				 sizeof(record->study),
				 sizeof(record->patient_id),
				 sizeof(record->sha256),
				 sizeof(record->transfer_syntax),
				 sizeof(entry.association),
				 sizeof(entry.peer),
				 sizeof(record->shown_certificate),
				 sizeof(record->shown_subject) };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		memset(fields[i], 0x01, sizes[i] - 1);
	record->bytes = record->wait_ms = record->total_ms = INT64_MAX;
	record->status = 0xFFFF;
	char node[RECORD_NODE_MAX + 1] = "";
	memset(node, 0x02, RECORD_NODE_MAX);
	assert_true(record_is_sound(record));
	assert_true(record_write(&entry, 999999999999999999, node, line) +
			    CHECKPOINT_TEXT_SIZE + CHAIN_SEAL_SIZE <
		    RECORD_LINE_MAX);
}

static void a_lines_number_is_read_strictly(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		int result;
		uint64_t seq;
	} cases[] = {
		{ "{\"seq\":0,\"time\":\"\"}", 0, 0 },
		{ "{\"seq\":123456789012345678,\"x\":1}", 0, 123456789012345678 },
		{ "{\"seq\":1234567890123456789,\"x\":1}", -1, 0 },
		{ "{\"seq\":,}", -1, 0 },
		{ "{\"seq\":-1,}", -1, 0 },
		{ "{\"seq\":12}", -1, 0 },
		{ "{\"seq\":12,\"time\"", -1, 0 },
		{ "{\"seq\":", -1, 0 },
		{ "{ \"seq\":1,}", -1, 0 },
		{ "", -1, 0 },
		{ "Jan 31 12:00:00 host daemon: x}", -1, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t seq = 42;
		if (record_seq(cases[i].line, strlen(cases[i].line), &seq) !=
		    cases[i].result)
			fail_msg("%s", cases[i].line);
		assert_int_equal(seq, cases[i].result ? 42 : cases[i].seq);
	}
}

static void an_unsound_record_is_noticed(void **state)
{
	(void)state;
	struct audit_record good, bad;
	audit_record_init(&good);
	assert_true(record_is_sound(&good));
#define BAD(change)                              \
	do {                                     \
		bad = good;                      \
		change;                          \
		if (record_is_sound(&bad))       \
			fail_msg("%s", #change); \
	} while (0)
#define UNENDED(field) BAD(memset(bad.field, 'x', sizeof(bad.field)))
	BAD(bad.event = AUDIT_EVENT_COUNT);
	BAD(memset(&bad.event, 0xFF, sizeof(bad.event)));
	BAD(bad.outcome = AUDIT_OUTCOME_COUNT);
	BAD(bad.reason = REASON_COUNT);
	BAD(bad.bytes = -2);
	BAD(bad.status = 0x10000);
	BAD(bad.status = -2);
	BAD(bad.wait_ms = INT64_MIN);
	BAD(bad.total_ms = -2);
	UNENDED(detail);
	UNENDED(certificate);
	UNENDED(subject);
	UNENDED(shown_certificate);
	UNENDED(shown_subject);
	UNENDED(tls_version);
	UNENDED(tls_cipher);
	UNENDED(tls_group);
	UNENDED(modality);
	UNENDED(calling_ae);
	UNENDED(called_ae);
	UNENDED(destination);
	UNENDED(sop_class);
	UNENDED(sop_instance);
	UNENDED(study);
	UNENDED(patient_id);
	UNENDED(transfer_syntax);
	UNENDED(sha256);
	UNENDED(came_by);
	BAD(strcpy(bad.came_by, "0123456789abcde"));
	BAD(strcpy(bad.came_by, "0123456789abcdeF"));
	BAD(strcpy(bad.came_by, "0123456789abcdeg"));
	strcpy(good.came_by, "0123456789abcdef");
	assert_true(record_is_sound(&good));
}

static void each_event_has_its_outcomes(void **state)
{
	(void)state;
	static const char *const expected[AUDIT_EVENT_COUNT] = {
		[AUDIT_START] = " ",
		[AUDIT_STOP] = " ",
		[AUDIT_RELOAD] = " refused done",
		[AUDIT_ASSOCIATION] = " refused accepted released aborted",
		[AUDIT_INSTANCE] = " forwarded refused failed unconfirmed spooled",
		[AUDIT_ALERT] = " raised",
		[AUDIT_CHECKPOINT] = " ",
		[AUDIT_RETENTION] = " removed",
		[AUDIT_DELIVERY] = " forwarded failed unconfirmed dead given-up held "
				   "dropped exported queued",
	};
	for (int event = 0; event < AUDIT_EVENT_COUNT; event++) {
		struct audit_record record = { .event = (enum audit_event)event };
		char found[256] = "";

		for (int i = 0; i < AUDIT_OUTCOME_COUNT; i++) {
			record.outcome = (enum audit_outcome)i;
			if (!record_outcome_fits(&record))
				continue;
			strcat(found, " ");
			strcat(found, audit_outcome_name(record.outcome));
		}
		assert_string_equal(found, expected[event]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_record_has_every_member_in_order),
		cmocka_unit_test(what_is_absent_is_left_out),
		cmocka_unit_test(text_is_escaped_byte_by_byte),
		cmocka_unit_test(the_longest_record_fits_its_line),
		cmocka_unit_test(a_lines_number_is_read_strictly),
		cmocka_unit_test(an_unsound_record_is_noticed),
		cmocka_unit_test(each_event_has_its_outcomes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
