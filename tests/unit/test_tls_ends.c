/*
 * Goal: who has to be told of an end is told at 30, 14, 7, 3 and 1 days, and nobody is
 * told of what is only issued for less.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cathgate/tls/tls.h"

#define DAY    ((time_t)24 * 60 * 60)
#define NOW    (20000 * DAY)
#define COUNT  (sizeof(cases) / sizeof(cases[0]))
#define HOURS  60 * 60
#define ALWAYS (-3650 * DAY)

static const struct {
	enum tls_end_kind kind;
	time_t begins, ends; /* from now */
	bool renewed;
	int stage;
} cases[] = {
	{ TLS_END_CERTIFICATE, ALWAYS, 31 * DAY, false, -1 },
	{ TLS_END_CERTIFICATE, ALWAYS, 30 * DAY, false, 30 },
	{ TLS_END_CERTIFICATE, ALWAYS, 14 * DAY + 1, false, 30 },
	{ TLS_END_CERTIFICATE, ALWAYS, 14 * DAY, false, 14 },
	{ TLS_END_CERTIFICATE, ALWAYS, 7 * DAY, false, 7 },
	{ TLS_END_CA, ALWAYS, 3 * DAY, false, 3 },
	{ TLS_END_CERTIFICATE, ALWAYS, 1 * DAY, false, 1 },
	{ TLS_END_CERTIFICATE, ALWAYS, 0, false, 1 },
	{ TLS_END_CERTIFICATE, ALWAYS, -1, false, 0 },
	/* New, and for a short time: the first is told of, its successor not. */
	{ TLS_END_CERTIFICATE, 0, 10 * DAY, false, 14 },
	{ TLS_END_CERTIFICATE, 0, 10 * DAY, true, -1 },
	{ TLS_END_CERTIFICATE, -3 * DAY, 7 * DAY, true, 7 },
	{ TLS_END_CERTIFICATE, 0, 90 * DAY, true, -1 },
	{ TLS_END_CERTIFICATE, -60 * DAY, 30 * DAY, true, 30 },
	/* A CRL for a month, a week, a day. */
	{ TLS_END_CRL, -1 * DAY, 30 * DAY, false, -1 },
	{ TLS_END_CRL, -17 * DAY, 14 * DAY, false, 14 },
	{ TLS_END_CRL, 0, 7 * DAY, false, -1 },
	{ TLS_END_CRL, -4 * DAY, 3 * DAY, true, 3 },
	{ TLS_END_CRL, 0, 1 * DAY, false, 1 },
	{ TLS_END_CRL, 0, 1 * DAY, true, -1 },
	{ TLS_END_CRL, -23 * HOURS, 1 * HOURS, true, -1 },
	{ TLS_END_CRL, -25 * HOURS, -1 * HOURS, true, 0 },
};

static void stages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		int stage = tls_end_stage(cases[i].kind, NOW + cases[i].begins,
					  NOW + cases[i].ends, cases[i].renewed, NOW);

		if (stage != cases[i].stage)
			fail_msg("case %zu: %d, not %d", i, stage, cases[i].stage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stages) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
