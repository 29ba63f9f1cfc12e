/*
 * Goal: an association goes on with an auditor's successor as if nothing had been; and
 * one whose process was taken over can neither take another's name, nor raise alerts, nor
 * fill the disk, with however many lines.
 */
#include "audit_fixture.h"

#define FROM "\"association\":\"" ASSOCIATION "\",\"peer\":\"" PEER "\""
#define ENDED \
	"\"reason\":\"internal\",\"detail\":\"its process ended without a last word\""
#define WHO                                                                            \
	",\"certificate\":\"c0ffee\",\"subject\":\"CN=angio-3\",\"tls\":{\"version\":" \
	"\"TLSv1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"group\":\"x25519\"},"     \
	"\"modality\":\"angio-3\",\"calling_ae\":\"CATHLAB3\",\"called_ae\":"          \
	"\"CATHGATE\",\"destination\":\"pacs\""
#define OTHER	    ",\"modality\":\"angio-4\""
#define ABORTED	    "\"association\",\"outcome\":\"aborted\"," ENDED "," FROM
#define RELEASED    "\"association\",\"outcome\":\"released\"," FROM
#define UID	    ",\"sop_instance\":\"1.2.3\"}"
#define FAILED	    "\"instance\",\"outcome\":\"failed\"," ENDED "," FROM
#define UNCONFIRMED "\"instance\",\"outcome\":\"unconfirmed\"," ENDED "," FROM
#define ALERT                                                                       \
	"\"alert\",\"outcome\":\"raised\",\"reason\":\"internal\",\"detail\":\"an " \
	"association's process broke the auditor's rules: it "

static struct audit_record association_of(enum audit_outcome outcome)
{
	struct audit_record record = record_of(AUDIT_ASSOCIATION, outcome);
	strcpy(record.certificate, "c0ffee");
	strcpy(record.subject, "CN=angio-3");
	strcpy(record.tls_version, "TLSv1.3");
	strcpy(record.tls_cipher, "TLS_AES_128_GCM_SHA256");
	strcpy(record.tls_group, "x25519");
	strcpy(record.modality, "angio-3");
	strcpy(record.calling_ae, "CATHLAB3");
	strcpy(record.called_ae, "CATHGATE");
	strcpy(record.destination, "pacs");
	return record;
}

/* Another modality's name. */
static struct audit_record stolen(enum audit_event event, enum audit_outcome outcome)
{
	struct audit_record record = record_of(event, outcome);
	strcpy(record.modality, "angio-4");
	return record;
}

static struct audit_record instance_of(const char *sop_instance)
{
	struct audit_record record = stolen(AUDIT_INSTANCE, AUDIT_NO_OUTCOME);
	strcpy(record.sop_instance, sop_instance);
	return record;
}

static int renew_line(struct fixture *fixture)
{
	int line = audit_channel_renew(fixture->control, ASSOCIATION, PEER);
	assert_true(line >= 0);
	return line;
}

static int announce(int line, enum audit_outcome outcome)
{
	struct audit_record record = association_of(outcome);
	return audit_announce(line, &record);
}

static int begin(int line, const char *sop_instance)
{
	struct audit_record record = instance_of(sop_instance);
	return audit_begin(line, &record);
}

static enum audit_taken submit_stolen(int line, enum audit_event event,
				      enum audit_outcome outcome)
{
	struct audit_record record = stolen(event, outcome);
	return audit_submit(line, &record, WAIT_MS);
}

/* What is answered here was read no sooner than what other lines had waiting. */
static void catch_up(struct fixture *fixture)
{
	int line = audit_channel_open(fixture->control, "other", PEER);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
}
#define CAUGHT_UP                                                             \
	"\"association\",\"outcome\":\"released\",\"association\":\"other\"," \
	"\"peer\":\"" PEER "\"}"

static void assert_closed(int line)
{
	char byte;
	struct pollfd poll_one = { .fd = line, .events = POLLIN };
	assert_int_equal(poll(&poll_one, 1, WAIT_MS), 1);
	assert_true(recv(line, &byte, 1, 0) <= 0);
	close(line);
}

