/* Goal: base64 and base64url are RFC 4648's, and a text that isn't the one form of its
 * bytes is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cathgate/base/base64.h"

static const struct {
	const char *bytes;
	size_t size;
	const char *base64, *base64url;
} vectors[] = {
	/* RFC 4648 10 */
	{ "f", 1, "Zg==", "Zg" },
	{ "fo", 2, "Zm8=", "Zm8" },
	{ "foo", 3, "Zm9v", "Zm9v" },
	{ "foob", 4, "Zm9vYg==", "Zm9vYg" },
	{ "fooba", 5, "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", 6, "Zm9vYmFy", "Zm9vYmFy" },
	/* the two characters that differ */
	{ "\xfb\xff\xbf", 3, "+/+/", "-_-_" },
	{ "\xff\xe0", 2, "/+A=", "_-A" },
};

static void vectors_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const char *base64 = vectors[i].base64, *base64url = vectors[i].base64url;
		size_t size = vectors[i].size;
		char text[16];
		uint8_t bytes[8];

		base64_encode((const uint8_t *)vectors[i].bytes, size, text);
		assert_string_equal(text, base64);
		assert_int_equal(base64_decode(base64, strlen(base64), bytes, size), 0);
		assert_memory_equal(bytes, vectors[i].bytes, size);

		base64url_encode((const uint8_t *)vectors[i].bytes, size, text);
		assert_string_equal(text, base64url);
		assert_int_equal(BASE64URL_LENGTH(size), strlen(base64url));
		memset(bytes, 0, sizeof(bytes));
		assert_int_equal(
			base64url_decode(base64url, strlen(base64url), bytes, size), 0);
		assert_memory_equal(bytes, vectors[i].bytes, size);
	}
}

static void other_forms_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t size;
	} cases[] = {
		{ "Zh", 1 },	  { "Zm9", 2 },	  { "Zg==", 1 },  { "Zg=", 1 },
		{ "Zm8=", 2 },	  { "+/+/", 3 },  { "-_-/", 3 },  { "Zm9v", 2 },
		{ "Zm9v", 4 },	  { "Zm 9", 3 },  { "Zm9\n", 3 }, { "Z", 1 },
		{ "Zm9\xc3", 3 }, { "Zm9v=", 3 }, { "", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[8] = { 0x5a };

		if (base64url_decode(cases[i].text, strlen(cases[i].text), bytes,
				     cases[i].size) == 0)
			fail_msg("\"%s\" was taken", cases[i].text);
		assert_int_equal(bytes[0], 0x5a);
	}
	assert_int_equal(base64url_decode("Zm9v", 4, (uint8_t[200]){ 0 }, 200), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_hold),
		cmocka_unit_test(other_forms_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
