/*
 * Goal: a line of the log becomes an entry for the journal: a sentence, a priority, an
 * identifier for its kind, and each member as a field, whatever bytes it holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exporter/journal_entry.h"

#define WHO                                                                     \
	"\"peer\":\"192.0.2.7:40000\",\"modality\":\"angio-3\",\"calling_ae\":" \
	"\"CATHLAB3\",\"destination\":\"pacs\""
#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct journal_entry entry_of(const char *text)
{
	json_t *line = json_loads(text, JSON_ALLOW_NUL, NULL);
	struct journal_entry entry;

	assert_non_null(line);
	assert_int_equal(journal_entry_make(text, strlen(text), line, &entry), 0);
	json_decref(line);
	return entry;
}

static bool has(const struct journal_entry *entry, const char *field, size_t size)
{
	for (size_t i = 0; i < entry->count; i++)
		if (entry->fields[i].iov_len == size &&
		    memcmp(entry->fields[i].iov_base, field, size) == 0)
			return true;
	return false;
}

static void assert_has(const struct journal_entry *entry, const char *field)
{
	if (!has(entry, field, strlen(field)))
		fail_msg("no field %s", field);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *line, *priority, *message;
	} cases[] = {
		{ "{\"node\":\"g\",\"event\":\"start\"}", "6", "Gateway g started" },
		{ "{\"node\":\"g\",\"event\":\"stop\"}", "6", "Gateway g stopped" },
		{ "{\"event\":\"association\",\"outcome\":\"accepted\"," WHO "}", "6",
		  "Association from angio-3 (192.0.2.7:40000) accepted" },
		{ "{\"event\":\"association\",\"outcome\":\"refused\",\"reason\":"
		  "\"tls-expired\",\"peer\":\"192.0.2.7:40000\"}",
		  "4",
		  "Association from 192.0.2.7:40000 (192.0.2.7:40000) refused: "
		  "tls-expired" },
		{ "{\"event\":\"instance\",\"outcome\":\"forwarded\"," WHO
		  ",\"sop_instance\":\"1.2\"}",
		  "6", "Instance 1.2 from angio-3 forwarded to pacs" },
		{ "{\"event\":\"instance\",\"outcome\":\"refused\",\"reason\":"
		  "\"limit-object\",\"detail\":\"why\"," WHO ",\"sop_instance\":\"1.2\"}",
		  "4", "Instance 1.2 from angio-3 refused: limit-object: why" },
		{ "{\"event\":\"instance\",\"outcome\":\"failed\",\"reason\":"
		  "\"internal\"}",
		  "4", "Instance unknown from unknown failed: internal" },
		{ "{\"event\":\"instance\",\"outcome\":\"refused\",\"reason\":"
		  "\"sop-class-not-allowed\",\"detail\":\"7 more from this modality: "
		  "why\","
		  "\"modality\":\"angio-3\"}",
		  "4",
		  "Instances from angio-3 refused: sop-class-not-allowed: 7 more from "
		  "this "
		  "modality: why" },
		{ "{\"event\":\"instance\",\"outcome\":\"unconfirmed\"," WHO
		  ",\"sop_instance\":\"1.2\"}",
		  "4", "Instance 1.2 from angio-3 unconfirmed, pacs may hold it" },
		{ "{\"event\":\"instance\",\"outcome\":\"spooled\"," WHO
		  ",\"sop_instance\":\"1.2\"}",
		  "6", "Instance 1.2 from angio-3 spooled for pacs" },
		{ "{\"event\":\"delivery\",\"outcome\":\"forwarded\"," WHO
		  ",\"sop_instance\":\"1.2\"}",
		  "6", "Delivery of instance 1.2 from angio-3 to pacs forwarded" },
		{ "{\"event\":\"delivery\",\"outcome\":\"unconfirmed\"," WHO
		  ",\"reason\":\"destination-lost\",\"sop_instance\":\"1.2\"}",
		  "4",
		  "Delivery of instance 1.2 from angio-3 to pacs unconfirmed, pacs may "
		  "hold it: destination-lost" },
		{ "{\"event\":\"delivery\",\"outcome\":\"failed\"," WHO "}", "4",
		  "Delivery of instance unknown from angio-3 to pacs failed" },
		{ "{\"event\":\"delivery\",\"outcome\":\"dead\",\"reason\":"
		  "\"spool-corrupt\"}",
		  "3",
		  "Delivery of instance unknown from unknown to the destination dead: "
		  "spool-corrupt" },
		{ "{\"event\":\"delivery\",\"outcome\":\"given-up\"," WHO "}", "3",
		  "Delivery of instance unknown from angio-3 to pacs given-up" },
		{ "{\"event\":\"delivery\",\"outcome\":\"dropped\"," WHO "}", "4",
		  "Delivery of instance unknown from angio-3 to pacs dropped" },
		{ "{\"event\":\"delivery\",\"outcome\":\"held\"," WHO "}", "6",
		  "Delivery of instance unknown from angio-3 to pacs held" },
		{ "{\"event\":\"alert\",\"outcome\":\"raised\",\"reason\":"
		  "\"tls-expired\"}",
		  "3", "Alert raised: tls-expired" },
		{ "{\"event\":\"alert\",\"outcome\":\"raised\",\"reason\":"
		  "\"audit-unavailable\",\"detail\":\"broken\"}",
		  "2", "Alert raised: audit-unavailable: broken" },
		{ "{\"event\":\"retention\",\"outcome\":\"removed\",\"detail\":\"f\"}",
		  "6", "Retention removed: f" },
		{ "{\"event\":\"checkpoint\",\"origin\":\"o\",\"size\":7}", "6",
		  "Checkpoint o at 7 lines, not signed" },
		{ "{\"event\":\"reload\",\"outcome\":\"done\"}", "6", "Reload done" },
		{ "{}", "6", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct journal_entry entry = entry_of(cases[i].line);
		char field[256];

		snprintf(field, sizeof(field), "MESSAGE=%s", cases[i].message);
		assert_has(&entry, field);
		snprintf(field, sizeof(field), "PRIORITY=%s", cases[i].priority);
		assert_has(&entry, field);
		assert_has(&entry, "SYSLOG_IDENTIFIER=cathgated");
		journal_entry_clear(&entry);
	}
}

static void test_members(void **state)
{
	struct journal_entry entry = entry_of(
		"{\"seq\":18446744073709,\"event\":\"instance\",\"outcome\":"
		"\"forwarded\",\"sop_instance\":\"1.2.3\",\"tls\":{\"version\":"
		"\"TLSv1.3\",\"group\":\"X25519\"},\"bytes\":0,\"new-member\":[1,"
		"\"x\"],\"hash\":\"ab\"}");

	(void)state;
	assert_has(&entry, "CATHGATE_SEQ=18446744073709");
	assert_has(&entry, "CATHGATE_EVENT=instance");
	assert_has(&entry, "CATHGATE_OUTCOME=forwarded");
	assert_has(&entry, "CATHGATE_SOP_INSTANCE=1.2.3");
	assert_has(&entry, "CATHGATE_TLS_VERSION=TLSv1.3");
	assert_has(&entry, "CATHGATE_TLS_GROUP=X25519");
	assert_has(&entry, "CATHGATE_BYTES=0");
	assert_has(&entry, "CATHGATE_NEW_MEMBER=[1,\"x\"]");
	assert_has(&entry, "CATHGATE_HASH=ab");
	assert_has(&entry, "MESSAGE_ID=f58ae13f53e34cd7bd5465b3f6668962");
	journal_entry_clear(&entry);
}

/* What a peer sent steers no reader's terminal, neither in its field nor in the sentence:
 * it stands there as in the log. */
