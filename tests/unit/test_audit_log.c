/*
 * Goal: the log survives what happens to files: crashes in the middle of a line, full
 * disks, disks that fail, operators who move it away, and a second gateway.
 */
#include "audit_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "audit/write/writer.h"

#define FROM	 "\"association\":\"" ASSOCIATION "\",\"peer\":\"" PEER "\""
#define ACCEPTED "\"association\",\"outcome\":\"accepted\"," FROM "}"
#define REFUSED	 "\"association\",\"outcome\":\"refused\"," FROM "}"
#define RELEASED "\"association\",\"outcome\":\"released\"," FROM "}"
#define ALERT                                                                           \
	"\"alert\",\"outcome\":\"raised\",\"reason\":\"audit-unavailable\",\"detail\":" \
	"\""

static void write_log(const struct fixture *fixture, const char *bytes, size_t size)
{
	int fd = open(fixture->log, O_WRONLY | O_CREAT | O_APPEND, 0640);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* A sealed line at the end of what `chain` tells. */
static size_t make_line(struct chain *chain, const char *time, const char *event,
			char line[1024])
{
	struct digest *digest = digest_new();
	size_t size = (size_t)sprintf(line,
				      "{\"seq\":%zu,\"time\":\"%s\",\"node\":"
				      "\"cathlab-3\",\"event\":\"%s\"",
				      (size_t)chain->next_seq, time, event);
	size = chain_seal(chain, digest, line, size);
	digest_free(digest);
	return size;
}

static void write_line(const struct fixture *fixture, struct chain *chain)
{
	char line[1024], now[UTC_TEXT_SIZE];
	clock_utc(now);
	write_log(fixture, line, make_line(chain, now, "start", line));
}

static void one_association(struct fixture *fixture)
{
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
}

static void assert_logged(const struct fixture *fixture, const char *part)
{
	char *log = read_plain(fixture);
	if (!strstr(log, part))
		fail_msg("%s\nis not in\n%s", part, log);
	free(log);
}

/* The one file beside the log whose name begins so. */
static void find_beside(const struct fixture *fixture, const char *begin, char ret[400])
{
	DIR *directory = opendir(fixture->directory);
	ret[0] = '\0';
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (strncmp(entry->d_name, begin, strlen(begin)) == 0) {
			assert_string_equal(ret, "");
			snprintf(ret, 400, "%s/%s", fixture->directory, entry->d_name);
		}
	}
	closedir(directory);
}

static void numbers_go_on_after_a_restart(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 3; i++) {
		start_auditor(fixture);
		one_association(fixture);
		if (i == 1)
			kill(fixture->auditor, SIGKILL);
		assert_int_equal(end_of_auditor(fixture), i == 1 ? -1 : 0);
	}
	ASSERT_LOG(fixture, RELEASED, RELEASED, RELEASED);
}

static void a_torn_end_is_kept_aside(void **state)
{
	/* SHA-256 of "{\"seq\":1,\"ti" */
	static const char torn_sha256[] =
		"785530e4936ce1077d8f3db1bf2535e4df89712bb97e1d961b70aacd0bc1ec04";
	static const char torn[] = "{\"seq\":1,\"ti";
	for (int is_restart = 0; is_restart < 2; is_restart++) {
		struct fixture *fixture = *state;
		char path[400], expected[800];
		struct chain chain = { .next_seq = 0 };
		write_line(fixture, &chain);
		write_log(fixture, torn, sizeof(torn) - 1);
		struct audit_record record = record_of(
			is_restart ? AUDIT_STOP : AUDIT_START, AUDIT_NO_OUTCOME);
		strcpy(record.detail, "0.1.0");
		start_auditor_with(fixture, &record);
		assert_int_equal(end_of_auditor(fixture), 0);
		find_beside(fixture, "audit.torn-20", path);
		char *moved = read_file(path);
		assert_string_equal(moved, torn);
		free(moved);
		snprintf(
			expected, sizeof(expected),
			"%s12 bytes of a torn line, SHA-256 %s, moved to %s%s",
			is_restart ? ALERT : "\"start\",\"detail\":\"", torn_sha256,
			strrchr(path, '/') + 1,
			is_restart
				? "\"}"
				: "; lines before this under no checkpoint: 1; 0.1.0\"}");
		if (is_restart)
			assert_log(fixture,
				   (const char *[]){ "\"start\"}", expected,
						     "\"stop\",\"detail\":\"0.1.0\"}" },
				   3);
		else
			assert_log(fixture, (const char *[]){ "\"start\"}", expected },
				   2);
		fixture_teardown(state);
		fixture_setup(state);
	}
}

