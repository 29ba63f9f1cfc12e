/*
 * Goal: a courier tells of deliveries to its destination and of nothing else, the spooler
 * of what became of objects and never that a PACS has one; whoever breaks that loses the
 * channel. A courier goes on while its records become durable, and hears of each in their
 * order; should it die, the delivery in hand has its line.
 */
#include <sys/resource.h>

#include "audit/client/message.h"
#include "audit_fixture.h"

#define COURIER "c0c0c0c0c0c0c0c0"
#define CAME_BY ",\"association\":\"" ASSOCIATION "\""
#define WHAT                                                             \
	CAME_BY ",\"modality\":\"angio-3\",\"calling_ae\":\"CATHLAB3\"," \
		"\"called_ae\":\"PACS\",\"destination\":\"pacs\","       \
		"\"sop_instance\":\"1.2.3\""
#define DELIVERY(outcome) "\"delivery\",\"outcome\":\"" outcome "\""
#define DIED                        \
	",\"reason\":\"internal\"," \
	"\"detail\":\"the courier's process ended without a last word\""
#define RULES                                                                      \
	"\"alert\",\"outcome\":\"raised\",\"reason\":\"internal\",\"detail\":\"a " \
	"courier's process broke the auditor's rules: "

static struct audit_record delivery_of(const char *sop_instance,
				       enum audit_outcome outcome)
{
	struct audit_record record = record_of(AUDIT_DELIVERY, outcome);
	strcpy(record.came_by, ASSOCIATION);
	strcpy(record.modality, "angio-3");
	strcpy(record.calling_ae, "CATHLAB3");
	strcpy(record.called_ae, "PACS");
	strcpy(record.destination, "pacs");
	strcpy(record.sop_instance, sop_instance);
	return record;
}

static int open_courier(struct fixture *fixture)
{
	int channel = audit_courier_open(fixture->control, COURIER, "pacs");
	assert_true(channel >= 0);
	return channel;
}

/* Of another process each time. */
static int open_another(struct fixture *fixture)
{
	static unsigned number;
	char id[AUDIT_ASSOCIATION_ID_SIZE];
	snprintf(id, sizeof(id), "%016x", ++number);
	int channel = audit_courier_open(fixture->control, id, "pacs");
	assert_true(channel >= 0);
	return channel;
}

static int open_spooler(struct fixture *fixture)
{
	int channel = audit_spooler_open(fixture->control);
	assert_true(channel >= 0);
	return channel;
}

static int begin(int channel, const char *sop_instance)
{
	struct audit_record record = delivery_of(sop_instance, AUDIT_NO_OUTCOME);
	return audit_begin(channel, &record);
}

static enum audit_taken deliver(int channel, const char *sop_instance,
				enum audit_outcome outcome)
{
	struct audit_record record = delivery_of(sop_instance, outcome);
	return audit_submit(channel, &record, WAIT_MS);
}

static void submit_soon(int channel, const char *sop_instance)
{
	struct audit_record record = delivery_of(sop_instance, AUDIT_FORWARDED);
	assert_int_not_equal(audit_submit_soon(channel, &record), 0);
}

static bool has_answer(int channel, int wait_ms)
{
	struct pollfd poll_one = { .fd = channel, .events = POLLIN };
	return poll(&poll_one, 1, wait_ms) == 1;
}

static enum audit_taken next_taken(int channel, uint32_t *ret_number)
{
	assert_true(has_answer(channel, WAIT_MS));
	return audit_taken_of(channel, ret_number);
}

/* The auditor has closed it. */
static void assert_closed(int channel)
{
	uint32_t number;
	assert_int_equal(next_taken(channel, &number), AUDIT_GONE);
	close(channel);
}

/* What is answered here is written no sooner than what other channels had waiting. */
static void catch_up(struct fixture *fixture)
{
	int channel = open_another(fixture);
	assert_int_equal(deliver(channel, "1.2.3", AUDIT_FAILED), AUDIT_DURABLE);
	close(channel);
}

static void wait_for_line(const struct fixture *fixture, const char *part)
{
	char *log = read_file(fixture->log);
	for (int i = 0; i < WAIT_MS && !strstr(log, part); i++) {
		free(log);
		usleep(1000);
		log = read_file(fixture->log);
	}
	assert_non_null(strstr(log, part));
	free(log);
}

