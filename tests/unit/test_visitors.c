/* Goal: a flood is let in as far as it can be borne and uses up nobody's place; whoever
 * is known to be a modality's address is not shut out by others; what is kept and told is
 * bounded, and the numbers add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <unistd.h>

#include "cathgate/audit/summed.h"
#include "supervisor/gate/visitors.h"

#define PER_MINUTE 240
#define AT_ONCE	   60
#define START_MS   1000

static struct visitors *visitors;

static int setup(void **state)
{
	(void)state;
	visitors = calloc(1, sizeof(*visitors));
	return visitors ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(visitors);
	return 0;
}

static struct address host(uint32_t number)
{
	struct address address = { .v6 = false };
	uint32_t bytes = htonl(number);

	memcpy(address.bytes, &bytes, sizeof(bytes));
	return address;
}

static bool let_in(const struct address *address, int64_t now_ms)
{
	struct visit visit;

	return visitors_let_in(visitors, address, PER_MINUTE, now_ms, &visit);
}

/* As a modality does that gets its place. */
static bool store(const struct address *address, int64_t now_ms)
{
	struct visit visit;

	if (!visitors_let_in(visitors, address, PER_MINUTE, now_ms, &visit))
		return false;
	visitors_placed(visitors, address, &visit, now_ms);
	return true;
}

/* So many a second, evenly, for so many seconds: how many were let in. */
static unsigned flood(const struct address *address, unsigned a_second, unsigned seconds,
		      int64_t from_ms)
{
	unsigned count = 0;

	for (unsigned i = 0; i < a_second * seconds; i++)
		count += let_in(address, from_ms + (int64_t)i * 1000 / a_second);
	return count;
}