/* What a power cut leaves on some file systems: length without content. */
static void a_torn_end_of_zeros_is_found(void **state)
{
	struct fixture *fixture = *state;
	char path[400];
	struct stat before, status;
	struct chain chain = { .next_seq = 0 };
	write_line(fixture, &chain);
	assert_int_equal(stat(fixture->log, &before), 0);
	assert_int_equal(truncate(fixture->log, 300000), 0);
	start_auditor(fixture);
	one_association(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	find_beside(fixture, "audit.torn-", path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 300000 - before.st_size);
	assert_logged(fixture, "\n{\"seq\":2,"); /* behind its alert */
}

static void what_is_no_log_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] = "Dear diary,\ntoday half a l";
	write_log(fixture, text, sizeof(text) - 1);
	fork_auditor(fixture);
	assert_int_equal(next_word(fixture), 0);
	assert_int_equal(end_of_auditor(fixture), 1);
	char *log = read_file(fixture->log);
	assert_string_equal(log, text);
	free(log);
}

static void a_second_auditor_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct log_file file;
	start_auditor(fixture);
	assert_int_equal(log_file_open(fixture->log, 50, &file), -1);
	/* One that is about to end is waited for. */
	close(fixture->control);
	fixture->control = -1;
	assert_int_equal(log_file_open(fixture->log, WAIT_MS, &file), 0);
	log_file_close(&file);
	assert_int_equal(end_of_auditor(fixture), 0);
}

static void limit_log(const struct fixture *fixture, rlim_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };
	assert_int_equal(prlimit(fixture->auditor, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* The auditor tries again each second, and takes back what a try has written of a line: a
 * reader may come between. */
static void assert_taken_back(const struct fixture *fixture, const char *before)
{
	char *log = read_file(fixture->log);
	for (int i = 0; i < WAIT_MS && strcmp(log, before) != 0; i++) {
		free(log);
		usleep(1000);
		log = read_file(fixture->log);
	}
	assert_string_equal(log, before);
	free(log);
}

static void a_full_disk_heals(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	one_association(fixture);
	char *before = read_file(fixture->log);
	int line = open_line(fixture), dying = open_line(fixture);
	/* Room for half a line. */
	limit_log(fixture, strlen(before) + 100);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_ACCEPTED), AUDIT_KEPT);
	assert_int_equal(next_word(fixture), AUDIT_FULL);
	assert_int_equal(submit(dying, AUDIT_ASSOCIATION, AUDIT_ACCEPTED), AUDIT_KEPT);
	assert_int_equal(audit_channel_ending(fixture->control, ASSOCIATION,
					      REASON_INTERNAL, NULL),
			 0);
	close(dying);
	/* Its end is taken before what comes behind it. */
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_REFUSED), AUDIT_KEPT);
	close(line);
	assert_taken_back(fixture, before);
	limit_log(fixture, RLIM_INFINITY);
	assert_int_equal(next_word(fixture), AUDIT_WELL);
	one_association(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	char *after = read_file(fixture->log);
	assert_memory_equal(after, before, strlen(before));
	assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	free(after);
	after = read_plain(fixture);
	char *alert = strstr(after, ALERT "the log could not be written since 20");
	assert_non_null(alert);
	assert_non_null(strstr(alert,
			       "Z: the 4 records before this one came late, 0 more are "
			       "lost\"}\n{\"seq\":6,"));
	assert_true(strstr(after, "\"accepted\"") < strstr(after, "\"aborted\""));
	assert_true(strstr(after, "\"aborted\"") < strstr(after, "\"refused\""));
	assert_true(strstr(after, "\"refused\"") < alert);
	free(before);
	free(after);
}

