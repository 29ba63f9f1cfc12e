/*
 * Goal: what would keep the auditor from starting is said beforehand, with its place and
 * its cure; and what is well is not complained about.
 */
#include "audit_fixture.h"

#include "cathgate/audit/checkpoint.h"

static const char good_key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

static void put_key(struct fixture *fixture, const char *text, mode_t mode)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/key", fixture->directory);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	fixture->config.audit.pseudonym_key.path = path;
}

/* Checks that there is exactly one fault, of that kind and with that text in it. */
static void assert_fault(const struct fixture *fixture, enum config_fault_kind kind,
			 const char *part)
{
	struct config_faults faults = { .count = 0 };
	audit_check(&fixture->config.audit, &faults);
	if (faults.count != 1)
		fail_msg("%zu faults instead of: %s", faults.count, part);
	assert_int_equal(faults.items[0].kind, kind);
	if (!strstr(faults.items[0].text, part))
		fail_msg("%s\nis not in\n%s", part, faults.items[0].text);
	config_faults_clear(&faults);
}

static void assert_no_fault(const struct fixture *fixture)
{
	struct config_faults faults = { .count = 0 };
	audit_check(&fixture->config.audit, &faults);
	if (faults.count > 0)
		fail_msg("%s", faults.items[0].text);
}

/* One that has a signing key. */
static int setup(void **state)
{
	static char path[128];
	const char *error;
	if (fixture_setup(state))
		return -1;
	struct fixture *fixture = *state;
	snprintf(path, sizeof(path), "%s/signing.key", fixture->directory);
	fixture->config.audit.signing_key.path = path;
	return signing_key_make(path, &error);
}

static void a_good_configuration_has_no_fault(void **state)
{
	struct fixture *fixture = *state;
	assert_no_fault(fixture);
	fixture->config.audit.patient_id = CONFIG_PATIENT_PSEUDONYM;
	put_key(fixture, good_key, 0400);
	assert_no_fault(fixture);
	start_auditor(fixture);
	assert_int_equal(end_of_auditor(fixture), 0);
	assert_no_fault(fixture);
}

static void each_bad_key_is_told(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *fault;
	} cases[] = {
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0640, "chmod 600" },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0604, "chmod 600" },
		{ "", 0600, "is not 32 bytes in base64" },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", 0600,
		  "is not 32 bytes" },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISI=", 0600,
		  "is not 32 bytes" },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", 0600,
		  "is not 32 bytes" },
		{ "AAECAwQFBgcICQoLDA0ODxAR HhMUFRYXGBkaGxwdHh8=", 0600,
		  "is not 32 bytes" },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n", 0600,
		  "is not 32 bytes" },
	};
	struct fixture *fixture = *state;
	fixture->config.audit.patient_id = CONFIG_PATIENT_PSEUDONYM;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_key(fixture, cases[i].text, cases[i].mode);
		assert_fault(fixture, CONFIG_ERROR, cases[i].fault);
	}
	/* The auditor doesn't start with what the check refuses. */
	fork_auditor(fixture);
	assert_int_equal(next_word(fixture), 0);
	assert_int_equal(end_of_auditor(fixture), 1);
	put_key(fixture, good_key, 0440);
	fixture->config.audit.pseudonym_key.credential = true;
	assert_no_fault(fixture);
	unlink(fixture->config.audit.pseudonym_key.path);
	assert_fault(fixture, CONFIG_ERROR,
		     "does not exist; make one with: openssl rand");
}

static void a_missing_key_is_a_warning_where_it_is_needed(void **state)
{
	struct fixture *fixture = *state;
	fixture->config.audit.patient_id = CONFIG_PATIENT_CLEAR;
	assert_no_fault(fixture);
	fixture->config.audit.patient_id = CONFIG_PATIENT_PSEUDONYM;
	assert_fault(fixture, CONFIG_WARNING, "there is no pseudonym_key");
}

static void a_signing_key_is_tried(void **state)
{
	struct fixture *fixture = *state;
	struct config_file *key = &fixture->config.audit.signing_key;
	char path[128];
	snprintf(path, sizeof(path), "%s", key->path);
	assert_int_equal(chmod(path, 0640), 0);
	assert_fault(fixture, CONFIG_ERROR, "can be read by others than its owner");
	fork_auditor(fixture);
	assert_int_equal(next_word(fixture), 0);
	assert_int_equal(end_of_auditor(fixture), 1);
	key->credential = true;
	assert_no_fault(fixture);
	key->credential = false;
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 10), 0);
	assert_fault(fixture, CONFIG_ERROR, "is no Ed25519 key in PEM");
	unlink(path);
	assert_fault(fixture, CONFIG_ERROR,
		     "does not exist; make a pair with: cathgate audit keygen FILE");
	key->path = NULL;
	assert_fault(fixture, CONFIG_WARNING,
		     "there is no signing_key: the audit log's checkpoints are not "
		     "signed");
}

static void a_place_where_no_log_can_be_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct config_file *file = &fixture->config.audit.file;
	file->place = (struct config_place){ "cathgate.conf", 42, "audit.file" };
	file->path = "/nonexistent-directory/audit.jsonl";
	assert_fault(fixture, CONFIG_ERROR,
		     "cathgate.conf:42: audit.file: the audit log's directory "
		     "/nonexistent-directory does not exist; make it");
	file->path = "/dev/null/audit.jsonl";
	assert_fault(fixture, CONFIG_ERROR, "is no directory; write the path");
	file->path = "/dev/null";
	assert_fault(fixture, CONFIG_ERROR, "is no regular file");
	file->path = fixture->directory;
	assert_fault(fixture, CONFIG_ERROR, "is no regular file");
	file->path = NULL;
	assert_fault(fixture, CONFIG_ERROR, "there is no audit log; write file");
}

/* Root may write anywhere: be somebody else for that long. */
static void what_can_not_be_written_is_told(void **state)
{
	struct fixture *fixture = *state;
	bool is_root = geteuid() == 0;
	fixture->config.audit.signing_key.credential = true; /* and readable by all */
	assert_int_equal(chmod(fixture->config.audit.signing_key.path, 0444), 0);
	assert_int_equal(chmod(fixture->directory, 0555), 0);
	assert_true(!is_root || seteuid(65534) == 0);
	assert_fault(fixture, CONFIG_ERROR,
		     "can't be written to; let the gateway's user own it");
	assert_true(!is_root || seteuid(0) == 0);
	assert_int_equal(chmod(fixture->directory, 0777), 0);
	char lock[sizeof(fixture->directory) + 16];
	snprintf(lock, sizeof(lock), "%s/audit.lock", fixture->directory);
	assert_int_equal(symlink("elsewhere", lock), 0);
	assert_fault(fixture, CONFIG_ERROR, "is no regular file; remove it");
	assert_int_equal(unlink(lock), 0);
	int fd = open(fixture->log, O_WRONLY | O_CREAT, 0400);
	assert_int_equal(fchmod(fd, 0400), 0);
	close(fd);
	assert_true(!is_root || seteuid(65534) == 0);
	assert_fault(fixture, CONFIG_ERROR,
		     "can't be written; let the gateway's user own it");
	assert_true(!is_root || seteuid(0) == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_configuration_has_no_fault),
		TEST(each_bad_key_is_told),
		TEST(a_missing_key_is_a_warning_where_it_is_needed),
		TEST(a_signing_key_is_tried),
		TEST(a_place_where_no_log_can_be_is_told),
		TEST(what_can_not_be_written_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
