/*
 * The dialler's whole process, over requests that a supervisor which was taken over would
 * send. It connects to no address but the configuration's, and answers each request once,
 * in order, with a socket or an error.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/net/net.h"
#include "fuzz.h"
#include "patch.h"
#include "supervisor/helpers/dialler.h"

#define PORT	     104
#define REQUESTS_MAX 32

static struct config_destination destinations[] = {
	{ .name = "fixed", .host = "192.0.2.9", .port = PORT },
	{ .name = "named", .host = "pacs.test", .port = PORT },
	{ .name = "six", .host = "2001:db8::9", .port = PORT },
	{ .name = "nowhere", .host = "192.0.2.9" },
};
static const struct config config = { .destinations = destinations,
				      .destination_count = 4 };

static const struct dialler_request *asked; /* those that aren't answered yet */

int __wrap_net_begin_connect(const struct sockaddr_storage *address);
int __wrap_net_begin_connect(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	char text[INET6_ADDRSTRLEN];

	FUZZ_REQUIRE(asked->destination < 3);
	if (address->ss_family == AF_INET) {
		FUZZ_REQUIRE(v4->sin_port == htons(PORT));
		FUZZ_REQUIRE(asked->destination == 1 ||
			     (asked->destination == 0 &&
			      v4->sin_addr.s_addr == htonl(0xc0000209)));
	} else {
		FUZZ_REQUIRE(address->ss_family == AF_INET6);
		FUZZ_REQUIRE(v6->sin6_port == htons(PORT));
		FUZZ_REQUIRE(
			asked->destination == 1 ||
			(asked->destination == 2 &&
			 strcmp(inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text)),
				"2001:db8::9") == 0));
	}
	asked++;
	if (asked[-1].id & 1) {
		errno = ENETUNREACH;
		return -1;
	}
	return dup(STDERR_FILENO);
}

void __wrap_log_bug(const char *format, ...);
void __wrap_log_bug(const char *format, ...)
{
	(void)format; /* it tells of the supervisor's */
	asked++;
}

static void good_request(uint8_t how, struct dialler_request *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->address;

	memset(ret, 0, sizeof(*ret));
	ret->id = how >> 3;
	ret->destination = how & 3;
	if (how & 4) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(PORT);
		FUZZ_REQUIRE(inet_pton(AF_INET6, "2001:db8::9", &v6->sin6_addr) == 1);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(PORT);
		v4->sin_addr.s_addr = htonl(0xc0000209);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct patch_input input = { bytes, size };
	struct dialler_request requests[REQUESTS_MAX];
	struct dialler_answer answer;
	size_t count = 0;
	int pair[2], came;

	FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	for (; input.left > 0 && count < REQUESTS_MAX; count++) {
		good_request(patch_byte(&input), &requests[count]);
		patch_apply(&input, &requests[count], sizeof(*requests));
		FUZZ_REQUIRE(send(pair[0], &requests[count], sizeof(*requests), 0) > 0);
	}
	if (size % 2 == 1) /* a cut one */
		FUZZ_REQUIRE(send(pair[0], bytes, size % sizeof(*requests), 0) >= 0);
	shutdown(pair[0], SHUT_WR);
	asked = requests;
	(void)!dialler_run(pair[1], &config, NULL);
	for (size_t i = 0; i < count; i++) {
		FUZZ_REQUIRE(descriptor_receive(pair[0], &answer, sizeof(answer), &came,
						MSG_DONTWAIT) == sizeof(answer));
		FUZZ_REQUIRE(answer.id == requests[i].id);
		FUZZ_REQUIRE((came >= 0) == (answer.error == 0));
		if (came >= 0)
			close(came);
	}
	FUZZ_REQUIRE(asked == requests + count);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
