/* Goal: an association gets a connection to its own destination and to no other, one at a
 * time; one that asks out of turn is ended. A dialler that ends, or is replaced by a
 * reload, costs nobody a connection: its successor is asked. With a connection that is to
 * have TLS comes a channel to the keeper, and who calls waits for a keeper that serves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "supervisor/gate/gate.h"
#include "tls/internal.h"

enum { PACS, ARCHIVE, DESTINATIONS };

static struct config_modality modalities[] = { { .name = "angio", .destination = PACS } };
static struct config_destination destinations[DESTINATIONS] = {
	{ .name = "pacs", .host = "pacs.test", .tls = { .none = true } },
	{ .name = "archive", .host = "archive.test", .tls = { .none = true } },
};
static struct config_listen listeners[] = { { .port = 1, .tls = { .none = true } } };
static struct config config = {
	.listen = listeners,
	.listen_count = 1,
	.modalities = modalities,
	.modality_count = 1,
	.destinations = destinations,
	.destination_count = DESTINATIONS,
};
static struct tls_context *contexts[DESTINATIONS]; /* no TLS: nothing to bring */
static struct tls_context to_pacs;
static struct net_addresses addresses[DESTINATIONS];
static struct settings settings = { .config = &config,
				    .servers = contexts,
				    .clients = contexts,
				    .addresses = addresses };
static struct helper auditor = { .channel = -1 }, dialler, keeper;
static struct keeping keeping = { .helper = &keeper };
static struct auditing auditing = { .helper = &auditor };
static struct gate gate;
static int dialler_end, far; /* the other ends of the channels */

static struct sockaddr_storage numbered(size_t destination, size_t i)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;

	v4->sin_family = AF_INET;
	v4->sin_port = htons(104);
	v4->sin_addr.s_addr = htonl((uint32_t)(0xC0000200 + destination * 16 + i));
	return address;
}

static void start_dialler(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	dialler.channel = pair[0];
	dialler.generation++;
	dialler_end = pair[1];
}

static void lose_dialler(void)
{
	helper_hang_up(&dialler);
	close(dialler_end);
}

/* A process that holds a place for angio. */
static struct place *come(void)
{
	struct sockaddr_storage peer = numbered(PACS, 200);
	struct place *place;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	place = places_add(&gate.places, pair[0], &peer, "0123456789abcdef");
	assert_non_null(place);
	gate.places.handshaking--;
	gate.places.held++;
	place->state = PLACE_HELD;
	place->modality = 0;
	place->destination = PACS;
	place->listener = 0;
	far = pair[1];
	return place;
}

static int begin(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof(gate));
	gate.settings = &settings;
	gate.auditing = &auditing;
	gate.dialler = &dialler;
	gate.keeping = &keeping;
	contexts[PACS] = NULL;
	keeper = (struct helper){ .channel = -1 };
	modalities[0].destination = PACS;
	for (size_t i = 0; i < DESTINATIONS; i++) {
		addresses[i].count = 2;
		for (size_t j = 0; j < 2; j++)
			addresses[i].items[j] = numbered(i, j);
	}
	dialler = (struct helper){ .channel = -1 };
	start_dialler();
	return 0;
}

static int end(void **state)
{
	(void)state;
	while (gate.places.first)
		claim_forget(&gate, gate.places.first);
	papers_free(&gate);
	lose_dialler();
	close(far);
	return 0;
}

/* Whether the place is still there. */
static bool ask(struct place *place, uint32_t number)
{
	struct association_notice notice = { .kind = ASSOCIATION_ASKS_CONNECTION,
					     .number = number };

	assert_int_equal(send(far, &notice, sizeof(notice), 0), sizeof(notice));
	return claim_hear(&gate, place, &notice) == CLAIM_FIGURES;
}

/* The next request that the dialler has. */
static bool hears(struct dialler_request *ret)
{
	return recv(dialler_end, ret, sizeof(*ret), MSG_DONTWAIT) == sizeof(*ret);
}

static void answer(const struct dialler_request *request, int64_t error)
{
	struct dialler_answer said = { .id = request->id,
				       .error = error,
				       .address = request->address };
	int fd = open("/dev/null", O_RDONLY);

	assert_int_equal(
		descriptors_send(dialler_end, &said, sizeof(said), &fd, error == 0, 0),
		0);
	close(fd);
	dialling_hear(&gate);
}

