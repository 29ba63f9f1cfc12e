/* Goal: with another key in force, what waits is renamed and has its destination and its
 * entry; where the disk refuses, the file is found by its old name all the same, until it
 * gets one of today. */
#include "spool_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "spool/spooler/internal.h"

int __real_renameat(int from, const char *was, int to, const char *is);
int __wrap_renameat(int from, const char *was, int to, const char *is);

static bool disk_refuses;

int __wrap_renameat(int from, const char *was, int to, const char *is)
{
	errno = EIO;
	return disk_refuses ? -1 : __real_renameat(from, was, to, is);
}

static char folder[] = "/tmp/cathgate-store-XXXXXX";
static struct config_destination pacs = { .name = "pacs" };
static struct config_modality angio = { .name = "angio" };
static struct config config = { .destinations = &pacs,
				.destination_count = 1,
				.modalities = &angio,
				.modality_count = 1 };
static struct spooler spooler;

/* A spooler with these keys, the one in force first. */
static void begin(const char *keys)
{
	spooler = (struct spooler){ .control = -1, .config = &config };
	for (; *keys; keys++)
		memset(&spooler.keys[spooler.key_count++], *keys,
		       sizeof(spooler.keys[0]));
	index_init(&spooler.index);
	assert_int_equal(spool_folder_open(&spooler.folder, folder), 0);
	assert_int_equal(loading_read(&spooler), 0);
}

static void end(void)
{
	names_clear(&spooler.destinations);
	names_clear(&spooler.modalities);
	store_clear(&spooler);
	spool_folder_close(&spooler.folder);
}

static struct target *target(void)
{
	uint8_t tag[SPOOL_SHORT_TAG];

	assert_int_equal(names_tag(&spooler, 0, "destination", "pacs", tag), 0);
	return index_target(&spooler.index, tag);
}

static uint64_t backlog(void)
{
	uint8_t tag[SPOOL_SHORT_TAG];

	assert_int_equal(names_tag(&spooler, 0, "modality", "angio", tag), 0);
	return index_backlog(target(), tag);
}

/* Of one SOP instance, and with bytes of that edition. */
static struct object *put_edition(uint8_t edition, enum spool_verdict verdict)
{
	struct writer writer = { .destination = "pacs",
				 .modality = "angio",
				 .target = target() };
	struct spool_asked asked = { .sop_instance = "1.2.3", .study = "1.2" };
	struct object *object;

	asked.sha256[0] = edition;

	assert_int_equal(names_tag(&spooler, 0, "modality", "angio", writer.modality_tag),
			 0);
	writer.file = spool_folder_new_file(&spooler.folder);
	assert_true(writer.file >= 0);
	assert_int_equal(store_add(&spooler, &writer, &asked, &object), verdict);
	close(writer.file);
	store_commit(&spooler, object);
	return object;
}

static struct object *put_object(void)
{
	return put_edition(0, SPOOL_TAKEN);
}

static bool has_file(const struct object *object)
{
	int file = store_read(&spooler, object);

	if (file >= 0)
		close(file);
	return file >= 0;
}

static int set_up(void **state)
{
	(void)state;
	config.spool.directory.path = folder;
	config.spool.max_bytes = INT64_MAX;
	config.spool.duplicate_hours = 1;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void a_disk_that_refuses_names_loses_nothing(void **state)
{
	struct object *object;
	uint64_t sequence;

	(void)state;
	begin("a");
	sequence = put_object()->name.sequence;
	end();
	for (int i = 0; i < 3; i++) {
		disk_refuses = i < 2;
		begin("ba");
		object = index_find(&spooler.index, sequence);
		assert_non_null(object);
		assert_true(has_file(object));
		assert_int_equal(target()->queued, 1);
		assert_int_equal(backlog(), 1);
		if (i == 1) { /* nor does it take another state */
			store_move(&spooler, object, SPOOL_HELD);
			assert_int_equal(object->name.state, SPOOL_QUEUED);
			assert_true(has_file(object));
			disk_refuses = false;
			store_move(&spooler, object, SPOOL_HELD);
			assert_true(has_file(object));
			store_move(&spooler, object, SPOOL_QUEUED);
			assert_true(has_file(object));
		}
		end();
	}
	begin("b"); /* it has a name of today */
	object = index_find(&spooler.index, sequence);
	assert_non_null(object);
	assert_int_equal(backlog(), 1);
	store_abandon(&spooler, object);
	end();
}

static void what_has_another_name_still_can_go(void **state)
{
	struct object *object;

	(void)state;
	begin("a");
	put_object();
	end();
	disk_refuses = true;
	begin("ba");
	object = index_find(&spooler.index, spooler.index.last);
	assert_non_null(object);
	store_abandon(&spooler, object);
	disk_refuses = false;
	end();
	begin("ba");
	assert_int_equal(spooler.index.count, 0);
	end();
}

static void who_was_away_is_found_again(void **state)
{
	struct object *object;

	(void)state;
	begin("a");
	put_object();
	end();
	config.destination_count = config.modality_count = 0;
	begin("ba");
	end();
	begin("cba");
	assert_int_equal(target()->queued, 0);
	end();
	config.destination_count = config.modality_count = 1;
	begin("cb"); /* and the key of its tags is not there */
	assert_int_equal(target()->queued, 0);
	end();
	begin("cba");
	assert_int_equal(target()->queued, 1);
	assert_int_equal(backlog(), 1);
	object = index_find(&spooler.index, spooler.index.last);
	assert_true(has_file(object));
	end();
	begin("c");
	assert_int_equal(target()->queued, 1);
	store_abandon(&spooler, index_find(&spooler.index, spooler.index.last));
	end();
}

static void another_edition_waits_for_the_first(void **state)
{
	struct worker worker = { .channel = -1 };
	struct object *first, *other;
	uint64_t sequence;
	int64_t again_ms;

	(void)state;
	begin("a");
	sequence = put_object()->name.sequence;
	end();
	begin("ba");
	first = index_find(&spooler.index, sequence);
	assert_non_null(first);
	assert_ptr_equal(put_edition(0, SPOOL_KNOWN), first);
	other = put_edition(1, SPOOL_CONFLICTS);
	put_edition(1, SPOOL_KNOWN);
	first->again_ms = 2;
	assert_null(index_next(&spooler.index, target(), &worker, 1, &again_ms));
	store_abandon(&spooler, first);
	assert_ptr_equal(index_next(&spooler.index, target(), &worker, 1, &again_ms),
			 other);
	store_abandon(&spooler, other);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_that_refuses_names_loses_nothing),
		cmocka_unit_test(what_has_another_name_still_can_go),
		cmocka_unit_test(who_was_away_is_found_again),
		cmocka_unit_test(another_edition_waits_for_the_first),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
