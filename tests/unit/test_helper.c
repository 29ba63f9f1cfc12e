/* Goal: a helper that ends is started anew, ever less often until it is well; one that
 * could not be forked is tried again; one that is dismissed makes room at once. None is
 * born with a descriptor or a key that its role doesn't name, and none is left behind. */
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

enum { SOUND = 40, HAS_KEYS, HAS_DESCRIPTORS, HEARS_SIGTERM };

static bool has_keys, is_wanted;

static void forget_keys(void *keys)
{
	*(bool *)keys = false;
}

static bool wants(const void *argument)
{
	(void)argument;
	return is_wanted;
}

/* What the child is left, as its exit status. */
static int look_around(int channel, const void *argument)
{
	sigset_t blocked;

	(void)argument;
	for (int fd = STDERR_FILENO + 1; fd < 256; fd++)
		if (fd != channel && fcntl(fd, F_GETFD) >= 0)
			return HAS_DESCRIPTORS;
	raise(SIGTERM);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (sigismember(&blocked, SIGTERM) || sigismember(&blocked, SIGCHLD))
		return HEARS_SIGTERM;
	return has_keys ? HAS_KEYS : SOUND;
}

static int end_with_channel(int channel, const void *argument)
{
	struct pollfd end = { .fd = channel, .events = POLLIN };

	(void)argument;
	return poll(&end, 1, -1) == 1 ? 0 : 1;
}

static int never_end(int channel, const void *argument)
{
	(void)channel;
	(void)argument;
	while (pause() == -1)
		continue;
	return 0;
}

static struct role_parent parent = { .forget_keys = forget_keys, .keys = &has_keys };
static struct role role;
static struct helper helper;

static int begin(void **state)
{
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (parent.pid == 0)
		parent.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	parent.pid = getpid();
	role = (struct role){ .name = "cathgated-test",
			      .context = "test",
			      .run = look_around,
			      .is_wanted = wants,
			      .backoff_ms = 100,
			      .backoff_max_ms = 500 };
	helper = (struct helper){ .role = &role, .parent = &parent, .channel = -1 };
	now_ms = 1000;
	pair_error = 0;
	has_keys = is_wanted = true;
	return parent.signals >= 0 ? 0 : -1;
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

static void a_child_has_what_its_role_names(void **state)
{
	int other = open("/dev/null", O_RDONLY), status;

	(void)state;
	assert_true(other >= 0);
	for (int i = 0; i < 2; i++) {
		role.keys = i == 0 ? ROLE_NO_KEYS : ROLE_TLS_KEYS;
		assert_int_equal(helper_start(&helper), 0);
		status = end_and_reap();
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), i == 0 ? SOUND : HAS_KEYS);
		assert_true(has_keys); /* the parent's own */
	}
	close(other);
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
	role.run = never_end;
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
	static int (*const runs[])(int, const void *) = { look_around, end_with_channel,
							  never_end };
	int before = count_descriptors();

	(void)state;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		pid_t pid;

		role.run = runs[i];
		role.finish_ms = i < 2 ? 1000 : 0;
		assert_int_equal(helper_start(&helper), 0);
		pid = helper.pid;
		if (i == 0)
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_child_has_what_its_role_names, begin),
		cmocka_unit_test_setup(it_is_started_ever_less_often_until_it_is_well,
				       begin),
		cmocka_unit_test_setup(one_that_cannot_be_started_is_tried_again, begin),
		cmocka_unit_test_setup(another_follows_a_dismissed_one_at_once, begin),
		cmocka_unit_test_setup(one_waits_for_another, begin),
		cmocka_unit_test_setup(stopping_leaves_nothing_behind, begin),
		cmocka_unit_test_setup(strangers_are_nobodys, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
