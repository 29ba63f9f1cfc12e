/* Goal: the supervisor takes a forker at its word only where the process that it names is
 * a child of the supervisor: a forker that was taken over could name anybody's, which
 * would be ended some time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/helpers/forking.h"

/* What forking_fork makes of a forker's answer; *ret_channel: the channel is still there.
 */
static pid_t fork_answered(const struct forker_answer *answer, bool *ret_channel)
{
	int ends[2];
	struct helper helper = { .channel = -1, .is_ready = true };
	struct forking forking = { .helper = &helper };
	const struct forker_order order = { .id = "0123456789abcdef" };
	pid_t ret;
	int error;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	helper.channel = ends[0];
	assert_int_equal(send(ends[1], answer, sizeof(*answer), 0), sizeof(*answer));
	ret = forking_fork(&forking, &order, NULL, 0);
	error = errno;
	*ret_channel = helper.channel >= 0;
	if (helper.channel >= 0)
		close(helper.channel);
	close(ends[1]);
	errno = error;
	return ret;
}

static void no_other_process_is_believed_to_be_a_child(void **state)
{
	/* init, the parent, this one, none at all, and what would wrap to a child's. */
	const int64_t others[] = {
		1, getppid(), getpid(), 4194305, INT64_C(1) << 32, -2
	};
	bool has_channel;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct forker_answer answer = { .pid = others[i] };

		assert_int_equal(fork_answered(&answer, &has_channel), -1);
		assert_int_equal(errno, ENOTCONN);
		assert_false(has_channel); /* it is not asked again */
	}
}

static void a_child_and_an_error_are_believed(void **state)
{
	struct forker_answer answer = { .error = EAGAIN };
	bool has_channel;
	pid_t child;

	(void)state;
	assert_int_equal(fork_answered(&answer, &has_channel), -1);
	assert_int_equal(errno, EAGAIN);
	assert_true(has_channel);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(0);
	answer = (struct forker_answer){ .pid = child };
	assert_int_equal(fork_answered(&answer, &has_channel), child);
	assert_true(has_channel);
	/* It is still to be reaped, by who reaps all. */
	assert_int_equal(waitpid(child, NULL, 0), child);
	/* And it is none any more. */
	assert_int_equal(fork_answered(&answer, &has_channel), -1);
	assert_false(has_channel);
	/* What would wrap to a child's. */
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(0);
	answer.pid = child + (INT64_C(1) << 32);
	assert_int_equal(fork_answered(&answer, &has_channel), -1);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_other_process_is_believed_to_be_a_child),
		cmocka_unit_test(a_child_and_an_error_are_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