static void a_delivery_has_its_members_and_no_others(void **state)
{
	struct fixture *fixture = *state;
	struct audit_record record = delivery_of("1.2.3", AUDIT_FORWARDED);
	strcpy(record.certificate, "c0ffee");
	strcpy(record.subject, "CN=angio-3");
	strcpy(record.shown_certificate, "0ff1ce");
	strcpy(record.tls_version, "TLSv1.3");
	strcpy(record.sop_class, "1.2.840.10008.5.1.4.1.1.12.1");
	strcpy(record.study, "1.2.4");
	strcpy(record.patient_id, "4711");
	strcpy(record.transfer_syntax, "1.2.840.10008.1.2.1");
	strcpy(record.sha256, "abcd");
	record.bytes = 512;
	record.status = 0xB000;
	record.wait_ms = 5;
	record.total_ms = 17;
	fixture->config.audit.patient_id = CONFIG_PATIENT_CLEAR;
	start_auditor(fixture);
	int channel = open_courier(fixture);
	assert_int_equal(audit_submit(channel, &record, WAIT_MS), AUDIT_DURABLE);
	record.came_by[0] = '\0';
	record.patient_id[0] = '\0';
	assert_int_equal(audit_submit(channel, &record, WAIT_MS), AUDIT_DURABLE);
	close(channel);
	assert_int_equal(end_of_auditor(fixture), 0);
#define REST                                                                     \
	",\"modality\":\"angio-3\",\"calling_ae\":\"CATHLAB3\",\"called_ae\":"   \
	"\"PACS\",\"destination\":\"pacs\",\"sop_class\":"                       \
	"\"1.2.840.10008.5.1.4.1.1.12.1\",\"sop_instance\":\"1.2.3\",\"study\":" \
	"\"1.2.4\"%s,\"transfer_syntax\":\"1.2.840.10008.1.2.1\",\"bytes\":512," \
	"\"sha256\":\"abcd\",\"status\":\"B000\",\"wait_ms\":5,\"total_ms\":17}"
	char with[1024], without[1024];
	snprintf(with, sizeof(with), DELIVERY("forwarded") CAME_BY REST,
		 ",\"patient\":\"4711\"");
	snprintf(without, sizeof(without), DELIVERY("forwarded") REST, "");
	const char *const lines[] = { with, without };
	assert_log(fixture, lines, 2);
}

static void each_tells_what_it_can_know(void **state)
{
	static const struct {
		enum audit_outcome outcome;
		bool is_couriers, is_spoolers;
	} cases[] = {
		{ AUDIT_NO_OUTCOME, false, false }, { AUDIT_FORWARDED, true, false },
		{ AUDIT_REFUSED, false, false },    { AUDIT_FAILED, true, false },
		{ AUDIT_UNCONFIRMED, true, false }, { AUDIT_ACCEPTED, false, false },
		{ AUDIT_RELEASED, false, false },   { AUDIT_ABORTED, false, false },
		{ AUDIT_DONE, false, false },	    { AUDIT_RAISED, false, false },
		{ AUDIT_REMOVED, false, false },    { AUDIT_SPOOLED, false, false },
		{ AUDIT_DEAD, true, true },	    { AUDIT_GIVEN_UP, true, true },
		{ AUDIT_HELD, false, true },	    { AUDIT_DROPPED, false, true },
		{ AUDIT_EXPORTED, false, true },    { AUDIT_QUEUED, false, true },
	};
	struct fixture *fixture = *state;
	assert_int_equal(sizeof(cases) / sizeof(cases[0]), AUDIT_OUTCOME_COUNT);
	start_auditor(fixture);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int courier = open_another(fixture), spooler = open_spooler(fixture);
		enum audit_taken taken = deliver(courier, "1.2.3", cases[i].outcome);
		if (taken != (cases[i].is_couriers ? AUDIT_DURABLE : AUDIT_GONE))
			fail_msg("a courier's \"%s\"",
				 audit_outcome_name(cases[i].outcome));
		taken = deliver(spooler, "1.2.3", cases[i].outcome);
		if (taken != (cases[i].is_spoolers ? AUDIT_DURABLE : AUDIT_GONE))
			fail_msg("the spooler's \"%s\"",
				 audit_outcome_name(cases[i].outcome));
		close(courier);
		close(spooler);
	}
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture);
	assert_int_equal(count_of(log, "the spooler broke the auditor's rules: it "
				       "submitted an outcome that only a courier can "
				       "know\"}\n"),
			 3);
	assert_int_equal(count_of(log,
				  "it submitted an outcome that only the spooler can "
				  "know\",\"destination\":\"pacs\"}\n"),
			 4);
	free(log);
}