/* The next notice that the association has; ASSOCIATION_STOP: none. */
static enum association_notice_kind next(struct association_call *ret, bool *ret_with)
{
	struct association_notice notice;
	int came[ASSOCIATION_PAPER_COUNT];
	size_t count;

	if (descriptors_receive(far, &notice, sizeof(notice), came,
				ASSOCIATION_PAPER_COUNT, &count, MSG_DONTWAIT) < 0)
		return ASSOCIATION_STOP;
	for (size_t i = 0; i < count; i++)
		close(came[i]);
	*ret = notice.called;
	*ret_with = count > 0;
	assert_int_equal(count, notice.kind == ASSOCIATION_CONNECTION
					? (size_t)__builtin_popcount(notice.called.brings)
					: count);
	return notice.kind;
}

static void gets_nothing(void)
{
	struct association_call called;
	bool with;

	assert_int_equal(next(&called, &with), ASSOCIATION_STOP);
}

static void gets_connection(size_t i)
{
	struct sockaddr_storage address = numbered(PACS, i);
	struct association_call called;
	bool with;

	assert_int_equal(next(&called, &with), ASSOCIATION_CONNECTION);
	assert_true(with);
	assert_int_equal(called.error, 0);
	assert_int_equal(called.count, 2);
	assert_memory_equal(&called.address, &address, sizeof(address));
}

static void gets_error(int error, uint32_t count)
{
	struct association_call called;
	bool with;

	assert_int_equal(next(&called, &with), ASSOCIATION_CONNECTION);
	assert_false(with);
	assert_int_equal(called.error, error);
	assert_int_equal(called.count, count);
}

static void each_address_is_dialled_in_turn(void **state)
{
	struct place *place = come();
	struct dialler_request request;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct sockaddr_storage address = numbered(PACS, i);

		assert_true(ask(place, i));
		assert_true(hears(&request));
		assert_true(request.destination == PACS);
		assert_memory_equal(&request.address, &address, sizeof(address));
		gets_nothing();
		answer(&request, 0);
		gets_connection(i);
	}
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	answer(&request, ENETUNREACH);
	gets_error(ENETUNREACH, 2);
	/* That is no errno, and would be none at all in fewer bits. */
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	answer(&request, (int64_t)1 << 32);
	gets_error(EMFILE, 2);
	/* There is no such address, any more maybe: that costs no call. */
	assert_true(ask(place, 2));
	assert_false(hears(&request));
	gets_error(ENXIO, 2);
	addresses[PACS].count = 0;
	assert_true(ask(place, 0));
	assert_false(hears(&request));
	gets_error(ENXIO, 0);
}

static void who_has_called_too_often_waits(void **state)
{
	struct place *place = come();
	struct dialler_request request;

	(void)state;
	for (int i = 0; i < 64; i++) {
		assert_true(ask(place, 0));
		assert_true(hears(&request));
		answer(&request, 0);
		gets_connection(0);
	}
	place->next_call_ms = INT64_MAX / 2; /* as after many more */
	assert_true(ask(place, 0));
	dialling_maintain(&gate);
	assert_false(hears(&request));
	place->call.again_ms = 0;
	dialling_maintain(&gate);
	assert_true(hears(&request));
	answer(&request, 0);
	gets_connection(0);
}

static enum claim tell_seen(struct place *place, const char *destination)
{
	struct association_notice notice = { .kind = ASSOCIATION_SAW_DESTINATION };

	strcpy(notice.destination, destination);
	assert_int_equal(send(far, &notice, sizeof(notice), 0), sizeof(notice));
	return claim_hear(&gate, place, &notice);
}

static void a_certificate_is_believed_once_a_connection(void **state)
{
	struct place *place = come();
	struct dialler_request request;

	(void)state;
	assert_int_equal(tell_seen(place, "pacs"), CLAIM_FIGURES);
	for (int i = 0; i < 2; i++) {
		assert_true(ask(place, 0));
		assert_true(hears(&request));
		answer(&request, 0);
		gets_connection(0);
		assert_int_equal(tell_seen(place, i == 0 ? "pacs" : "archive"),
				 i == 0 ? CLAIM_SAW_DESTINATION : CLAIM_FIGURES);
		assert_int_equal(tell_seen(place, "pacs"), CLAIM_FIGURES);
	}
}