static void a_renewed_line_may_end_in_silence(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	close(renew_line(fixture));
	catch_up(fixture);
	int line = renew_line(fixture); /* the one before got lost on its way */
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	close(audit_channel_renew(fixture->control, "another", PEER));
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture, CAUGHT_UP, RELEASED "}");
}

static void what_was_announced_completes_the_last_words(void **state)
{
	static const struct {
		enum audit_outcome outcome;
		bool has_begun, has_sent_last_fragment;
		const char *lines[2];
	} cases[] = {
		{ AUDIT_NO_OUTCOME, false, false, { ABORTED WHO "}" } },
		{ AUDIT_ACCEPTED, false, false, { ABORTED WHO "}" } },
		{ AUDIT_ACCEPTED, true, false, { FAILED WHO UID, ABORTED WHO "}" } },
		{ AUDIT_ACCEPTED, true, true, { UNCONFIRMED WHO UID, ABORTED WHO "}" } },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_log(fixture);
		start_auditor(fixture);
		int line = renew_line(fixture);
		assert_int_equal(announce(line, cases[i].outcome), 0);
		if (cases[i].has_begun)
			assert_int_equal(begin(line, "1.2.3"), 0);
		if (cases[i].has_sent_last_fragment)
			assert_int_equal(audit_last_fragment(line), 0);
		close(line);
		assert_int_equal(end_of_auditor(fixture), 0);
		assert_log(fixture, cases[i].lines, cases[i].has_begun ? 2 : 1);
	}
}

static void the_accepted_name_stays(void **state)
{
	struct fixture *fixture = *state;
	for (int is_announced = 0; is_announced < 2; is_announced++) {
		forget_log(fixture);
		start_auditor(fixture);
		int line = is_announced ? renew_line(fixture) : open_line(fixture);
		struct audit_record accepted = association_of(AUDIT_ACCEPTED);
		if (is_announced)
			assert_int_equal(audit_announce(line, &accepted), 0);
		else
			assert_int_equal(audit_submit(line, &accepted, WAIT_MS),
					 AUDIT_DURABLE);
		assert_int_equal(submit_stolen(line, AUDIT_INSTANCE, AUDIT_REFUSED),
				 AUDIT_DURABLE);
		assert_int_equal(submit_stolen(line, AUDIT_ASSOCIATION, AUDIT_ACCEPTED),
				 AUDIT_DURABLE);
		assert_int_equal(submit_stolen(line, AUDIT_ASSOCIATION, AUDIT_RELEASED),
				 AUDIT_DURABLE);
		close(line);
		assert_int_equal(end_of_auditor(fixture), 0);
		static const char *const lines[] = {
			"\"association\",\"outcome\":\"accepted\"," FROM WHO "}",
			"\"instance\",\"outcome\":\"refused\"," FROM WHO "}",
			"\"association\",\"outcome\":\"accepted\"," FROM WHO "}",
			RELEASED WHO "}",
		};
		assert_log(fixture, lines + is_announced, 4 - (size_t)is_announced);
	}
}

static void before_it_is_accepted_no_name_stays(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int line = renew_line(fixture);
	assert_int_equal(announce(line, AUDIT_NO_OUTCOME), 0);
	assert_int_equal(submit_stolen(line, AUDIT_ASSOCIATION, AUDIT_ACCEPTED),
			 AUDIT_DURABLE);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture, "\"association\",\"outcome\":\"accepted\"," FROM OTHER "}",
		   RELEASED OTHER "}");
}

static void only_the_first_message_announces(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int line = renew_line(fixture);
	assert_int_equal(announce(line, AUDIT_ACCEPTED), 0);
	assert_int_equal(announce(line, AUDIT_ACCEPTED), 0);
	assert_closed(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture,
		   ALERT "announced an association behind other messages\"," FROM "}",
		   ABORTED WHO "}");
}

