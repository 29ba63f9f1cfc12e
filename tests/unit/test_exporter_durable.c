/*
 * Goal: what is not durable in the log leaves the host neither as a message nor in the
 * journal: a failed sync or a power cut could take it back, and a checkpoint that was
 * kept elsewhere would speak against the log for ever.
 */
#include "audit_fixture.h"

#include <sys/prctl.h>

#include "cathgate/exporter/exporter.h"

#define QUIET_MS 1500 /* the exporter writes what it has every second */

static char *messages_of(const struct fixture *fixture)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/messages/cathgate-%020d.log", fixture->directory,
		 0);
	return read_file(path);
}

static bool has_messages(const struct fixture *fixture, int wait_ms)
{
	bool is_there = false;
	for (int64_t end = clock_ms() + wait_ms; !is_there && clock_ms() < end;) {
		char *messages = messages_of(fixture);
		is_there = messages[0] != '\0';
		free(messages);
		poll(NULL, 0, 5);
	}
	return is_there;
}

static void nothing_is_told_before_it_is_durable(void **state)
{
	struct fixture *fixture = *state;
	struct audit_record record = record_of(AUDIT_START, AUDIT_NO_OUTCOME);
	char messages[128];
	int ends[2], status;
	snprintf(messages, sizeof(messages), "%s/messages", fixture->directory);
	fixture->config.audit.messages.path = messages;
	start_auditor(fixture);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	atomic_store(&sync_hook->is_held, 1);
	pid_t exporter = fork();
	if (exporter == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* when the test fails */
		close(ends[0]);
		close(fixture->control);
		exit(exporter_run(ends[1], &fixture->config, false, NULL));
	}
	close(ends[1]);
	assert_int_equal(audit_tell(fixture->control, NULL, &record), 0);
	assert_false(has_messages(fixture, QUIET_MS));
	char *log = read_file(fixture->log);
	assert_non_null(strstr(log, "\"event\":\"start\""));
	free(log);
	atomic_store(&sync_hook->is_held, 0);
	assert_true(has_messages(fixture, WAIT_MS));
	assert_int_equal(end_of_auditor(fixture), 0);
	close(ends[0]);
	assert_int_equal(waitpid(exporter, &status, 0), exporter);
	assert_int_equal(status, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_told_before_it_is_durable,
						fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