static void a_failed_sync_costs_the_file_only(void **state)
{
	struct fixture *fixture = *state;
	char closed[400];
	start_auditor(fixture);
	one_association(fixture);
	int line = open_line(fixture);
	atomic_store(&sync_hook->fails, 1);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	find_beside(fixture, "audit-0.jsonl", closed);
	struct chain end = assert_chain(closed, (struct chain){ .next_seq = 0 });
	assert_int_equal(end.next_seq, 1);
	end = assert_chain(fixture->log, end);
	assert_int_equal(end.next_seq, 4);
	assert_logged(fixture,
		      ALERT "the log could not be made durable: Input/output "
			    "error; it is closed as audit-0.jsonl, of which 0 is "
			    "the last durable line\"}\n{\"seq\":2,");
	start_auditor(fixture);
	one_association(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	assert_chain(fixture->log, assert_chain(closed, (struct chain){ .next_seq = 0 }));
}

/* Not a line of the new file was durable, either: it is not kept. */
static void syncs_that_go_on_failing_pile_up_nothing(void **state)
{
	struct fixture *fixture = *state;
	char torn[400];
	start_auditor(fixture);
	atomic_store(&sync_hook->fails, 5);
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_INSTANCE, AUDIT_FORWARDED), AUDIT_KEPT);
	assert_int_equal(next_word(fixture), AUDIT_FULL);
	assert_int_equal(next_word(fixture), AUDIT_WELL);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_RELEASED), AUDIT_DURABLE);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	find_beside(fixture, "audit.torn-", torn);
	assert_string_not_equal(torn, "");
	find_beside(fixture, "audit-", torn);
	assert_string_equal(torn, "");
	assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	assert_logged(fixture, "of which no line is durable");
	assert_logged(fixture, "\"instance\",\"outcome\":\"unconfirmed\"");
}

static void a_moved_log_is_followed(void **state)
{
	struct fixture *fixture = *state;
	char aside[128];
	snprintf(aside, sizeof(aside), "%s/aside", fixture->directory);
	start_auditor(fixture);
	one_association(fixture);
	assert_int_equal(rename(fixture->log, aside), 0);
	one_association(fixture);
	char *log = read_plain(fixture);
	assert_int_equal(strncmp(log, "{\"seq\":1,", 9), 0);
	assert_int_equal(count_of(log, "\n"), 2);
	free(log);
	assert_logged(fixture,
		      ALERT "the log was moved or removed in use, with the lines "
			    "before 1\"}\n{\"seq\":2,");
	/* Into a directory that is gone nothing is acknowledged. */
	assert_int_equal(rename(fixture->log, aside), 0);
	char hidden[128];
	snprintf(hidden, sizeof(hidden), "%s-hidden", fixture->directory);
	assert_int_equal(rename(fixture->directory, hidden), 0);
	int line = open_line(fixture);
	assert_int_equal(submit(line, AUDIT_ASSOCIATION, AUDIT_REFUSED), AUDIT_KEPT);
	assert_int_equal(next_word(fixture), AUDIT_FULL);
	assert_int_equal(rename(hidden, fixture->directory), 0);
	assert_int_equal(next_word(fixture), AUDIT_WELL);
	close(line);
	assert_int_equal(end_of_auditor(fixture), 0);
	assert_logged(fixture, "{\"seq\":4,");
	assert_logged(fixture, "{\"seq\":6,");
}

