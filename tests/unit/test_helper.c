/* Goal: a helper that ends is started anew, ever less often until it is well; one that
 * could not be started is tried again; one that is dismissed makes room at once. Each is
 * this program executed anew, has what was packed for it and no descriptor more, and none
 * is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/process/process.h"

/* The linker leads these calls here (--wrap). */
static int64_t now_ms;
static int pair_error; /* 0: it works */

int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_ms(void)
{
	return now_ms;
}

int __real_socketpair(int domain, int type, int protocol, int pair[2]);
int __wrap_socketpair(int domain, int type, int protocol, int pair[2]);
int __wrap_socketpair(int domain, int type, int protocol, int pair[2])
{
	if (pair_error == 0)
		return __real_socketpair(domain, type, protocol, pair);
	errno = pair_error;
	return -1;
}

enum {
	SOUND = 40,
	HAS_MEMORY,
	HAS_DESCRIPTORS,
	HAS_VARIABLES,
	HEARS_SIGTERM,
	LACKS_LETTER,
	IS_OPEN
};

static bool is_changed, is_wanted;
static const char letter[] = "what it is to know";

static bool wants(const void *argument)
{
	(void)argument;
	return is_wanted;
}

static int pack(const void *argument, FILE *to)
{
	(void)argument;
	return fwrite(letter, sizeof(letter), 1, to) == 1 ? 0 : -1;
}

/* What the child is left, as its exit status. */
static int look_around(int channel, const struct config *config, const uint8_t *more,
		       size_t size)
{
	char name[16] = "";
	sigset_t blocked;

	(void)config;
	if (is_changed)
		return HAS_MEMORY;
	for (int fd = STDERR_FILENO + 1; fd < 256; fd++)
		if ((fd == channel || fd == ROLE_DEATHS) != (fcntl(fd, F_GETFD) >= 0))
			return HAS_DESCRIPTORS;
	if (getenv("NOTIFY_SOCKET") || getenv("LISTEN_FDS") || !getenv("OF_USE"))
		return HAS_VARIABLES;
	raise(SIGTERM);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (sigismember(&blocked, SIGTERM) || sigismember(&blocked, SIGCHLD))
		return HEARS_SIGTERM;
	if (size != sizeof(letter) || memcmp(more, letter, size) != 0)
		return LACKS_LETTER;
#ifndef __SANITIZE_ADDRESS__
	if (prctl(PR_GET_DUMPABLE) != 0)
		return IS_OPEN;
#endif
	prctl(PR_GET_NAME, name);
	return strcmp(name, "cathgated-test") == 0 ? SOUND : HAS_MEMORY;
}

static int end_with_channel(int channel, const struct config *config, const uint8_t *more,
			    size_t size)
{
	struct pollfd end = { .fd = channel, .events = POLLIN };

	(void)config;
	(void)more;
	(void)size;
	return poll(&end, 1, -1) == 1 ? 0 : 1;
}

static int never_end(int channel, const struct config *config, const uint8_t *more,
		     size_t size)
{
	(void)channel;
	(void)config;
	(void)more;
	(void)size;
	while (pause() == -1)
		continue;
	return 0;
}

enum { LOOK_AROUND, END_WITH_CHANNEL, NEVER_END, RUNS };

static const struct role all[RUNS] = {
	[LOOK_AROUND] = { .context = "look around", .run = look_around },
	[END_WITH_CHANNEL] = { .context = "end", .run = end_with_channel },
	[NEVER_END] = { .context = "never end", .run = never_end },
};

static struct role_parent parent = { .program = -1, .deaths = -1 };
static struct role role;
static struct helper helper;

static void become(int which)
{
	role = all[which];
	role.name = "cathgated-test";
	role.pack = pack;
	role.is_wanted = wants;
	role.backoff_ms = 100;
	role.backoff_max_ms = 500;
}

