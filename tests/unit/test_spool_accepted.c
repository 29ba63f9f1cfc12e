/* Goal: what a destination accepts is kept across starts; a refusal holds for an hour,
 * and what was said last counts. What an association says counts for its own entry alone:
 * no junk of it changes what another hears, nor keeps anybody from learning. Files are
 * written once a second at most. */
#include "spool_fixture.h"

#include <dirent.h>
#include <sys/socket.h>

#include "cathgate/base/memory_file.h"
#include "spool/spooler/internal.h"

#define PAIRS_MAX 1024
#define HOUR_US	  (3600 * (int64_t)1000000)

int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_utc_us(void);

static int64_t now_us = 1000 * HOUR_US;

int64_t __wrap_clock_ms(void)
{
	return now_us / 1000;
}

int64_t __wrap_clock_utc_us(void)
{
	return now_us;
}

static const uint8_t angio[SPOOL_SHORT_TAG] = { 1 }, echo[SPOOL_SHORT_TAG] = { 2 };
static struct target pacs = { .tag = { 3 } };
static struct config config;
static struct spooler spooler;
static char folder[] = "/tmp/cathgate-accepted-XXXXXX";

static void begin(void)
{
	spooler = (struct spooler){ .config = &config, .key_count = 1 };
	memset(&spooler.keys[0], 7, sizeof(spooler.keys[0]));
	STAILQ_INIT(&spooler.accepted);
}

static void begin_again(void)
{
	accepted_clear(&spooler);
	begin();
}

static int set_up(void **state)
{
	(void)state;
	config.spool.directory.path = folder;
	if (!mkdtemp(folder))
		return -1;
	begin();
	return 0;
}

/* Calls for each file; returns how many there were. */
static unsigned each_file(void (*see)(const char *path))
{
	DIR *listing = opendir(folder);
	unsigned count = 0;

	for (struct dirent *entry; (entry = readdir(listing));) {
		char path[600];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		see(path);
		count++;
	}
	closedir(listing);
	return count;
}

static void remove_file(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static int forget_all(void **state)
{
	(void)state;
	accepted_clear(&spooler);
	each_file(remove_file);
	begin();
	return 0;
}

static int tear_down(void **state)
{
	forget_all(state);
	return rmdir(folder);
}

static void learn(const uint8_t *entry, unsigned number, bool is_accepted)
{
	struct spool_asked asked = { .accepted = is_accepted };

	snprintf(asked.abstract_syntax, sizeof(asked.abstract_syntax), "1.2.%u", number);
	strcpy(asked.transfer_syntax, "1.2.840.10008.1.2.1");
	now_us++;
	accepted_learn(&spooler, &pacs, entry, &asked);
}

/* '+', '-', or '?' where nobody knows. */
static char hears(const uint8_t *entry, unsigned number)
{
	char wanted[100], *text, *found, says = '?';
	int file = accepted_file(&spooler, &pacs, entry);
	size_t size;

	if (file < 0)
		return says;
	text = (char *)memory_file_read(file, &size);
	close(file);
	snprintf(wanted, sizeof(wanted), " 1.2.%u 1.2.840.10008.1.2.1\n", number);
	if (text && size > 0) {
		text = realloc(text, size + 1);
		text[size] = '\0';
		found = strstr(text, wanted);
		if (found) {
			says = found[-1];
			assert_null(strstr(found + 1, wanted));
		}
	}
	free(text);
	return says;
}

static void a_refusal_holds_for_an_hour(void **state)
{
	(void)state;
	learn(NULL, 1, false);
	learn(NULL, 2, true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hears(angio, 1), '-');
		assert_int_equal(hears(NULL, 1), '-');
		assert_int_equal(hears(angio, 2), '+');
		now_us += HOUR_US / 2 - 10;
		begin_again();
	}
	now_us += 20;
	assert_int_equal(hears(angio, 1), '?');
	assert_int_equal(hears(angio, 2), '+');
	learn(NULL, 1, false);
	assert_int_equal(hears(angio, 1), '-');
	now_us -= 2 * HOUR_US; /* the clock is set back */
	assert_int_equal(hears(angio, 1), '?');
}

static void what_was_said_last_counts(void **state)
{
	(void)state;
	learn(NULL, 1, false);
	learn(angio, 1, true);
	assert_int_equal(hears(angio, 1), '+');
	learn(NULL, 1, false);
	begin_again();
	assert_int_equal(hears(angio, 1), '-');
	learn(NULL, 1, true);
	assert_int_equal(hears(angio, 1), '+');
	learn(NULL, 1, false);
	learn(angio, 1, true);
	now_us += HOUR_US;
	assert_int_equal(hears(angio, 1), '+');
}

