/*
 * Goal: what the auditor answers for is on disk, in order, said of the right association;
 * and whoever dies or misbehaves on a line gets the line that he deserves, and no more.
 */
#include "audit_fixture.h"

#include "audit/client/message.h"
#include "cathgate/base/descriptors.h"

#define FROM	 "\"association\":\"" ASSOCIATION "\",\"peer\":\"" PEER "\""
#define ENDED	 "\"detail\":\"its process ended without a last word\""
#define ABORTED	 "\"association\",\"outcome\":\"aborted\",\"reason\":\"internal\"," ENDED
#define ACCEPTED "\"association\",\"outcome\":\"accepted\"," FROM
#define RULES                                                                  \
	"\"alert\",\"outcome\":\"raised\",\"reason\":\"internal\",\"detail\":" \
	"\"an association's process broke the auditor's rules: "

static struct audit_record instance_of(const char *sop_instance,
				       enum audit_outcome outcome)
{
	struct audit_record record = record_of(AUDIT_INSTANCE, outcome);
	snprintf(record.sop_instance, sizeof(record.sop_instance), "%s", sop_instance);
	strcpy(record.modality, "angio-3");
	return record;
}

static void a_day_is_written_in_order(void **state)
{
	struct fixture *fixture = *state;
	mode_t before = umask(077); /* changes nothing of the log's mode */
	start_auditor(fixture);
	umask(before);
	struct audit_record start = record_of(AUDIT_START, AUDIT_NO_OUTCOME);
	struct audit_record stop = record_of(AUDIT_STOP, AUDIT_NO_OUTCOME);
	struct audit_record refused = record_of(AUDIT_ASSOCIATION, AUDIT_REFUSED);
	struct audit_record instance = instance_of("1.2.3", AUDIT_NO_OUTCOME);
	refused.reason = REASON_LIMIT_ASSOCIATIONS;
	assert_int_equal(audit_tell(fixture->control, NULL, &start), 0);
	assert_int_equal(audit_tell(fixture->control, "192.0.2.9:1", &refused), 0);
	struct audit_record accepted = record_of(AUDIT_ASSOCIATION, AUDIT_ACCEPTED);
	strcpy(accepted.modality, "angio-3");
	int line = open_line(fixture);
	assert_int_equal(audit_submit(line, &accepted, WAIT_MS), AUDIT_DURABLE);
	assert_int_equal(audit_begin(line, &instance), 0);
	assert_int_equal(audit_last_fragment(line), 0);
	instance.outcome = AUDIT_FORWARDED;
	instance.status = 0;
	assert_int_equal(audit_submit(line, &instance, WAIT_MS), AUDIT_DURABLE);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(audit_tell(fixture->control, NULL, &stop), 0);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture, "\"start\"}",
		   "\"association\",\"outcome\":\"refused\","
		   "\"reason\":\"limit-associations\",\"peer\":\"192.0.2.9:1\"}",
		   ACCEPTED ",\"modality\":\"angio-3\"}",
		   "\"instance\",\"outcome\":\"forwarded\"," FROM
		   ",\"modality\":\"angio-3\",\"sop_instance\":\"1.2.3\",\"status\":"
		   "\"0000\"}",
		   "\"association\",\"outcome\":\"released\"," FROM
		   ",\"modality\":\"angio-3\"}",
		   "\"stop\"}");
	struct stat status;
	assert_int_equal(stat(fixture->log, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
}

static void no_answer_before_the_sync(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int line = open_line(fixture);
	atomic_store(&sync_hook->is_held, 1);
	struct audit_record record = record_of(AUDIT_ASSOCIATION, AUDIT_ACCEPTED);
	assert_int_equal(audit_submit(line, &record, 100), AUDIT_SLOW);
	atomic_store(&sync_hook->is_held, 0);
	/* The answer that came too late is not taken for this one's. */
	atomic_store(&sync_hook->delay_us, 20000);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	assert_int_equal(atomic_load(&sync_hook->count), 2);
	ASSERT_LOG(fixture, ACCEPTED "}",
		   "\"association\",\"outcome\":\"released\"," FROM "}");
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
}

#define SENDERS	      8
#define RECORDS_EACH  100
#define SYNC_DELAY_US 500

static void send_many(int line)
{
	for (int i = 0; i < RECORDS_EACH; i++) {
		char uid[16];
		snprintf(uid, sizeof(uid), "1.2.%d", i);
		struct audit_record record = instance_of(uid, AUDIT_FORWARDED);
		if (audit_begin(line, &record) || audit_last_fragment(line) ||
		    audit_submit(line, &record, WAIT_MS))
			_exit(1);
	}
	_exit(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED) ? 1 : 0);
}