static void an_alert_is_the_supervisors_to_raise(void **state)
{
	struct fixture *fixture = *state;
	struct audit_record alert = record_of(AUDIT_ALERT, AUDIT_RAISED);
	start_auditor(fixture);
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ALERT, AUDIT_RAISED), AUDIT_GONE);
	close(line);
	alert.reason = REASON_INTERNAL;
	assert_int_equal(audit_tell(fixture->control, NULL, &alert), 0);
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture);
	assert_int_equal(count_of(log, "\n"), 3);
	assert_non_null(strstr(
		log, ALERT "submitted an event that is not an association's to tell of"
			   "\"," FROM "}\n"));
	assert_non_null(strstr(log, ABORTED "}\n"));
	assert_non_null(strstr(log, "\"event\":\"alert\",\"outcome\":\"raised\","
				    "\"reason\":\"internal\"}\n"));
	free(log);
}

/* However often it asks, it has one line, and what it said stands. */
static void a_second_line_takes_the_firsts_place(void **state)
{
	struct fixture *fixture = *state;
	struct audit_record accepted = association_of(AUDIT_ACCEPTED);
	start_auditor(fixture);
	int line = open_line(fixture);
	assert_int_equal(audit_submit(line, &accepted, WAIT_MS), AUDIT_DURABLE);
	assert_int_equal(begin(line, "1.2.3"), 0);
	assert_int_equal(audit_last_fragment(line), 0);
	catch_up(fixture);
	size_t before = open_descriptors(fixture->auditor);
	for (int i = 0; i < 20; i++) {
		int successor = renew_line(fixture);
		assert_closed(line);
		line = successor;
	}
	assert_true(open_descriptors(fixture->auditor) <= before);
	struct audit_record other = stolen(AUDIT_ASSOCIATION, AUDIT_ACCEPTED);
	assert_int_equal(audit_announce(line, &other), 0);
	assert_int_equal(begin(line, "1.2.3"), 0);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture, "\"association\",\"outcome\":\"accepted\"," FROM WHO "}",
		   CAUGHT_UP, UNCONFIRMED WHO UID, ABORTED WHO "}");
}

static void a_second_line_hides_no_instance(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int first = open_line(fixture);
	assert_int_equal(begin(first, "1.2.3"), 0);
	assert_int_equal(submit_stolen(first, AUDIT_INSTANCE, AUDIT_FORWARDED),
			 AUDIT_DURABLE);
	assert_int_equal(begin(first, "1.2.3"), 0);
	assert_int_equal(submit(first, AUDIT_ASSOCIATION, AUDIT_ACCEPTED), AUDIT_DURABLE);
	int second = renew_line(fixture);
	assert_closed(first);
	assert_int_equal(begin(second, "1.2.4"), 0);
	assert_closed(second);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture, "\"instance\",\"outcome\":\"forwarded\"," FROM OTHER "}",
		   "\"association\",\"outcome\":\"accepted\"," FROM "}",
		   ALERT "began an instance within another\"," FROM "}", FAILED UID,
		   ABORTED "}");
}

static void whose_line_has_ended_gets_no_other(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ALERT, AUDIT_RAISED), AUDIT_GONE);
	close(line);
	for (int i = 0; i < 3; i++)
		assert_closed(renew_line(fixture));
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture), errors[128];
	assert_int_equal(count_of(log, "\n"), 2);
	free(log);
	snprintf(errors, sizeof(errors), "%s/errors", fixture->directory);
	log = read_file(errors);
	assert_int_equal(count_of(log, "asked for a new channel"), 1);
	free(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_renewed_line_may_end_in_silence),
		TEST(what_was_announced_completes_the_last_words),
		TEST(the_accepted_name_stays),
		TEST(before_it_is_accepted_no_name_stays),
		TEST(only_the_first_message_announces),
		TEST(an_alert_is_the_supervisors_to_raise),
		TEST(a_second_line_takes_the_firsts_place),
		TEST(a_second_line_hides_no_instance),
		TEST(whose_line_has_ended_gets_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