static void a_changed_log_is_moved_aside(void **state)
{
	struct fixture *fixture = *state;
	char aside[400];
	start_auditor(fixture);
	one_association(fixture);
	struct chain end = assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	write_log(fixture, "{}\n", 3);
	one_association(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	find_beside(fixture, "audit.broken-", aside);
	char *log = read_file(aside);
	assert_int_equal(count_of(log, "\n"), 2);
	free(log);
	end = assert_chain(fixture->log, end);
	assert_logged(fixture, ALERT "another program changed the log's file; it is now "
				     "audit.broken-20");
}

static void an_emptied_log_goes_on(void **state)
{
	struct fixture *fixture = *state;
	start_auditor(fixture);
	one_association(fixture);
	struct chain end = assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	assert_int_equal(truncate(fixture->log, 0), 0);
	one_association(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	assert_chain(fixture->log, end);
	assert_logged(fixture,
		      ALERT "the log was emptied in use, with the lines before 1");
}

static void another_file_in_its_place_is_moved_aside(void **state)
{
	struct fixture *fixture = *state;
	char aside[400];
	start_auditor(fixture);
	one_association(fixture);
	struct chain end = assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	assert_int_equal(unlink(fixture->log), 0);
	write_log(fixture, "diary\n", 6);
	one_association(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	find_beside(fixture, "audit.broken-", aside);
	char *log = read_file(aside);
	assert_string_equal(log, "diary\n");
	free(log);
	assert_chain(fixture->log, end);
	assert_logged(fixture, ALERT "another file stood in the log's place; it is now ");
	assert_logged(fixture, "the log was moved or removed in use");
}

static void what_finds_no_room_is_counted(void **state)
{
	struct fixture *fixture = *state;
	struct writer writer;
	struct rlimit before, limit;
	struct audit_record record = record_of(AUDIT_INSTANCE, AUDIT_REFUSED);
	/* Too long, all together, for one write. */
	memset(record.subject, 0x01, sizeof(record.subject) - 1);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(writer_open(&fixture->config.audit, 0, "cathlab-3", &writer), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){ .rlim_cur = 1500000, .rlim_max = before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &limit);
	for (int i = 0; i < WRITER_QUEUE_MAX; i++)
		assert_true(writer_add(&writer, ASSOCIATION, PEER, &record));
	assert_int_equal(writer_commit(&writer), LOG_FILE_REFUSED);
	assert_true(writer.is_in_trouble);
	assert_false(writer_add(&writer, ASSOCIATION, PEER, &record));
	assert_false(writer_add(&writer, ASSOCIATION, PEER, &record));
	assert_int_equal(writer_commit(&writer), LOG_FILE_REFUSED);
	setrlimit(RLIMIT_FSIZE, &before);
	char *log = read_file(fixture->log);
	assert_string_equal(log, "");
	free(log);
	assert_int_equal(writer_commit(&writer), LOG_FILE_DONE);
	assert_false(writer.is_in_trouble);
	writer_close(&writer);
	assert_logged(fixture,
		      "the 1024 records before this one came late, 2 more are lost");
	log = read_plain(fixture);
	assert_int_equal(count_of(log, "\n"), WRITER_QUEUE_MAX + 1);
	assert_non_null(strstr(log, "{\"seq\":1024,"));
	free(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_go_on_after_a_restart),
		TEST(a_torn_end_is_kept_aside),
		TEST(a_torn_end_of_zeros_is_found),
		TEST(what_is_no_log_is_left_alone),
		TEST(a_second_auditor_is_refused),
		TEST(a_full_disk_heals),
		TEST(a_failed_sync_costs_the_file_only),
		TEST(syncs_that_go_on_failing_pile_up_nothing),
		TEST(a_moved_log_is_followed),
		TEST(a_changed_log_is_moved_aside),
		TEST(an_emptied_log_goes_on),
		TEST(another_file_in_its_place_is_moved_aside),
		TEST(what_finds_no_room_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