static void many_share_one_sync(void **state)
{
	struct fixture *fixture = *state;
	pid_t senders[SENDERS];
	start_auditor(fixture);
	atomic_store(&sync_hook->delay_us, SYNC_DELAY_US);
	for (int i = 0; i < SENDERS; i++) {
		char association[AUDIT_ASSOCIATION_ID_SIZE];
		snprintf(association, sizeof(association), "%016x", i);
		int line = audit_channel_open(fixture->control, association, PEER);
		senders[i] = fork();
		if (senders[i] == 0)
			send_many(line);
		close(line);
	}
	for (int i = 0; i < SENDERS; i++) {
		int status;
		waitpid(senders[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture);
	const char *at = log;
	for (size_t i = 0; i < SENDERS * (RECORDS_EACH + 1); i++) {
		char head[32];
		snprintf(head, sizeof(head), "{\"seq\":%zu,", i);
		assert_memory_equal(at, head, strlen(head));
		at = strchr(at, '\n') + 1;
	}
	assert_string_equal(at, "");
	assert_int_equal(count_of(log, "\"forwarded\""), SENDERS * RECORDS_EACH);
	assert_true(atomic_load(&sync_hook->count) < SENDERS * RECORDS_EACH / 2);
	free(log);
}

static void the_dead_get_their_lines(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	for (int how = 0; how < 4; how++) {
		int line = open_line(fixture);
		struct audit_record instance = instance_of("1.2.3", AUDIT_NO_OUTCOME);
		struct audit_record accepted =
			record_of(AUDIT_ASSOCIATION, AUDIT_ACCEPTED);
		strcpy(accepted.calling_ae, "CATHLAB3");
		strcpy(accepted.modality, "angio-3");
		if (how > 0)
			assert_int_equal(audit_submit(line, &accepted, WAIT_MS),
					 AUDIT_DURABLE);
		if (how > 1)
			assert_int_equal(audit_begin(line, &instance), 0);
		if (how > 2)
			assert_int_equal(audit_last_fragment(line), 0);
		close(line);
	}
	assert_int_equal(end_of_auditor(fixture), 0);
#define WHO ",\"modality\":\"angio-3\",\"calling_ae\":\"CATHLAB3\""
	const char accepted[] = ACCEPTED WHO "}";
	const char aborted[] = ABORTED "," FROM WHO "}";
	const char *const lines[] = {
		ABORTED "," FROM "}",
		accepted,
		aborted,
		accepted,
		"\"instance\",\"outcome\":\"failed\",\"reason\":\"internal\"," ENDED
		"," FROM WHO ",\"sop_instance\":\"1.2.3\"}",
		aborted,
		accepted,
		"\"instance\",\"outcome\":\"unconfirmed\",\"reason\":\"internal\"," ENDED
		"," FROM WHO ",\"sop_instance\":\"1.2.3\"}",
		aborted,
	};
	char *log = read_plain(fixture);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(log, lines[i]))
			fail_msg("%s\nis not in\n%s", lines[i], log);
	assert_int_equal(count_of(log, "\n"), 9);
	free(log);
}

static void the_supervisors_reason_is_written(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int line = open_line(fixture);
	struct audit_record instance = instance_of("1.2.3", AUDIT_NO_OUTCOME);
	assert_int_equal(audit_begin(line, &instance), 0);
	assert_int_equal(
		audit_channel_ending(fixture->control, "no such one", REASON_IDLE, NULL),
		0);
	assert_int_equal(audit_channel_ending(fixture->control, ASSOCIATION,
					      REASON_GATEWAY_STOPPING, NULL),
			 0);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture,
		   "\"instance\",\"outcome\":\"failed\",\"reason\":\"gateway-"
		   "stopping\"," ENDED "," FROM
		   ",\"modality\":\"angio-3\",\"sop_instance\":\"1.2.3\"}",
		   "\"association\",\"outcome\":\"aborted\",\"reason\":\"gateway-"
		   "stopping\"," ENDED "," FROM "}");
}

/* The supervisor reaps the process only after its channel has closed. */
static void how_a_process_died_is_written(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int line = open_line(fixture);
	struct audit_record instance = instance_of("1.2.3", AUDIT_NO_OUTCOME);
	assert_int_equal(audit_begin(line, &instance), 0);
	close(line);
	assert_int_equal(audit_channel_ending(fixture->control, ASSOCIATION,
					      REASON_INTERNAL, "it called execve"),
			 0);
	/* Its lines come before those of whoever comes next. */
	line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_REFUSED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture,
		   "\"instance\",\"outcome\":\"failed\",\"reason\":\"internal\","
		   "\"detail\":\"it called execve\"," FROM
		   ",\"modality\":\"angio-3\",\"sop_instance\":\"1.2.3\"}",
		   "\"association\",\"outcome\":\"aborted\",\"reason\":\"internal\","
		   "\"detail\":\"it called execve\"," FROM "}",
		   "\"association\",\"outcome\":\"refused\"," FROM "}");
}

