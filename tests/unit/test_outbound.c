/* Goal: a handshake with a destination is signed by a channel to the keeper that belongs
 * to the configuration in force: when that changes after the connection has come with its
 * channel, both are dropped and another is asked for, a few times at most. Nothing stays
 * open, however it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_session.h"

#include "cathgate/outbound/outbound.h"

#define DIALS_MAX 16

/* The other ends of what came with each call. */
static struct {
	int socket, signer;
} dialled[DIALS_MAX];
static size_t dials, revisions;
static struct outbound outbound;
static uint8_t *trust;
static size_t trust_size;
static bool has_signer, is_astray;

static int half_of_pair(int *ret_other)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*ret_other = pair[1];
	return pair[0];
}

/* A connection comes; as often as wished, a reload comes right after it. */
MUST_USE static int dial(void *context, struct leg *leg, size_t number,
			 struct outbound_call *ret)
{
	(void)context;
	(void)leg;
	assert_int_equal(number, 0);
	assert_true(dials < DIALS_MAX);
	*ret = (struct outbound_call){ .signer = -1,
				       .count = 1,
				       .trusts = outbound.trusts };
	dialled[dials].signer = -1;
	ret->fd = half_of_pair(&dialled[dials].socket);
	shutdown(dialled[dials].socket, SHUT_WR); /* so that no handshake waits */
	if (has_signer)
		ret->signer = half_of_pair(&dialled[dials].signer);
	if (dials++ < revisions)
		outbound_revise_trust(&outbound, trust, trust_size);
	if (is_astray)
		outbound_revise_way(&outbound, NULL);
	return 0;
}

/* Whether the association has closed its end. */
static bool is_closed(int other)
{
	char bytes[4096];
	ssize_t size;

	do {
		size = recv(other, bytes, sizeof(bytes), MSG_DONTWAIT);
	} while (size > 0);
	close(other);
	return size == 0 || errno == ECONNRESET;
}

static void begin(size_t revised, bool with_signer, bool astray)
{
	struct outbound_setup setup = { .connect_seconds = 60, .dial = dial };
	struct outbound_way way = { .host = "pacs.example", .port = 104 };

	setup.context = load_elsewhere(&(struct setting){ 0 }, false);
	assert_int_equal(tls_trust_pack(setup.context, &trust, &trust_size), 0);
	outbound_init(&outbound, &setup, &way);
	dials = 0;
	revisions = revised;
	has_signer = with_signer;
	is_astray = astray;
}

static void end(void)
{
	for (size_t i = 0; i < dials; i++) {
		assert_true(is_closed(dialled[i].socket));
		assert_true(dialled[i].signer < 0 || is_closed(dialled[i].signer));
	}
	free(trust);
	tls_context_free(outbound.setup.context);
}

static void a_call_of_an_old_configuration_is_dropped(void **state)
{
	static const struct {
		size_t revisions, dials;
		bool has_signer, is_astray;
		enum reason reason;
	} cases[] = {
		{ 0, 1, true, false, REASON_DESTINATION_LOST },
		{ 1, 2, true, false, REASON_DESTINATION_LOST },
		{ 4, 5, true, false, REASON_DESTINATION_LOST },
		{ DIALS_MAX, 5, true, false, REASON_INTERNAL },
		{ 0, 1, true, true, REASON_REVOKED_WHILE_OPEN },
		/* A tool that has its keys itself needs no channel, and no other call. */
		{ 1, 1, false, false, REASON_DESTINATION_LOST },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct sink_failure failure;

		begin(cases[i].revisions, cases[i].has_signer, cases[i].is_astray);
		assert_int_equal(outbound_open(&outbound, &failure), -1);
		if (failure.reason != cases[i].reason || dials != cases[i].dials)
			fail_msg("case %zu: %zu dials, %s: %s", i, dials,
				 reason_name(failure.reason), failure.detail);
		end();
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_of_an_old_configuration_is_dropped),
	};

	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