static void the_spooler_tells_of_any_destination(void **state)
{
	struct fixture *fixture = *state;
	struct audit_record record = delivery_of("1.2.3", AUDIT_DROPPED);
	start_auditor(fixture);
	int channel = open_spooler(fixture);
	assert_int_equal(audit_submit(channel, &record, WAIT_MS), AUDIT_DURABLE);
	strcpy(record.destination, "archive");
	assert_int_equal(audit_submit(channel, &record, WAIT_MS), AUDIT_DURABLE);
	close(channel);
	/* Its successor is another process, and has no id. */
	channel = open_spooler(fixture);
	assert_int_equal(audit_submit(channel, &record, WAIT_MS), AUDIT_DURABLE);
	close(channel);
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture);
	assert_int_equal(count_of(log, "\n"), 3);
	assert_int_equal(count_of(log, "\"dropped\""), 3);
	assert_int_equal(count_of(log, "\"destination\":\"archive\""), 2);
	free(log);
}

static int break_rule(int which, int channel, const char **ret_fault)
{
	struct audit_record record = delivery_of("1.2.3", AUDIT_NO_OUTCOME);
	*ret_fault = "it began what is no delivery";
	switch (which) {
	case 0:
		record.event = AUDIT_INSTANCE;
		return audit_begin(channel, &record);
	case 1:
		*ret_fault = "it began a delivery to another destination";
		strcpy(record.destination, "archive");
		return audit_begin(channel, &record);
	case 2:
		*ret_fault = "it began an instance within another";
		return audit_begin(channel, &record) | begin(channel, "1.2.4");
	case 3:
		*ret_fault = "it told of the last fragment of no instance";
		return audit_last_fragment(channel);
	case 4:
		*ret_fault = "it announced what is no standing association";
		record.event = AUDIT_ASSOCIATION;
		return audit_announce(channel, &record);
	case 5:
		*ret_fault = "it submitted a delivery to another destination";
		record.outcome = AUDIT_FORWARDED;
		strcpy(record.destination, "archive");
		break;
	case 6:
		*ret_fault = "it submitted what is no delivery";
		record.event = AUDIT_INSTANCE;
		record.outcome = AUDIT_FORWARDED;
		break;
	case 7:
		*ret_fault = "it submitted what is no delivery";
		record.event = AUDIT_ALERT;
		record.outcome = AUDIT_RAISED;
		break;
	case 8:
		*ret_fault = "it submitted what is no delivery";
		record.event = AUDIT_ASSOCIATION;
		record.outcome = AUDIT_RELEASED;
		break;
	case 9:
		*ret_fault = "it sent a malformed record";
		record.outcome = AUDIT_FORWARDED;
		strcpy(record.came_by, "0123456789ABCDEF");
		break;
	default:
		*ret_fault = NULL;
		return 0;
	}
	return audit_submit(channel, &record, WAIT_MS) == AUDIT_GONE ? 0 : -1;
}

static void a_courier_that_breaks_a_rule_is_shut_out(void **state)
{
	struct fixture *fixture = *state;
	const char *fault;
	start_auditor(fixture);
	for (int which = 0;; which++) {
		char alert[256];
		int channel = open_another(fixture);
		assert_int_equal(break_rule(which, channel, &fault), 0);
		if (!fault) {
			close(channel);
			break;
		}
		assert_closed(channel);
		catch_up(fixture);
		snprintf(alert, sizeof(alert), RULES "%s\",\"destination\":\"pacs\"}\n",
			 fault);
		char *log = read_plain(fixture);
		if (!strstr(log, alert))
			fail_msg("%d: %s\nis not in\n%s", which, alert, log);
		free(log);
	}
	/* An association is no courier. */
	int line = open_line(fixture);
	assert_int_equal(deliver(line, "1.2.3", AUDIT_FORWARDED), AUDIT_GONE);
	close(line);
	/* The spooler is none, either. */
	int spooler = open_spooler(fixture);
	assert_int_equal(begin(spooler, "1.2.3"), 0);
	assert_closed(spooler);
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture);
	assert_int_equal(count_of(log, "\"forwarded\""), 0);
	assert_non_null(
		strstr(log, "it submitted an event that is not an association's"));
	assert_non_null(strstr(log, "it began a delivery, which only a courier does"));
	free(log);
}

