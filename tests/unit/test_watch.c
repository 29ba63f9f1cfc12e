/*
 * Goal: where there is no inotify, or it takes no more folders, a file that changes is
 * seen all the same, within a minute; and somebody is told that it takes that long.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/base/log.h"
#include "supervisor/settings/watch.h"

#define MINUTE_MS 60000

/* The linker leads these calls here (--wrap). */
static int64_t now_ms = 1000;
static int init_error, add_error; /* 0: it works */

int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_ms(void)
{
	return now_ms;
}

int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);
int __wrap_inotify_init1(int flags)
{
	if (init_error == 0)
		return __real_inotify_init1(flags);
	errno = init_error;
	return -1;
}

int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (add_error == 0)
		return __real_inotify_add_watch(fd, path, mask);
	errno = add_error;
	return -1;
}

static char path[] = "/tmp/cathgate-unit-XXXXXX/gateway.crt";

static void write_file(const char *text)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
}

/* What standard error is told while a watch begins. */
static void begin(struct watch **watch, const struct settings *settings, char *ret_said,
		  size_t size)
{
	FILE *said = tmpfile();
	int before = dup(STDERR_FILENO);
	size_t length;

	assert_non_null(said);
	dup2(fileno(said), STDERR_FILENO);
	assert_int_equal(watch_renew(watch, settings), 0);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(said);
	length = fread(ret_said, 1, size - 1, said);
	ret_said[length] = '\0';
	fclose(said);
}

static void looked_at_once_a_minute(int init, int add, bool is_told)
{
	struct config_file file = { .path = path };
	struct config_listen listen = { .tls = { .certificate = { &file, 1 },
						 .key = { &file, 1 },
						 .ca = { .path = path } } };
	struct config config = { .listen = &listen, .listen_count = 1 };
	/* Read long after the file was last changed. */
	struct settings settings = { .config = &config,
				     .read_at = { .tv_sec = INT32_MAX } };
	struct watch *watch = NULL;
	char said[512];

	init_error = init;
	add_error = add;
	write_file("one");
	begin(&watch, &settings, said, sizeof(said));
	assert_int_equal(strstr(said, "once a minute") != NULL, is_told);
	assert_int_equal(watch_descriptor(watch) < 0, init != 0);

	write_file("another");
	assert_true(watch_wait_ms(watch) <= MINUTE_MS);
	now_ms += MINUTE_MS - 1;
	assert_false(watch_maintain(watch));
	now_ms += 1;
	assert_true(watch_maintain(watch));
	/* What didn't change again is not read again. */
	now_ms += MINUTE_MS;
	assert_false(watch_maintain(watch));
	watch_free(watch);
}

static void without_instances(void **state)
{
	(void)state;
	looked_at_once_a_minute(EMFILE, 0, true);
}

static void without_room_for_folders(void **state)
{
	(void)state;
	looked_at_once_a_minute(0, ENOSPC, true);
}

static void where_no_event_comes(void **state)
{
	(void)state;
	looked_at_once_a_minute(0, 0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_instances),
		cmocka_unit_test(without_room_for_folders),
		cmocka_unit_test(where_no_event_comes),
	};
	char *slash = strrchr(path, '/');
	int result;

	*slash = '\0';
	if (mkdtemp(path) == NULL)
		return 1;
	*slash = '/';
	result = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	*slash = '\0';
	rmdir(path);
	return result;
}