/* Each sends one thing that it may not. */
static size_t make_bad(int which, struct message_said *message, const char **ret_fault)
{
	*message = (struct message_said){ .head = { .kind = MESSAGE_SUBMIT } };
	struct audit_record *record = &message->record;
	*record = record_of(AUDIT_INSTANCE, AUDIT_FORWARDED);
	*ret_fault = "it submitted an outcome that this event can't have";
	switch (which) {
	case 0:
		*ret_fault = "it sent a message of no known size";
		return 1;
	case 1:
		*ret_fault = "it sent a message of no known size";
		return sizeof(*message) - 1;
	case 2:
		*ret_fault = "it sent a message of no known size";
		return sizeof(*message) + 1;
	case 3:
		message->head.kind = 99;
		*ret_fault = "it sent a message of no known kind";
		break;
	case 4:
		memset(record->detail, 'x', sizeof(record->detail));
		*ret_fault = "it sent a malformed record";
		break;
	case 5:
		record->event = AUDIT_START;
		record->outcome = AUDIT_NO_OUTCOME;
		*ret_fault =
			"it submitted an event that is not an association's to tell of";
		break;
	case 6:
		record->outcome = AUDIT_RELEASED;
		break;
	case 7:
		record->event = AUDIT_ASSOCIATION;
		break;
	case 8:
		record->event = AUDIT_ALERT;
		record->outcome = AUDIT_RAISED;
		*ret_fault =
			"it submitted an event that is not an association's to tell of";
		break;
	case 9:
		message->head.kind = MESSAGE_BEGIN;
		record->event = AUDIT_ASSOCIATION;
		*ret_fault = "it began what is no instance";
		break;
	case 10:
		message->head.kind = MESSAGE_LAST_FRAGMENT;
		*ret_fault = "it told of the last fragment of no instance";
		return sizeof(message->head);
	case 11:
		message->head.kind = MESSAGE_TELL;
		*ret_fault = "it sent a message of no known kind";
		break;
	case 12:
		message->head.kind = MESSAGE_ANNOUNCE;
		*ret_fault = "it announced what is no standing association";
		break;
	case 13:
		message->head.kind = MESSAGE_ANNOUNCE;
		*record = record_of(AUDIT_ASSOCIATION, AUDIT_RELEASED);
		*ret_fault = "it announced what is no standing association";
		break;
	default:
		return 0;
	}
	return sizeof(*message);
}

static void who_breaks_the_rules_is_cut_off(void **state)
{
	struct fixture *fixture = *state;
	struct {
		struct message_said message;
		char more;
	} bad = { .more = 0 };
	const char *fault;
	size_t size;
	start_auditor(fixture);
	int good = audit_channel_open(fixture->control, "good", PEER);
	for (int which = 0; (size = make_bad(which, &bad.message, &fault)) > 0; which++) {
		char alert[256], byte;
		int line = open_line(fixture);
		assert_int_equal(send(line, &bad, size, 0), size);
		assert_int_equal(recv(line, &byte, 1, 0), 0);
		close(line);
		assert_int_equal(submit(good, AUDIT_ASSOCIATION, AUDIT_ACCEPTED),
				 AUDIT_DURABLE);
		snprintf(alert, sizeof(alert), RULES "%s\"," FROM "}\n", fault);
		char *log = read_plain(fixture);
		if (!strstr(log, alert))
			fail_msg("%d: %s\nis not in\n%s", which, alert, log);
		assert_int_equal(count_of(log, "\n"), 3 * (which + 1));
		free(log);
	}
	assert_int_equal(submit(good, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(good);
	assert_int_equal(end_of_auditor(fixture), 0);
}

static void nothing_nested_and_nothing_after_the_last_word(void **state)
{
	struct fixture *fixture = *state;
	struct audit_record instance = instance_of("1.2.3", AUDIT_NO_OUTCOME);
	start_auditor(fixture);
	int line = open_line(fixture);
	assert_int_equal(audit_begin(line, &instance), 0);
	assert_int_equal(audit_begin(line, &instance), 0);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_GONE);
	close(line);
	line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_ACCEPTED), AUDIT_GONE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture, RULES "it began an instance within another\"," FROM "}",
		   "\"instance\",\"outcome\":\"failed\",\"reason\":\"internal\"," ENDED
		   "," FROM ",\"modality\":\"angio-3\",\"sop_instance\":\"1.2.3\"}",
		   ABORTED "," FROM "}",
		   "\"association\",\"outcome\":\"released\"," FROM "}",
		   RULES "it sent something after its last word\"," FROM "}");
}