static void test_any_bytes(void **state)
{
	struct journal_entry entry = entry_of(
		"{\"event\":\"alert\",\"detail\":\"a\\nPRIORITY=0\\u0000b\\u001b[2J\"}");

	(void)state;
	assert_has(&entry, "CATHGATE_DETAIL=a\\u000aPRIORITY=0\\u0000b\\u001b[2J");
	assert_has(&entry, "MESSAGE=Alert: a\\u000aPRIORITY=0");
	journal_entry_clear(&entry);
	entry = entry_of("{\"event\":\"association\",\"outcome\":\"refused\","
			 "\"calling_ae\":\"angio-3\\u202e\",\"peer\":\"p\",\"subject\":"
			 "\"\\u200bCN=\u00e9\"}");
	assert_has(&entry, "MESSAGE=Association from \"angio-3\\u202e\" (p) refused");
	assert_has(&entry, "CATHGATE_CALLING_AE=angio-3\\u202e");
	assert_has(&entry, "CATHGATE_SUBJECT=\\u200bCN=\u00e9");
	journal_entry_clear(&entry);
}

static void test_checkpoint(void **state)
{
	struct journal_entry entry =
		entry_of("{\"seq\":9,\"time\":\"2026-01-31T12:00:00.123456Z\",\"node\":"
			 "\"g\",\"event\":\"checkpoint\",\"origin\":\"cathgate/g/0\","
			 "\"size\":9,\"root\":\"" ROOT "\",\"prev\":\"aa\",\"hash\":"
			 "\"bb\"}");

	(void)state;
	assert_has(&entry, "CATHGATE_CHECKPOINT=cathgate/g/0\n9\n" ROOT "\n\n");
	assert_has(&entry, "CATHGATE_SIZE=9");
	assert_has(&entry, "MESSAGE_ID=92247012cff541a3864caaf20f7136fa");
	journal_entry_clear(&entry);
}

/* More members than there is room for: an entry all the same, and no field beyond. */
static void test_many_members(void **state)
{
	struct journal_entry entry;
	char text[4096] = "{\"event\":\"start\"";

	(void)state;
	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), ",\"m%d\":%d", i, i);
	strcat(text, "}");
	entry = entry_of(text);
	assert_int_equal(entry.count, JOURNAL_ENTRY_FIELDS);
	assert_has(&entry, "CATHGATE_EVENT=start");
	journal_entry_clear(&entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	     cmocka_unit_test(test_members),
		cmocka_unit_test(test_any_bytes),    cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_many_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
