/* Goal: what RFC 3629 calls UTF-8 is read as such, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/base/utf8.h"

static void each_is_told_apart(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		uint32_t character;
	} rows[] = {
		{ "a", 1, 'a' },
		{ "\x7F", 1, 0x7F },
		{ "\xC2\x80", 2, 0x80 },
		{ "\xC3\xBC", 2, 0xFC },
		{ "\xDF\xBF", 2, 0x7FF },
		{ "\xE0\xA0\x80", 3, 0x800 },
		{ "\xED\x9F\xBF", 3, 0xD7FF },
		{ "\xEF\xBF\xBD", 3, 0xFFFD },
		{ "\xF0\x90\x80\x80", 4, 0x10000 },
		{ "\xF4\x8F\xBF\xBF", 4, 0x10FFFF },
		{ "\x80", 0, 0 },		  /* nothing that begins one */
		{ "\xFC", 0, 0 },		  /* ISO 8859-1 */
		{ "\xC3", 0, 0 },		  /* cut off */
		{ "\xE2\x82", 0, 0 },		  /* cut off */
		{ "\xC3(", 0, 0 },		  /* another begins in it */
		{ "\xC0\xAF", 0, 0 },		  /* longer than needed */
		{ "\xE0\x9F\xBF", 0, 0 },	  /* longer than needed */
		{ "\xF0\x8F\xBF\xBF", 0, 0 },	  /* longer than needed */
		{ "\xED\xA0\x80", 0, 0 },	  /* a surrogate */
		{ "\xF4\x90\x80\x80", 0, 0 },	  /* beyond the last */
		{ "\xF8\x88\x80\x80\x80", 0, 0 }, /* of five bytes */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t character = 0;
		size_t size = strlen(rows[i].text);

		assert_int_equal(utf8_read(rows[i].text, size, &character),
				 rows[i].length);
		assert_int_equal(character, rows[i].character);
		assert_int_equal(utf8_is_valid(rows[i].text), rows[i].length == size);
	}
	assert_true(utf8_is_valid(""));
	assert_true(utf8_is_control(0x85) && utf8_is_control(0) && !utf8_is_control('a'));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_is_told_apart) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