static void a_dying_couriers_delivery_has_its_line(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	/* With nothing in hand there is nothing to tell. */
	int channel = open_another(fixture);
	assert_int_equal(begin(channel, "1.2.3"), 0);
	assert_int_equal(audit_last_fragment(channel), 0);
	assert_int_equal(deliver(channel, "1.2.3", AUDIT_FORWARDED), AUDIT_DURABLE);
	close(channel);
	channel = open_courier(fixture);
	assert_int_equal(begin(channel, "1.2.3"), 0);
	/* A record of another object leaves it in hand. */
	assert_int_equal(deliver(channel, "1.2.4", AUDIT_FAILED), AUDIT_DURABLE);
	close(channel);
	assert_int_equal(
		audit_channel_ending(fixture->control, COURIER, REASON_INTERNAL, NULL),
		0);
	wait_for_line(fixture, DIED);
	/* Of this one nobody says how it died: the control socket's end is as good. */
	channel = open_another(fixture);
	assert_int_equal(begin(channel, "1.2.3"), 0);
	assert_int_equal(audit_last_fragment(channel), 0);
	close(channel);
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture);
	assert_int_equal(count_of(log, "\n"), 4);
	free(log);
	ASSERT_LOG(fixture, DELIVERY("forwarded") WHAT "}",
		   DELIVERY("failed") CAME_BY
		   ",\"modality\":\"angio-3\",\"calling_ae\":\"CATHLAB3\",\"called_ae\":"
		   "\"PACS\",\"destination\":\"pacs\",\"sop_instance\":\"1.2.4\"}",
		   DELIVERY("failed") DIED WHAT "}",
		   DELIVERY("unconfirmed") DIED WHAT "}");
}

static void the_supervisor_says_how_a_courier_died(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int channel = open_courier(fixture);
	assert_int_equal(begin(channel, "1.2.3"), 0);
	assert_int_equal(audit_channel_ending(fixture->control, COURIER,
					      REASON_GATEWAY_STOPPING,
					      "its process was told to stop"),
			 0);
	close(channel);
	assert_int_equal(end_of_auditor(fixture), 0);
	ASSERT_LOG(fixture, DELIVERY("failed") ",\"reason\":\"gateway-stopping\","
					       "\"detail\":\"its process was told to "
					       "stop\"" WHAT "}");
}

static void a_second_channel_goes_on_with_the_first(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	int first = open_courier(fixture);
	assert_int_equal(begin(first, "1.2.3"), 0);
	assert_int_equal(audit_last_fragment(first), 0);
	/* Answered behind what came before it. */
	assert_int_equal(deliver(first, "1.2.4", AUDIT_FAILED), AUDIT_DURABLE);
	int second = open_courier(fixture);
	assert_closed(first);
	/* Nobody gets another's. */
	assert_closed(audit_courier_open(fixture->control, COURIER, "archive"));
	assert_closed(audit_channel_renew(fixture->control, COURIER, PEER));
	assert_int_equal(begin(second, "1.2.3"), 0);
	close(second);
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture);
	assert_int_equal(count_of(log, "\n"), 2);
	assert_int_equal(count_of(log, DELIVERY("unconfirmed") DIED WHAT "}"), 1);
	free(log);
}

static void an_id_is_one_processes(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	close(open_courier(fixture)); /* got lost on its way */
	int channel = open_courier(fixture);
	assert_int_equal(deliver(channel, "1.2.3", AUDIT_FORWARDED), AUDIT_DURABLE);
	close(channel);
	catch_up(fixture);
	assert_closed(open_courier(fixture));
	assert_int_equal(end_of_auditor(fixture), 0);
}

/* More than may be outstanding: the rest waits in the channel. */
static void answers_come_in_order(void **state)
{
	enum { MANY = 2 * AUDIT_OUTSTANDING_MAX + 3 };
	struct fixture *fixture = *state;
	uint32_t numbers[MANY], number;
	start_auditor(fixture);
	int channel = open_courier(fixture);
	assert_int_equal(audit_taken_of(channel, &number), AUDIT_SLOW);
	atomic_store(&sync_hook->is_held, 1);
	for (int i = 0; i < MANY; i++) {
		struct audit_record record = delivery_of("1.2.3", AUDIT_FORWARDED);
		snprintf(record.sop_instance, sizeof(record.sop_instance), "1.2.%d", i);
		numbers[i] = audit_submit_soon(channel, &record);
		assert_int_not_equal(numbers[i], 0);
	}
	assert_int_equal(audit_taken_of(channel, &number), AUDIT_SLOW);
	atomic_store(&sync_hook->is_held, 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(next_taken(channel, &number), AUDIT_DURABLE);
		assert_int_equal(number, numbers[i]);
	}
	assert_int_equal(audit_taken_of(channel, &number), AUDIT_SLOW);
	close(channel);
	assert_int_equal(end_of_auditor(fixture), 0);
	char *log = read_plain(fixture), *at = log;
	for (int i = 0; i < MANY; i++) {
		char uid[32];
		snprintf(uid, sizeof(uid), "\"1.2.%d\"}\n", i);
		at = strstr(at, uid);
		assert_non_null(at);
	}
	free(log);
}

