/* Goal: a connection is tuned so that a peer that vanishes is given up within 30 s,
 * whether it idles or owes an acknowledgement, and small writes aren't held back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/net/net.h"

#define PROMISED_S 30

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

static void vanished_peers_are_given_up(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(net_tune(fd), 0);
	assert_int_not_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_true(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
			    option(fd, IPPROTO_TCP, TCP_KEEPINTVL) *
				    option(fd, IPPROTO_TCP, TCP_KEEPCNT) <=
		    PROMISED_S);
	assert_in_range(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 1, PROMISED_S * 1000);
	close(fd);
}

static void nothing_waits(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(net_tune(fd), 0);
	assert_int_not_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vanished_peers_are_given_up),
		cmocka_unit_test(nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