static void an_association_speaks_for_its_entry(void **state)
{
	(void)state;
	learn(NULL, 1, false);
	learn(angio, 1, true);
	learn(angio, 2, true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hears(echo, 1), '-');
		assert_int_equal(hears(echo, 2), '?');
		assert_int_equal(hears(NULL, 1), '-');
		assert_int_equal(hears(NULL, 2), '?');
		begin_again();
	}
}

static void junk_keeps_nobody_from_learning(void **state)
{
	(void)state;
	learn(NULL, 1, true);
	learn(echo, 2, true);
	for (unsigned i = 10; i < 10 + 3 * PAIRS_MAX; i++)
		learn(angio, i, true);
	learn(NULL, 3, false);
	learn(echo, 4, true);
	learn(angio, 5, true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hears(echo, 1), '+');
		assert_int_equal(hears(echo, 2), '+');
		assert_int_equal(hears(echo, 3), '-');
		assert_int_equal(hears(echo, 4), '+');
		assert_int_equal(hears(angio, 5), '+');
		assert_int_equal(hears(angio, 10), '?'); /* the oldest gave way */
		begin_again();
	}
}

static void files_are_written_once_a_second(void **state)
{
	(void)state;
	assert_int_equal(accepted_maintain(&spooler), 0);
	for (unsigned i = 0; i < 100; i++) {
		learn(NULL, 1, i % 2);
		learn(angio, 1, true);
		assert_true(accepted_maintain(&spooler) > now_us / 1000);
	}
	assert_int_equal(each_file(remove_file), 0);
	now_us += 1000000;
	assert_int_equal(accepted_maintain(&spooler), 0);
	assert_int_equal(each_file(remove_file), 2);
	now_us += 1000000;
	assert_int_equal(accepted_maintain(&spooler), 0);
	learn(NULL, 2, true);
	begin_again(); /* at the end, too */
	assert_int_equal(hears(NULL, 2), '+');
}

static void change_file(const char *path)
{
	FILE *file = fopen(path, "r+");

	assert_non_null(file);
	assert_int_equal(fputc('-', file), '-');
	fclose(file);
}

static void a_changed_file_says_nothing(void **state)
{
	(void)state;
	learn(NULL, 1, true);
	learn(angio, 2, true);
	accepted_clear(&spooler);
	assert_int_equal(each_file(change_file), 2);
	begin();
	assert_int_equal(hears(angio, 1), '?');
	assert_int_equal(hears(angio, 2), '?');
}

static void say(int channel, const struct spool_asked *asked)
{
	assert_int_equal(send(channel, asked, sizeof(*asked), 0), sizeof(*asked));
	writer_hear(&spooler, LIST_FIRST(&spooler.writers));
}

static void an_association_tells_of_its_contexts_alone(void **state)
{
	const struct spool_opened opened = { .modality = "angio", .destination = "pacs" };
	struct spool_asked asked = { .kind = SPOOL_HAS_LEARNT, .accepted = 1 };
	int ends[2];
	const struct writer *writer;
	struct target was = pacs;

	(void)state;
	index_init(&spooler.index);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	writers_add(&spooler, ends[0], &opened);
	writer = LIST_FIRST(&spooler.writers);
	assert_non_null(writer);
	pacs = *writer->target;
	strcpy(asked.transfer_syntax, "1.2.840.10008.1.2.1");
	for (unsigned i = 0; i < 200; i++) {
		snprintf(asked.abstract_syntax, sizeof(asked.abstract_syntax), "1.2.%u",
			 i);
		say(ends[1], &asked);
	}
	assert_int_equal(hears(writer->modality_tag, 127), '+');
	assert_int_equal(hears(writer->modality_tag, 128), '?');
	assert_int_equal(hears(angio, 1), '?');
	asked.accepted = 0; /* which it never says */
	say(ends[1], &asked);
	assert_true(LIST_EMPTY(&spooler.writers));
	close(ends[1]);
	names_clear(&spooler.modalities);
	index_clear(&spooler.index);
	pacs = was;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_refusal_holds_for_an_hour, forget_all),
		cmocka_unit_test_teardown(what_was_said_last_counts, forget_all),
		cmocka_unit_test_teardown(an_association_speaks_for_its_entry,
					  forget_all),
		cmocka_unit_test_teardown(junk_keeps_nobody_from_learning, forget_all),
		cmocka_unit_test_teardown(files_are_written_once_a_second, forget_all),
		cmocka_unit_test_teardown(an_association_tells_of_its_contexts_alone,
					  forget_all),
		cmocka_unit_test_teardown(a_changed_file_says_nothing, forget_all),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