/* Nothing waits for a courier's record but an object that is safe. So the auditor answers
 * when it is durable, loses none, and doesn't turn in vain until then. */
static void a_full_disk_is_waited_out(void **state)
{
	enum { MANY = AUDIT_OUTSTANDING_MAX + 4 };
	struct fixture *fixture = *state;
	struct rlimit limit = { .rlim_cur = 100, .rlim_max = RLIM_INFINITY };
	struct rusage used;
	uint32_t number;
	start_auditor(fixture);
	int channel = open_courier(fixture), line = open_line(fixture);
	assert_int_equal(prlimit(fixture->auditor, RLIMIT_FSIZE, &limit, NULL), 0);
	for (int i = 0; i < MANY; i++)
		submit_soon(channel, "1.2.3");
	assert_int_equal(next_word(fixture), AUDIT_FULL);
	/* A modality waits for this one. */
	assert_int_equal(submit(line, AUDIT_INSTANCE, AUDIT_SPOOLED), AUDIT_KEPT);
	assert_false(has_answer(channel, 1500));
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(prlimit(fixture->auditor, RLIMIT_FSIZE, &limit, NULL), 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(next_taken(channel, &number), AUDIT_DURABLE);
	close(channel);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(next_word(fixture), AUDIT_WELL);
	assert_int_equal(end_of_auditor(fixture), 0);
	getrusage(RUSAGE_CHILDREN, &used);
	int64_t used_us =
		(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) +
		used.ru_utime.tv_usec + used.ru_stime.tv_usec;
	assert_true(used_us < 200000);
	char *log = read_plain(fixture);
	assert_int_equal(count_of(log, "\"forwarded\""), MANY);
	assert_non_null(strstr(log, "\"unconfirmed\",\"reason\":\"audit-unavailable\","
				    "\"detail\":\"it is in the spool, but the modality "
				    "was told A700\""));
	free(log);
}

/* A gateway that stops can't wait for the disk. */
static void a_full_disk_holds_up_no_stop(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit limit = { .rlim_cur = 100, .rlim_max = RLIM_INFINITY };
	struct audit_record stop = record_of(AUDIT_STOP, AUDIT_NO_OUTCOME);
	uint32_t number;
	start_auditor(fixture);
	int channel = open_courier(fixture);
	assert_int_equal(prlimit(fixture->auditor, RLIMIT_FSIZE, &limit, NULL), 0);
	for (int i = 0; i < AUDIT_OUTSTANDING_MAX + 4; i++)
		submit_soon(channel, "1.2.3");
	assert_int_equal(next_word(fixture), AUDIT_FULL);
	assert_int_equal(audit_tell(fixture->control, NULL, &stop), 0);
	for (int i = 0; i < AUDIT_OUTSTANDING_MAX + 4; i++)
		assert_int_equal(next_taken(channel, &number), AUDIT_KEPT);
	close(channel);
	assert_int_equal(end_of_auditor(fixture), 1);
}

static void a_courier_that_does_not_read_is_cut_off(void **state)
{
	struct fixture *fixture = *state;
	struct message_said message = { .head = { .kind = MESSAGE_SUBMIT } };
	message.record = delivery_of("1.2.3", AUDIT_FAILED);
	start_auditor(fixture);
	int channel = open_courier(fixture);
	int64_t deadline_ms = clock_ms() + WAIT_MS;
	while (send(channel, &message, sizeof(message), MSG_NOSIGNAL) > 0)
		assert_true(clock_ms() < deadline_ms);
	assert_int_equal(errno, EPIPE);
	close(channel);
	catch_up(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_full_disk_is_waited_out),
		TEST(a_delivery_has_its_members_and_no_others),
		TEST(each_tells_what_it_can_know),
		TEST(the_spooler_tells_of_any_destination),
		TEST(a_courier_that_breaks_a_rule_is_shut_out),
		TEST(a_dying_couriers_delivery_has_its_line),
		TEST(the_supervisor_says_how_a_courier_died),
		TEST(a_second_channel_goes_on_with_the_first),
		TEST(an_id_is_one_processes),
		TEST(answers_come_in_order),
		TEST(a_full_disk_holds_up_no_stop),
		TEST(a_courier_that_does_not_read_is_cut_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
