/* Goal: of text that came from elsewhere people see all, and nothing that steers a
 * terminal, turns the direction of writing or hides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/base/visible.h"

static void each_is_shown_as_it_must_be(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "CATHLAB3 \\ \"x\"", "CATHLAB3 \\ \"x\"" },
		{ "R\xc3\xb6ntgen \xe5\xbf\x83 \xf0\x9f\xab\x80",
		  "R\xc3\xb6ntgen \xe5\xbf\x83 \xf0\x9f\xab\x80" },
		{ "\x1b[2J\n\x7f", "\\u001b[2J\\u000a\\u007f" },
		{ "\xc2\x9b"
		  "2J\xc2\x85",
		  "\\u009b2J\\u0085" },				      /* C1 */
		{ "a\xe2\x80\x8e\xe2\x80\x8f", "a\\u200e\\u200f" },   /* marks */
		{ "\xe2\x80\xaa\xe2\x80\xae", "\\u202a\\u202e" },     /* embedding */
		{ "\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069" },     /* isolates */
		{ "\xe2\x80\x8b\xe2\x80\x8c\xe2\x80\x8d\xe2\x81\xa0", /* no width */
		  "\\u200b\\u200c\\u200d\\u2060" },
		{ "\xef\xbb\xbf\xef\xb8\x8f\xc2\xad", "\\ufeff\\ufe0f\\u00ad" },
		{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" }, /* line separators */
		{ "\xf3\xa0\x81\x81", "\\ue0041" },		  /* tags */
		{ "\xe3\x85\xa4\xe2\xa0\x80", "\\u3164\\u2800" }, /* blanks */
		/* no UTF-8: Latin-1, cut off, overlong, a surrogate, too large */
		{ "\xe9"
		  "a",
		  "\\u00e9a" },
		{ "\xe2\x80", "\\u00e2\\u0080" },
		{ "\xc0\xaf", "\\u00c0\\u00af" },
		{ "\xed\xa0\x80", "\\u00ed\\u00a0\\u0080" },
		{ "\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080" },
	};
	char shown[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(visible_copy(shown, sizeof(shown), cases[i].text,
					      strlen(cases[i].text)),
				 strlen(cases[i].shown));
		assert_string_equal(shown, cases[i].shown);
	}
}

static void what_does_not_fit_is_left_out(void **state)
{
	char shown[VISIBLE_MAX + 4];

	(void)state;
	memset(shown, 'x', sizeof(shown));
	assert_int_equal(visible_copy(shown, sizeof(shown), "ab\x1b\x1b\x1b", 5), 8);
	assert_string_equal(shown, "ab\\u001b");
	assert_int_equal(visible_copy(shown, sizeof(shown), "", 0), 0);
	assert_string_equal(shown, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_shown_as_it_must_be),
		cmocka_unit_test(what_does_not_fit_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