static void who_asks_out_of_turn_is_ended(void **state)
{
	static const struct {
		enum place_state state;
		uint32_t number;
		bool asks_twice;
	} cases[] = {
		{ PLACE_HANDSHAKING, 0, false },
		{ PLACE_AUTHENTICATED, 0, false },
		{ PLACE_HELD, NET_ADDRESSES_MAX, false },
		{ PLACE_HELD, UINT32_MAX, false },
		{ PLACE_HELD, 0, true },
	};
	struct dialler_request request;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place *place = come();

		place->state = cases[i].state;
		if (cases[i].state == PLACE_HANDSHAKING)
			gate.places.handshaking++;
		if (cases[i].state != PLACE_HELD)
			gate.places.held--;
		if (cases[i].asks_twice) {
			assert_true(ask(place, 0));
			assert_true(hears(&request));
		}
		assert_false(ask(place, cases[i].number));
		assert_null(gate.places.first);
		assert_false(hears(&request));
		close(far);
	}
	/* The answer that it had asked for by right goes to nobody. */
	answer(&request, 0);
}

static void a_successor_is_asked(void **state)
{
	struct place *place = come();
	struct dialler_request request;

	(void)state;
	/* It ended with the request in hand, and one that isn't there can't be asked. */
	assert_true(ask(place, 1));
	lose_dialler();
	dialling_maintain(&gate);
	gets_nothing();
	start_dialler();
	dialling_maintain(&gate);
	assert_true(hears(&request));
	dialling_maintain(&gate);
	answer(&request, 0);
	gets_connection(1);
	assert_false(hears(&request));
	/* It was away when it was to be asked. */
	lose_dialler();
	assert_true(ask(place, 0));
	start_dialler();
	dialling_maintain(&gate);
	assert_true(hears(&request));
	answer(&request, 0);
	gets_connection(0);
	/* One that says what it can't say is hung up on. */
	assert_true(ask(place, 0));
	assert_int_equal(send(dialler_end, "?", 1, 0), 1);
	dialling_hear(&gate);
	assert_int_equal(dialler.channel, -1);
	close(dialler_end);
	start_dialler();
	dialling_maintain(&gate);
	assert_true(hears(&request));
	answer(&request, 0);
	gets_connection(0);
}

static void a_busy_dialler_is_asked_later(void **state)
{
	struct place *place = come();
	struct dialler_request request = { 0 };

	(void)state;
	while (dialler_ask(&dialler, &request) == 0)
		;
	assert_true(ask(place, 1));
	while (hears(&request))
		assert_true(request.id == 0);
	dialling_maintain(&gate);
	assert_true(hears(&request));
	answer(&request, 0);
	gets_connection(1);
}

static void a_reload_is_told_first(void **state)
{
	struct place *place = come();
	struct dialler_request request;
	struct association_call called;
	bool with;

	(void)state;
	/* Before it is asked for, and while the dialler has it. */
	gate.edition++;
	assert_true(ask(place, 0));
	assert_int_equal(next(&called, &with), ASSOCIATION_REVISED);
	assert_true(hears(&request));
	papers_free(&gate);
	gate.edition++;
	answer(&request, 0);
	assert_int_equal(next(&called, &with), ASSOCIATION_REVISED);
	gets_connection(0);
	/* Its entry sends elsewhere now: it gets no connection there, nor to the old one.
	 */
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	papers_free(&gate);
	gate.edition++;
	modalities[0].destination = ARCHIVE;
	answer(&request, 0);
	assert_int_equal(next(&called, &with), ASSOCIATION_REVISED);
	gets_error(ECANCELED, 0);
	assert_true(ask(place, 0));
	assert_false(hears(&request));
	gets_error(ECANCELED, 0);
	/* Or it is gone. */
	place->modality = place->destination = NOWHERE;
	assert_true(ask(place, 0));
	assert_false(hears(&request));
	gets_error(ECANCELED, 0);
}

/* A dialler that was taken over can give no association what that didn't ask for. */
static void what_nobody_asked_for_goes_to_nobody(void **state)
{
	const struct dialler_request none = { 0 }, unknown = { .id = 4242 };
	struct dialler_request request;
	struct place *place = come();

	(void)state;
	answer(&none, 0);
	gets_nothing();
	answer(&unknown, 0);
	gets_nothing();
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	answer(&none, 0);
	gets_nothing();
	answer(&request, 0);
	gets_connection(0);
	answer(&request, 0);
	gets_nothing();
}

