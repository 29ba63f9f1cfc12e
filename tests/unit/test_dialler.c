/* Goal: the dialler connects to what the configuration names, and to nothing else,
 * whoever asks: another request is answered with an error, and told as a bug. What it
 * connects to it hands over at once, tuned, without waiting for the other side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/net/addresses.h"
#include "cathgate/net/net.h"
#include "supervisor/helpers/dialler.h"

#define PATIENCE_MS 30000

enum { BY_NUMBER, BY_NAME, DESTINATIONS };

static struct config_destination destinations[DESTINATIONS] = {
	[BY_NUMBER] = { .name = "number", .host = "127.0.0.1" },
	[BY_NAME] = { .name = "name", .host = "pacs.test" },
};
static const struct config config = { .destinations = destinations,
				      .destination_count = DESTINATIONS };
static int listener, other_listener;
static struct helper dialler;
static int said; /* what the process logs */

static struct sockaddr_storage address_of(const char *host, uint16_t port)
{
	struct net_addresses found;

	assert_int_equal(net_look_up(host, port, true, &found), 0);
	return found.items[0];
}

static int start_dialler(void **state)
{
	int pair[2], log[2];

	(void)state;
	listener = net_listen("127.0.0.1", 0);
	other_listener = net_listen("127.0.0.1", 0);
	assert_true(listener >= 0 && other_listener >= 0);
	for (size_t i = 0; i < DESTINATIONS; i++)
		destinations[i].port = net_port(listener);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe2(log, O_NONBLOCK), 0);
	dialler = (struct helper){ .channel = pair[0], .pid = fork() };
	if (dialler.pid == 0) {
		close(pair[0]);
		close(listener);
		close(other_listener);
		dup2(log[1], STDERR_FILENO);
		_exit(dialler_run(pair[1], &config, NULL));
	}
	close(pair[1]);
	close(log[1]);
	said = log[0];
	return 0;
}

static int status_of_dialler(void)
{
	int status;

	helper_hang_up(&dialler);
	assert_int_equal(waitpid(dialler.pid, &status, 0), dialler.pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int end_dialler(void **state)
{
	(void)state;
	assert_int_equal(status_of_dialler(), 0);
	close(listener);
	close(other_listener);
	close(said);
	return 0;
}

static void wait_for(int fd, short events)
{
	struct pollfd waited = { .fd = fd, .events = events };

	assert_int_equal(poll(&waited, 1, PATIENCE_MS), 1);
}

/* The socket, or -1 with *ret_error. */
static int call(uint64_t destination, const struct sockaddr_storage *address,
		int64_t *ret_error)
{
	static uint64_t id;
	struct dialler_request request = { .id = ++id,
					   .destination = destination,
					   .address = *address };
	struct dialler_answer answer;
	int fd;

	assert_int_equal(dialler_ask(&dialler, &request), 0);
	wait_for(dialler.channel, POLLIN);
	assert_true(dialler_hear(&dialler, &answer, &fd));
	assert_true(answer.id == id);
	assert_memory_equal(&answer.address, address, sizeof(*address));
	*ret_error = answer.error;
	return fd;
}

static bool logs_bug(void)
{
	char text[1024];
	ssize_t size = read(said, text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = '\0';
	return strstr(text, "bug: asked to connect to") != NULL;
}

static bool has_connection(int at)
{
	int fd = accept(at, NULL, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void only_what_is_configured_is_connected_to(void **state)
{
	const struct {
		uint64_t destination;
		const char *host;
		int at;
		bool is_configured;
	} cases[] = {
		{ BY_NUMBER, "127.0.0.1", listener, true },
		{ BY_NAME, "127.0.0.1", listener, true },
		{ BY_NUMBER, "127.0.0.2", listener, false },
		{ BY_NUMBER, "::1", listener, false },
		{ BY_NUMBER, "::ffff:127.0.0.1", listener, false },
		{ BY_NUMBER, "127.0.0.1", other_listener, false },
		{ BY_NAME, "127.0.0.1", other_listener, false },
		{ DESTINATIONS, "127.0.0.1", listener, false },
		{ UINT64_MAX, "127.0.0.1", listener, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage address =
			address_of(cases[i].host, net_port(cases[i].at));
		int64_t error;
		int fd = call(cases[i].destination, &address, &error);

		assert_int_equal(fd >= 0, cases[i].is_configured);
		assert_int_equal(error, cases[i].is_configured ? 0 : EPERM);
		assert_int_equal(logs_bug(), !cases[i].is_configured);
		if (fd >= 0)
			wait_for(fd, POLLOUT);
		assert_int_equal(has_connection(listener), cases[i].is_configured);
		assert_false(has_connection(other_listener));
		if (fd >= 0)
			close(fd);
	}
}

static void what_is_no_ip_address_is_refused(void **state)
{
	struct sockaddr_storage address = { .ss_family = AF_UNIX };
	int64_t error;

	(void)state;
	strcpy((char *)&address + sizeof(address.ss_family), "/run/systemd/notify");
	assert_int_equal(call(BY_NAME, &address, &error), -1);
	assert_int_equal(error, EPERM);
	assert_true(logs_bug());
	address.ss_family = AF_UNSPEC;
	assert_int_equal(call(BY_NAME, &address, &error), -1);
	assert_int_equal(error, EPERM);
}

/* Nobody takes it from the queue: it is connected all the same, and tuned. */
static void it_is_handed_over_tuned(void **state)
{
	struct sockaddr_storage address = address_of("127.0.0.1", net_port(listener));
	int64_t error;
	int fd = call(BY_NUMBER, &address, &error), value = 0;
	socklen_t size = sizeof(value);

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
	assert_int_not_equal(value, 0);
	close(fd);
}

/* What fails at once is told at once; what is refused is heard by who has the socket. */
static void failures_are_told(void **state)
{
	struct sockaddr_storage address = address_of("255.255.255.255", 0);
	int64_t error;
	int fd;

	(void)state;
	((struct sockaddr_in *)&address)->sin_port = htons(net_port(listener));
	assert_int_equal(call(BY_NAME, &address, &error), -1);
	assert_true(error != 0 && error != EPERM);
	assert_false(logs_bug());

	close(listener);
	listener = -1;
	address = address_of("127.0.0.1", destinations[BY_NUMBER].port);
	fd = call(BY_NUMBER, &address, &error);
	if (fd >= 0) {
		int refused = 0;
		socklen_t size = sizeof(refused);

		wait_for(fd, POLLOUT);
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &refused, &size),
				 0);
		error = refused;
		close(fd);
	}
	assert_int_equal(error, ECONNREFUSED);
}

/* The supervisor alone writes there, and whole requests only. */
static void it_ends_where_a_request_is_none(void **state)
{
	struct dialler_answer answer;
	int fd;

	(void)state;
	assert_int_equal(send(dialler.channel, "?", 1, 0), 1);
	wait_for(dialler.channel, POLLIN);
	assert_false(dialler_hear(&dialler, &answer, &fd));
	assert_int_equal(dialler.channel, -1);
	assert_int_equal(status_of_dialler(), 1);
	close(listener);
	close(other_listener);
	close(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_is_configured_is_connected_to,
						start_dialler, end_dialler),
		cmocka_unit_test_setup_teardown(what_is_no_ip_address_is_refused,
						start_dialler, end_dialler),
		cmocka_unit_test_setup_teardown(it_is_handed_over_tuned, start_dialler,
						end_dialler),
		cmocka_unit_test_setup_teardown(failures_are_told, start_dialler,
						end_dialler),
		cmocka_unit_test_setup(it_ends_where_a_request_is_none, start_dialler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