static int begin(void **state)
{
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (parent.pid == 0) {
		parent.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
		parent.program = role_program();
		parent.deaths = open("/dev/null", O_WRONLY | O_CLOEXEC);
	}
	parent.pid = getpid();
	become(LOOK_AROUND);
	helper = (struct helper){ .role = &role, .parent = &parent, .channel = -1 };
	now_ms = 1000;
	pair_error = 0;
	is_changed = is_wanted = true;
	return parent.signals >= 0 && parent.program >= 0 && parent.deaths >= 0 ? 0 : -1;
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int end_and_reap(void)
{
	int status;

	assert_int_equal(waitpid(helper.pid, &status, 0), helper.pid);
	assert_true(helpers_reaped(&helper, 1, helper.pid, status));
	assert_int_equal(helper.pid, 0);
	assert_int_equal(helper.channel, -1);
	return status;
}

/* Wherever the parent's own descriptors stand. */
static void a_child_has_what_its_role_names(void **state)
{
	int others[8], status;

	(void)state;
	setenv("NOTIFY_SOCKET", "/run/notify", 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("OF_USE", "1", 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(helper_start(&helper), 0);
		status = end_and_reap();
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), SOUND);
		others[i] = open("/dev/null", O_RDONLY);
		assert_true(others[i] >= 0);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		close(others[i]);
	assert_non_null(getenv("NOTIFY_SOCKET")); /* the parent's own */
}

/* No executable file stands behind the descriptor. */
static void what_cannot_be_executed_ends_at_once(void **state)
{
	int program = parent.program, status;

	(void)state;
	parent.program = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(helper_start(&helper), 0);
	status = end_and_reap();
	close(parent.program);
	parent.program = program;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void it_is_started_ever_less_often_until_it_is_well(void **state)
{
	static const int64_t waits_ms[] = { 100, 200, 400, 500, 500 };

	(void)state;
	role.well_ms = 10000;
	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		helper_maintain(&helper);
		assert_int_not_equal(helper.pid, 0);
		end_and_reap();
		assert_int_equal(helper.restart_ms - now_ms, waits_ms[i]);
		now_ms = helper.restart_ms - 1;
		helper_maintain(&helper);
		assert_int_equal(helper.pid, 0);
		now_ms++;
	}
	helper_maintain(&helper);
	now_ms += role.well_ms + 1;
	end_and_reap();
	assert_int_equal(helper.restart_ms - now_ms, 100);
	now_ms = helper.restart_ms;
	helper_maintain(&helper);
	helper_became_ready(&helper);
	end_and_reap();
	assert_false(helper.is_ready);
	assert_int_equal(helper.restart_ms - now_ms, 100);
	is_wanted = false;
	now_ms = helper.restart_ms;
	helper_maintain(&helper);
	assert_int_equal(helper.pid, 0);
}

static void one_that_cannot_be_started_is_tried_again(void **state)
{
	(void)state;
	pair_error = EMFILE;
	assert_int_equal(helper_start(&helper), -1);
	assert_int_equal(errno, EMFILE);
	helper_maintain(&helper);
	assert_int_equal(helper.pid, 0);
	assert_int_equal(helper.restart_ms - now_ms, 100);
	pair_error = 0;
	helper_maintain(&helper);
	assert_int_equal(helper.pid, 0);
	now_ms += 100;
	helper_maintain(&helper);
	assert_int_not_equal(helper.pid, 0);
	end_and_reap();
}

static void another_follows_a_dismissed_one_at_once(void **state)
{
	pid_t first;

	(void)state;
	become(NEVER_END);
	assert_int_equal(helper_start(&helper), 0);
	first = helper.pid;
	helper_dismiss(&helper);
	helper_maintain(&helper); /* not beside the first one */
	assert_int_equal(helper.pid, first);
	assert_int_equal(helper.channel, -1);
	assert_int_equal(WTERMSIG(end_and_reap()), SIGKILL);
	helper_maintain(&helper);
	assert_int_not_equal(helper.pid, 0);
	kill(helper.pid, SIGKILL);
	end_and_reap(); /* the second one was not dismissed */
	assert_int_equal(helper.restart_ms - now_ms, 100);
}

static void one_waits_for_another(void **state)
{
	struct helper first = { .channel = -1 };

	(void)state;
	helper.after = &first;
	helper_maintain(&helper);
	assert_int_equal(helper.pid, 0);
	first.is_ready = true;
	helper_maintain(&helper);
	assert_int_not_equal(helper.pid, 0);
	end_and_reap();
}

static void stopping_leaves_nothing_behind(void **state)
{
	int before = count_descriptors();

	(void)state;
	for (int i = 0; i < RUNS; i++) {
		pid_t pid;

		become(i);
		role.finish_ms = i != NEVER_END ? 10000 : 0;
		assert_int_equal(helper_start(&helper), 0);
		pid = helper.pid;
		if (i == LOOK_AROUND)
			assert_true(helper_wait(&helper));
		else
			helper_stop(&helper);
		assert_int_equal(helper.pid, 0);
		assert_int_equal(waitpid(pid, NULL, 0), -1);
		assert_int_equal(count_descriptors(), before);
	}
}

static void strangers_are_nobodys(void **state)
{
	(void)state;
	assert_false(helpers_reaped(&helper, 1, getpid(), 0));
	assert_int_equal(helper.restart_ms, 0);
}

static void one_that_is_released_is_nobodys(void **state)
{
	pid_t pid;
	int channel, status;

	(void)state;
	become(END_WITH_CHANNEL);
	assert_int_equal(helper_start(&helper), 0);
	helper_became_ready(&helper);
	pid = helper.pid;
	channel = helper_release(&helper);
	assert_true(channel >= 0);
	assert_int_equal(helper.pid, 0);
	assert_false(helper.is_ready);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	close(channel);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(helpers_reaped(&helper, 1, pid, status));
	assert_int_equal(helper_release(&helper), -1);
}

static int run_role(const char *name)
{
	uint8_t *bytes = NULL;
	size_t size = 0;
	int status = 99;

	for (int i = 0; i < RUNS; i++) {
		if (strcmp(all[i].context, name) != 0)
			continue;
		become(i);
		if (role_begin(&role, &bytes, &size) == 0)
			status = role.run(ROLE_CHANNEL, NULL, bytes, size);
	}
	free(bytes);
	return status;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_child_has_what_its_role_names, begin),
		cmocka_unit_test_setup(what_cannot_be_executed_ends_at_once, begin),
		cmocka_unit_test_setup(it_is_started_ever_less_often_until_it_is_well,
				       begin),
		cmocka_unit_test_setup(one_that_cannot_be_started_is_tried_again, begin),
		cmocka_unit_test_setup(another_follows_a_dismissed_one_at_once, begin),
		cmocka_unit_test_setup(one_waits_for_another, begin),
		cmocka_unit_test_setup(stopping_leaves_nothing_behind, begin),
		cmocka_unit_test_setup(strangers_are_nobodys, begin),
		cmocka_unit_test_setup(one_that_is_released_is_nobodys, begin),
	};

	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		return run_role(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