static void who_has_left_gets_none(void **state)
{
	struct place *place = come();
	struct dialler_request request;

	(void)state;
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	claim_return(&gate, place);
	answer(&request, 0);
	gets_nothing();
	dialling_maintain(&gate);
	assert_false(hears(&request));
	/* What it said before it was heard to leave is no misbehaviour. */
	assert_true(ask(place, 0));
	assert_false(hears(&request));
}

/* The socket isn't kept for a process that doesn't listen. */
static void who_does_not_listen_is_asked_for_anew(void **state)
{
	struct place *place = come();
	struct association_notice notice = { .kind = ASSOCIATION_PACE };
	struct dialler_request request;

	(void)state;
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	while (send(place->channel, &notice, sizeof(notice), MSG_DONTWAIT) > 0)
		;
	answer(&request, 0);
	dialling_maintain(&gate);
	assert_false(hears(&request));
	while (recv(far, &notice, sizeof(notice), MSG_DONTWAIT) > 0)
		assert_int_equal(notice.kind, ASSOCIATION_PACE);
	place->call.again_ms = 0;
	dialling_maintain(&gate);
	assert_true(hears(&request));
	answer(&request, 0);
	gets_connection(0);
}

static int start_keeper(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	keeper.channel = pair[0];
	keeper.is_ready = true;
	return pair[1];
}

static void gets_both(void)
{
	struct association_call called;
	bool with;

	assert_int_equal(next(&called, &with), ASSOCIATION_CONNECTION);
	assert_int_equal(called.error, 0);
	assert_int_equal(called.brings,
			 1U << ASSOCIATION_SOCKET | 1U << ASSOCIATION_SIGNER);
}

static void with_tls_a_channel_to_the_keeper_comes_along(void **state)
{
	struct place *place = come();
	struct dialler_request request;
	int keeper_end;

	(void)state;
	contexts[PACS] = &to_pacs;
	/* No PACS is called while no keeper serves. */
	assert_true(ask(place, 0));
	dialling_maintain(&gate);
	assert_false(hears(&request));
	keeper_end = start_keeper();
	dialling_maintain(&gate);
	assert_true(hears(&request));
	answer(&request, 0);
	gets_both();
	/* Without a socket there is nothing to sign. */
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	answer(&request, ENETUNREACH);
	gets_error(ENETUNREACH, 2);
	/* The keeper ends while the dialler has the request: both are asked anew. */
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	close(keeper_end);
	answer(&request, 0);
	gets_nothing();
	dialling_maintain(&gate);
	assert_false(hears(&request));
	helper_hang_up(&keeper);
	dialling_maintain(&gate);
	assert_false(hears(&request));
	keeper_end = start_keeper();
	dialling_maintain(&gate);
	assert_true(hears(&request));
	answer(&request, 0);
	gets_both();
	/* The destination may have none any more. */
	assert_true(ask(place, 0));
	assert_true(hears(&request));
	contexts[PACS] = NULL;
	answer(&request, 0);
	gets_connection(0);
	helper_hang_up(&keeper);
	close(keeper_end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_address_is_dialled_in_turn, begin,
						end),
		cmocka_unit_test_setup_teardown(who_has_called_too_often_waits, begin,
						end),
		cmocka_unit_test_setup_teardown(
			a_certificate_is_believed_once_a_connection, begin, end),
		cmocka_unit_test_setup_teardown(who_asks_out_of_turn_is_ended, begin,
						end),
		cmocka_unit_test_setup_teardown(a_successor_is_asked, begin, end),
		cmocka_unit_test_setup_teardown(a_busy_dialler_is_asked_later, begin,
						end),
		cmocka_unit_test_setup_teardown(a_reload_is_told_first, begin, end),
		cmocka_unit_test_setup_teardown(what_nobody_asked_for_goes_to_nobody,
						begin, end),
		cmocka_unit_test_setup_teardown(who_has_left_gets_none, begin, end),
		cmocka_unit_test_setup_teardown(who_does_not_listen_is_asked_for_anew,
						begin, end),
		cmocka_unit_test_setup_teardown(
			with_tls_a_channel_to_the_keeper_comes_along, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
