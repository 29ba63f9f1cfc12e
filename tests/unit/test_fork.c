/* Goal: a process that the forker forks is the supervisor's child, has the descriptors
 * that it is given and no more, and random numbers of its own, OpenSSL's too; malloc,
 * stdio and signals to itself work in it as after fork(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/process/process.h"

#define CHILDREN 4

static const struct role role = { .name = "cathgated-test" };

struct report {
	pid_t pid, parent;
	uint8_t random[32];
	bool is_alone; /* with its descriptor */
	char name[16];
};

static void work_in_child(int channel)
{
	struct report report = { .pid = getpid(), .parent = getppid(), .is_alone = true };
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	for (int fd = STDERR_FILENO + 1; fd < 256; fd++)
		if (fd != channel && fcntl(fd, F_GETFD) >= 0)
			report.is_alone = false;
	prctl(PR_GET_NAME, report.name);
	if (!to || RAND_bytes(report.random, sizeof(report.random)) != 1)
		role_exit(2);
	fwrite(&report, sizeof(report), 1, to);
	if (fclose(to) != 0 || write(channel, text, size) != (ssize_t)size)
		role_exit(3);
	free(text);
}

/* A forker that has used OpenSSL before. Each child reports over the channel. */
static void be_forker(int channel, void (*then)(int channel))
{
	struct rlimit none = { 0, 0 };
	uint8_t random[32];

	setrlimit(RLIMIT_CORE, &none);
	if (RAND_bytes(random, sizeof(random)) != 1)
		_exit(1);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = role_fork(&role, getppid(), &channel, 1);

		if (pid < 0)
			_exit(1);
		if (pid > 0)
			continue;
		work_in_child(channel);
		if (then)
			then(channel);
		role_exit(0);
	}
	_exit(0);
}

static int start_forker(void (*then)(int channel))
{
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_forker(pair[1], then);
	close(pair[1]);
	return pair[0];
}

static void children_are_the_supervisors(void **state)
{
	struct report reports[CHILDREN];
	int channel = start_forker(NULL), status;
	pid_t pid;

	(void)state;
	for (int i = 0; i < CHILDREN; i++) {
		assert_int_equal(recv(channel, &reports[i], sizeof(reports[i]), 0),
				 sizeof(reports[i]));
		assert_int_equal(reports[i].parent, getpid());
		assert_true(reports[i].is_alone);
		assert_string_equal(reports[i].name, "cathgated-test");
		for (int j = 0; j < i; j++) {
			assert_int_not_equal(reports[i].pid, reports[j].pid);
			assert_memory_not_equal(reports[i].random, reports[j].random,
						sizeof(reports[i].random));
		}
	}
	for (int i = 0; i < CHILDREN + 1; i++) {
		pid = wait(&status);
		assert_true(pid > 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_int_equal(wait(&status), -1);
	close(channel);
}

static void raise_abort(int channel)
{
	(void)channel;
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* abort() asks for the thread's ID. */
static void a_child_can_abort(void **state)
{
	int channel = start_forker(raise_abort), status, aborted = 0;

	(void)state;
	while (wait(&status) > 0)
		aborted += WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
	assert_int_equal(aborted, CHILDREN);
	close(channel);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_are_the_supervisors),
		cmocka_unit_test(a_child_can_abort),
	};

	/* Whoever started this may have left any open, as the one that each child keeps.
	 */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