static void one_who_does_not_read_is_cut_off(void **state)
{
	struct fixture *fixture = *state;
	struct message_said message = { .head = { .kind = MESSAGE_SUBMIT } };
	message.record = record_of(AUDIT_INSTANCE, AUDIT_REFUSED);
	start_auditor(fixture);
	int line = open_line(fixture);
	int64_t deadline_ms = clock_ms() + WAIT_MS;
	while (send(line, &message, sizeof(message), MSG_NOSIGNAL) > 0)
		assert_true(clock_ms() < deadline_ms);
	assert_int_equal(errno, EPIPE);
	close(line);
	line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
}

static void descriptors_of_a_peer_are_not_taken(void **state)
{
	struct fixture *fixture = *state;
	struct message_said message = { .head = { .kind = MESSAGE_SUBMIT } };
	message.record = record_of(AUDIT_INSTANCE, AUDIT_REFUSED);
	start_auditor(fixture);
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_INSTANCE, AUDIT_REFUSED), AUDIT_DURABLE);
	size_t before = open_descriptors(fixture->auditor);
	assert_int_equal(descriptors_send(line, &message, sizeof(message), &line, 1, 0),
			 0);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	assert_int_equal(open_descriptors(fixture->auditor), before);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
}

static const char key_text[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

static void the_patient_is_written_as_configured(void **state)
{
	struct fixture *fixture = *state;
	struct config_audit *audit = &fixture->config.audit;
	char key[128];
	snprintf(key, sizeof(key), "%s/key", fixture->directory);
	int fd = open(key, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, key_text, sizeof(key_text) - 1), sizeof(key_text) - 1);
	close(fd);
	for (int how = 0; how < 4; how++) {
		static const enum config_patient_id modes[] = { CONFIG_PATIENT_PSEUDONYM,
								CONFIG_PATIENT_PSEUDONYM,
								CONFIG_PATIENT_OMIT,
								CONFIG_PATIENT_CLEAR };
		audit->patient_id = modes[how];
		audit->pseudonym_key.path = how == 1 ? NULL : key;
		start_auditor(fixture);
		struct audit_record record = record_of(AUDIT_INSTANCE, AUDIT_REFUSED);
		strcpy(record.patient_id, "PAT-4711");
		int line = open_line(fixture);
		assert_int_equal(audit_submit(line, &record, WAIT_MS), AUDIT_DURABLE);
		assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED),
				 AUDIT_DURABLE);
		close(line);
		assert_int_equal(end_of_auditor(fixture), 0);
	}
	const char released[] = "\"association\",\"outcome\":\"released\"," FROM "}";
	const char *const lines[] = {
		"\"instance\",\"outcome\":\"refused\"," FROM ",\"patient\":"
		"\"f2fc9c0639a8a8a7d29fa4fb393add0120a7ba8a149cd9c11518870e939aac89\"}",
		released,
		"\"instance\",\"outcome\":\"refused\"," FROM "}",
		released,
		"\"instance\",\"outcome\":\"refused\"," FROM "}",
		released,
		"\"instance\",\"outcome\":\"refused\"," FROM ",\"patient\":\"PAT-4711\"}",
		released,
	};
	assert_log(fixture, lines, sizeof(lines) / sizeof(lines[0]));
}

static void signals_do_not_end_it(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int line = open_line(fixture);
	kill(fixture->auditor, SIGINT);
	kill(fixture->auditor, SIGTERM);
	kill(fixture->auditor, SIGHUP);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_ACCEPTED), AUDIT_DURABLE);
	/* Told to stop, it still serves who is there. */
	close(fixture->control);
	fixture->control = -1;
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_day_is_written_in_order),
		TEST(no_answer_before_the_sync),
		TEST(many_share_one_sync),
		TEST(the_dead_get_their_lines),
		TEST(the_supervisors_reason_is_written),
		TEST(how_a_process_died_is_written),
		TEST(who_breaks_the_rules_is_cut_off),
		TEST(nothing_nested_and_nothing_after_the_last_word),
		TEST(one_who_does_not_read_is_cut_off),
		TEST(descriptors_of_a_peer_are_not_taken),
		TEST(the_patient_is_written_as_configured),
		TEST(signals_do_not_end_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
