/*
 * Goal: files and locks are made, replaced and found as cathgate/durable.h and
 * cathgate/lock_file.h promise, whatever stands in their way.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/lock_file.h"

#define NOBODY 65534

static char folder[32];
static const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0640 };

static const char *at(const char *name)
{
	static char paths[4][96];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/durable-XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void assert_holds(const char *name, const char *wanted)
{
	char *text;
	size_t size;

	assert_int_equal(durable_read(at(name), 100, &text, &size), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static void put(const char *name, const char *text)
{
	assert_int_equal(durable_create(at(name), text, strlen(text), &own), 0);
}

static void assert_entries(unsigned wanted)
{
	char command[96], line[16] = "";
	FILE *listed;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
	listed = popen(command, "r");
	assert_non_null(listed);
	assert_non_null(fgets(line, sizeof(line), listed));
	pclose(listed);
	assert_int_equal(atoi(line), wanted);
}

static void what_is_there_is_not_overwritten(void **state)
{
	(void)state;
	put("file", "old");
	assert_int_equal(durable_create(at("file"), "new", 3, &own), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(symlink("file", at("link")), 0);
	assert_int_equal(durable_create(at("link"), "new", 3, &own), -1);
	assert_int_equal(errno, EEXIST);
	assert_holds("file", "old");
	assert_entries(2);
}

static void replaced_is_what_has_the_name(void **state)
{
	static const enum durable_way ways[] = { DURABLE_REPLACE, DURABLE_REPLACE_OWN,
						 DURABLE_REPLACE_OWN_SOON,
						 DURABLE_REPLACE_UNSYNCED };
	struct stat status;

	(void)state;
	put("other", "other");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(symlink("other", at("file")), 0);
		assert_int_equal(durable_put(at("file"), ways[i], "new", 3, &own), 0);
		assert_int_equal(lstat(at("file"), &status), 0);
		assert_true(S_ISREG(status.st_mode));
		assert_int_equal(status.st_mode & 07777, 0640);
		assert_holds("file", "new");
		assert_holds("other", "other");
		assert_entries(2);
		assert_int_equal(unlink(at("file")), 0);
	}
}

static void rewritten_is_where_the_path_leads(void **state)
{
	struct durable_kept kept;
	struct stat status;

	(void)state;
	put("file", "old");
	put("file.new", "an admin's");
	assert_int_equal(chmod(at("file"), 0604), 0);
	assert_int_equal(symlink("file", at("link")), 0);
	assert_int_equal(durable_keep(at("link"), 100, &kept), 0);
	assert_string_equal(kept.bytes, "old");
	/* What somebody puts there meanwhile doesn't count. */
	assert_int_equal(unlink(at("file")), 0);
	put("file", "other");
	assert_int_equal(durable_rewrite(&kept, "new", 3), 0);
	durable_kept_end(&kept);
	assert_holds("file", "new");
	assert_holds("file.new", "an admin's");
	assert_int_equal(lstat(at("link"), &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(stat(at("file"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0604);
	assert_int_equal(durable_keep(at("none"), 100, &kept), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(durable_keep(folder, 100, &kept), -1);
}

static void only_regular_files_are_read(void **state)
{
	struct durable_kept kept;
	char *text;
	size_t size;

	(void)state;
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(durable_read(at("fifo"), 100, &text, &size), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(durable_keep(at("fifo"), 100, &kept), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(durable_open_regular(folder), -1);
	assert_int_equal(errno, EINVAL);
	put("file", "12345");
	assert_int_equal(durable_read(at("file"), 4, &text, &size), -1);
	assert_int_equal(errno, EFBIG);
}

/* In a folder that says whose the link is, and where it leads. */
static void root_follows_no_link_of_others(void **state)
{
	static const struct {
		uid_t link, goal;
		bool is_followed;
	} rows[] = {
		{ 0, 0, true },	      { 0, NOBODY, true },  { NOBODY, NOBODY, true },
		{ NOBODY, 0, false }, { NOBODY, 1, false },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(at("goal"), 0755), 0);
	assert_int_equal(symlink("goal", at("second")), 0);
	assert_int_equal(symlink(at("second"), at("first")), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_followed = rows[i].is_followed;
		int fd;

		assert_int_equal(chown(at("goal"), rows[i].goal, 0), 0);
		assert_int_equal(lchown(at("first"), rows[i].link, 0), 0);
		fd = durable_open_folder(at("first"));
		assert_int_equal(fd >= 0, is_followed);
		assert_true(is_followed || errno == ELOOP);
		if (fd >= 0)
			close(fd);
		assert_int_equal(durable_create(at("first/file"), "", 0, &own),
				 is_followed ? 0 : -1);
		assert_int_equal(unlink(at("goal/file")), is_followed ? 0 : -1);
	}
}

static void one_has_the_lock(void **state)
{
	struct stat status;
	int first, second;

	(void)state;
	first = lock_file_take(at("lock"), 0);
	assert_true(first >= 0);
	assert_int_equal(stat(at("lock"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(lock_file_take(at("lock"), 0), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_true(lock_file_is_there(first, at("lock")));
	assert_int_equal(rename(at("lock"), at("moved")), 0);
	assert_false(lock_file_is_there(first, at("lock")));
	second = lock_file_take(at("lock"), 0);
	assert_true(second >= 0);
	close(first);
	close(second);
	second = lock_file_take(at("lock"), 0);
	assert_true(second >= 0);
	close(second);
}

static void a_lock_is_a_file_of_its_own(void **state)
{
	(void)state;
	put("file", "text");
	assert_int_equal(symlink("file", at("link")), 0);
	assert_int_equal(lock_file_take(at("link"), 0), -1);
	assert_int_equal(link(at("file"), at("again")), 0);
	assert_int_equal(lock_file_take(at("again"), 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	assert_int_equal(lock_file_take(at("pipe"), 0), -1);
	assert_int_equal(lock_file_take(at("none/lock"), 0), -1);
	assert_int_equal(errno, ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_there_is_not_overwritten),
		TEST(replaced_is_what_has_the_name),
		TEST(rewritten_is_where_the_path_leads),
		TEST(only_regular_files_are_read),
		TEST(root_follows_no_link_of_others),
		TEST(one_has_the_lock),
		TEST(a_lock_is_a_file_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