static void a_part_of_a_minute_comes_at_once(void **state)
{
	static const struct {
		unsigned per_minute, burst;
	} cases[] = { { 1, 1 },	  { 3, 3 },    { 30, 30 },
		      { 60, 30 }, { 240, 60 }, { 1000, 250 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rate_limit limit = rate_limit_of(cases[i].per_minute);
		struct rate rate = { 0 };
		unsigned count = 0;

		for (int j = 0; j < 2000; j++)
			if (rate_has_room(&rate, limit, START_MS)) {
				rate_count(&rate, limit, 1, START_MS);
				count++;
			}
		assert_int_equal(count, cases[i].burst);
		assert_false(rate_has_room(&rate, limit, START_MS));
		assert_true(rate_has_room(&rate, limit,
					  START_MS + 60000 / cases[i].per_minute + 1));
	}
}

static void a_flood_is_let_in_as_far_as_it_can_be_borne(void **state)
{
	struct address bad = host(1), other = host(2);
	unsigned count;

	(void)state;
	assert_int_equal(flood(&bad, 200, 10, START_MS), 2000);
	count = flood(&bad, 2000, 10, START_MS + 20000);
	assert_in_range(count, VISITORS_BEYOND * 9,
			VISITORS_BEYOND * 10 + VISITORS_AT_ONCE + 2 * AT_ONCE);
	assert_false(let_in(&bad, START_MS + 30000));
	/* Who is within the limit of its own address comes in all the same. */
	for (int i = 0; i < AT_ONCE; i++)
		assert_true(let_in(&other, START_MS + 30000));
	assert_false(let_in(&other, START_MS + 30000));
}

static void work_in_vain_is_bounded(void **state)
{
	struct address bad = host(1), known = host(2), other = host(3);
	double half_a_second = (double)sysconf(_SC_NPROCESSORS_ONLN) * 500;

	(void)state;
	assert_true(store(&known, START_MS));
	assert_int_equal(flood(&bad, 200, 2, START_MS), 400);
	assert_int_equal(flood(&known, 200, 2, START_MS), 400);
	visitors_worked(visitors, half_a_second, START_MS + 2000);
	let_in(&bad, START_MS + 2000); /* what may be left of its own */
	assert_false(let_in(&bad, START_MS + 2000));
	assert_true(let_in(&known, START_MS + 2000));
	assert_true(let_in(&other, START_MS + 2000));
	assert_true(let_in(&bad, START_MS + 2100));
}

static void a_known_address_has_its_own_allowance(void **state)
{
	struct address bad = host(1), known = host(2), stranger = host(3);
	int64_t now_ms = START_MS;

	(void)state;
	assert_true(store(&known, now_ms));
	for (int i = 0; i < AT_ONCE; i++)
		assert_true(let_in(&stranger, now_ms));
	/* Another address takes all that strangers share. */
	while (let_in(&bad, now_ms))
		continue;
	assert_false(let_in(&stranger, now_ms));
	assert_int_equal(flood(&known, 200, 5, now_ms), 1000);
	/* It is forgotten after a while. */
	now_ms += VISITORS_KNOWN_MS + 60000;
	while (let_in(&bad, now_ms))
		continue;
	for (int i = 0; i < AT_ONCE; i++)
		assert_true(let_in(&known, now_ms));
	assert_false(let_in(&known, now_ms));
}

static void who_gets_a_place_is_not_charged_as_a_stranger(void **state)
{
	struct address good = host(1), bad = host(2);

	(void)state;
	for (int i = 0; i < 10 * AT_ONCE; i++)
		assert_true(store(&good, START_MS));
	while (let_in(&bad, START_MS))
		continue;
	for (int i = 0; i < AT_ONCE + VISITORS_AT_ONCE; i++)
		assert_true(let_in(&good, START_MS));
	assert_false(let_in(&good, START_MS));
}

static void a_known_address_is_not_forgotten_for_strangers(void **state)
{
	struct address known = host(1);
	struct visit visit;

	(void)state;
	assert_true(store(&known, START_MS));
	for (uint32_t i = 2; i < 5 * VISITORS_MAX; i++) {
		struct address stranger = host(i);

		let_in(&stranger, START_MS + i);
	}
	assert_true(visitors_let_in(visitors, &known, PER_MINUTE, 20000, &visit));
	assert_true(visit.is_known);
}

struct told {
	unsigned room; /* for so many lines at a time; 0: any */
	unsigned lines, others;
	unsigned long connections;
	char last[256];
};

static bool note(void *context, const char *peer, enum reason reason, const char *detail)
{
	struct told *told = context;

	(void)reason;
	assert_true(peer[0] != '\0');
	if (told->room > 0 && --told->room == 0)
		return false;
	told->lines++;
	told->others += summed_is_of_others("", detail);
	told->connections += summed_count("", detail);
	snprintf(told->last, sizeof(told->last), "%s", detail);
	return true;
}

static void an_address_is_told_of_once_a_minute(void **state)
{
	struct address bad = host(0xC0000207);
	struct told told = { 0 };
	int64_t now_ms = 100000;

	(void)state;
	for (int i = 0; i < 5; i++)
		visitors_turned_away(visitors, &bad, "192.0.2.7:1",
				     REASON_LIMIT_ASSOCIATIONS, now_ms);
	visitors_tell(visitors, false, now_ms, note, &told);
	assert_string_equal(told.last, "5 connections closed at accept, from 192.0.2.7");
	for (int i = 1; i <= 6000; i++) {
		visitors_turned_away(visitors, &bad, "192.0.2.7:1",
				     REASON_LIMIT_ASSOCIATIONS, now_ms + i * 10);
		visitors_tell(visitors, false, now_ms + i * 10, note, &told);
	}
	assert_int_equal(told.lines, 2);
	assert_int_equal(told.connections, 6005);
	visitors_turned_away(visitors, &bad, "192.0.2.7:1", REASON_LIMIT_ASSOCIATIONS,
			     now_ms + 70000);
	visitors_tell(visitors, false, now_ms + 71000, note, &told);
	assert_int_equal(told.lines, 2);
	visitors_tell(visitors, true, now_ms + 71001, note, &told);
	assert_string_equal(told.last, "1 connection closed at accept, from 192.0.2.7");
	visitors_tell(visitors, true, now_ms + 71002, note, &told);
	assert_int_equal(told.lines, 3);
}

static void what_is_told_is_bounded_and_adds_up(void **state)
{
	struct told told = { 0 };
	unsigned long made = 0;
	int64_t now_ms;

	(void)state;
	for (now_ms = 100000; now_ms < 100000 + 5 * 60000; now_ms += 20) {
		struct address bad = host((uint32_t)(made % (3 * VISITORS_MAX)));

		visitors_turned_away(visitors, &bad, "192.0.2.7:1",
				     REASON_LIMIT_ASSOCIATIONS, now_ms);
		made++;
		visitors_tell(visitors, false, now_ms, note, &told);
	}
	visitors_tell(visitors, true, now_ms, note, &told);
	assert_int_equal(told.connections, made);
	assert_in_range(told.others, 4, 7);
	assert_in_range(told.lines - told.others, VISITORS_TOLD, 6 * VISITORS_TOLD);
}

static void what_cannot_be_told_now_is_told_later(void **state)
{
	struct told told = { 0 };
	int64_t now_ms = 100000;

	(void)state;
	for (uint32_t i = 0; i < 3 * VISITORS_TOLD; i++) {
		struct address bad = host(i);

		visitors_turned_away(visitors, &bad, "192.0.2.7:1",
				     REASON_LIMIT_ASSOCIATIONS, now_ms);
	}
	for (unsigned i = 0; i < 10; i++, now_ms += 1000) {
		told.room = 1 + VISITORS_TOLD / 4;
		visitors_tell(visitors, false, now_ms, note, &told);
	}
	assert_int_equal(told.connections, 3 * VISITORS_TOLD);
	assert_int_equal(told.lines, VISITORS_TOLD + 1);
	assert_int_equal(told.others, 1);
}

static void a_network_of_ipv6_is_one_address(void **state)
{
	struct sockaddr_in6 one = { .sin6_family = AF_INET6 }, two = one, three = one;
	struct sockaddr_storage peers[3];
	struct address address[3];
	struct told told = { 0 };

	(void)state;
	inet_pton(AF_INET6, "2001:db8::1", &one.sin6_addr);
	inet_pton(AF_INET6, "2001:db8::2:3:4:5", &two.sin6_addr);
	inet_pton(AF_INET6, "2001:db8:0:1::1", &three.sin6_addr);
	memcpy(&peers[0], &one, sizeof(one));
	memcpy(&peers[1], &two, sizeof(two));
	memcpy(&peers[2], &three, sizeof(three));
	for (int i = 0; i < 3; i++)
		address[i] = visitors_address(&peers[i]);
	assert_true(address_equal(&address[0], &address[1]));
	assert_false(address_equal(&address[0], &address[2]));
	visitors_turned_away(visitors, &address[1], "[2001:db8::2:3:4:5]:1",
			     REASON_INTERNAL, START_MS);
	visitors_tell(visitors, true, START_MS, note, &told);
	assert_string_equal(told.last,
			    "1 connection closed at accept, from 2001:db8::/64");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_part_of_a_minute_comes_at_once),
		TEST(a_flood_is_let_in_as_far_as_it_can_be_borne),
		TEST(work_in_vain_is_bounded),
		TEST(a_known_address_has_its_own_allowance),
		TEST(who_gets_a_place_is_not_charged_as_a_stranger),
		TEST(a_known_address_is_not_forgotten_for_strangers),
		TEST(an_address_is_told_of_once_a_minute),
		TEST(what_is_told_is_bounded_and_adds_up),
		TEST(what_cannot_be_told_now_is_told_later),
		TEST(a_network_of_ipv6_is_one_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
