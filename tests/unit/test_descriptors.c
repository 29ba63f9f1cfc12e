/* Goal: words bring the descriptors that were sent with them, and no word leaves one
 * behind that nobody closes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/base/descriptors.h"

struct fixture {
	int ends[2], files[DESCRIPTORS_MAX];
};

static int set_up(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	for (size_t i = 0; i < DESCRIPTORS_MAX; i++)
		fixture.files[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fixture.ends);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < DESCRIPTORS_MAX; i++)
		close(fixture->files[i]);
	close(fixture->ends[0]);
	close(fixture->ends[1]);
	return 0;
}

static unsigned open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void as_many_arrive_as_were_sent(void **state)
{
	struct fixture *fixture = *state;

	for (size_t sent = 0; sent <= DESCRIPTORS_MAX; sent++) {
		unsigned before = open_descriptors();
		int came[DESCRIPTORS_MAX];
		char word[8] = "";
		size_t count;

		assert_int_equal(descriptors_send(fixture->ends[0], "word", 4,
						  fixture->files, sent, 0),
				 0);
		assert_int_equal(descriptors_receive(fixture->ends[1], word, sizeof(word),
						     came, DESCRIPTORS_MAX, &count, 0),
				 4);
		assert_string_equal(word, "word");
		assert_int_equal(count, sent);
		assert_int_equal(open_descriptors(), before + sent);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(fcntl(came[i], F_GETFD), FD_CLOEXEC);
			close(came[i]);
		}
	}
}

static void those_beyond_the_room_are_closed(void **state)
{
	struct fixture *fixture = *state;

	for (size_t sent = 1; sent <= DESCRIPTORS_MAX; sent++) {
		unsigned before = open_descriptors();
		int came;
		char word;

		assert_int_equal(descriptors_send(fixture->ends[0], "w", 1,
						  fixture->files, sent, 0),
				 0);
		assert_int_equal(descriptor_receive(fixture->ends[1], &word, 1, &came, 0),
				 1);
		assert_true(came >= 0);
		close(came);
		assert_int_equal(open_descriptors(), before);
	}
}

static void more_than_fit_are_not_sent(void **state)
{
	struct fixture *fixture = *state;
	int came;
	char word;

	assert_int_equal(descriptors_send(fixture->ends[0], "w", 1, fixture->files,
					  DESCRIPTORS_MAX + 1, 0),
			 -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(
		descriptor_receive(fixture->ends[1], &word, 1, &came, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(came, -1);
}

static void who_is_gone_is_told_by_errno(void **state)
{
	struct fixture *fixture = *state;
	int came;
	char word;

	shutdown(fixture->ends[1], SHUT_RDWR);
	assert_int_equal(descriptors_send(fixture->ends[0], "w", 1, fixture->files, 1, 0),
			 -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(descriptor_receive(fixture->ends[0], &word, 1, &came, 0), 0);
	assert_int_equal(came, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(as_many_arrive_as_were_sent),
		TEST(those_beyond_the_room_are_closed),
		TEST(more_than_fit_are_not_sent),
		TEST(who_is_gone_is_told_by_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
