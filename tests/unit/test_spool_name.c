/* Goal: a name says what was put into it, sorts by its sequence, and is read by its key
 * alone; a name with any character changed, another state among them, is none. */
#include "spool_fixture.h"

#include "cathgate/spool/name.h"

static struct spool_names_key names_key;

static const struct spool_name sample = {
	.sequence = 0x00062f0102030405,
	.state = SPOOL_QUEUED,
	.destination = "destina",
	.modality = "modalit",
	.study = "studyst",
	.instance = "instanc",
	.content = "content content",
	.header = "header header h",
	.data_size = 0xfedcba987654,
	.stored = 0x89abcdef,
};

static int make_key(void **state)
{
	EVP_PKEY *key = private_key(
		"4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");

	(void)state;
	assert_int_equal(spool_names_key_of(key, &names_key), 0);
	EVP_PKEY_free(key);
	return 0;
}

static void assert_names_equal(const struct spool_name *name,
			       const struct spool_name *other)
{
	assert_int_equal(name->sequence, other->sequence);
	assert_int_equal(name->state, other->state);
	assert_memory_equal(name->destination, other->destination, SPOOL_SHORT_TAG);
	assert_memory_equal(name->modality, other->modality, SPOOL_SHORT_TAG);
	assert_memory_equal(name->study, other->study, SPOOL_SHORT_TAG);
	assert_memory_equal(name->instance, other->instance, SPOOL_SHORT_TAG);
	assert_memory_equal(name->content, other->content, SPOOL_LONG_TAG);
	assert_memory_equal(name->header, other->header, SPOOL_LONG_TAG);
	assert_int_equal(name->data_size, other->data_size);
	assert_int_equal(name->stored, other->stored);
}

static void each_state_comes_back(void **state)
{
	static const char letters[] = "qhxdn";
	struct spool_name name = sample, read;
	char text[SPOOL_NAME_SIZE], again[SPOOL_NAME_SIZE];

	(void)state;
	for (unsigned i = 0; i < SPOOL_STATE_COUNT; i++) {
		name.state = (enum spool_state)i;
		assert_int_equal(spool_name_write(&name, &names_key, text), 0);
		assert_int_equal(strlen(text), SPOOL_NAME_SIZE - 1);
		assert_int_equal(strspn(text, "0123456789abcdef"), 16);
		assert_int_equal(text[strlen(text) - 1], letters[i]);
		assert_null(strchr(text, '/'));
		assert_true(spool_name_read(text, &names_key, &read));
		assert_names_equal(&read, &name);
		assert_int_equal(spool_name_write(&read, &names_key, again), 0);
		assert_string_equal(again, text);
	}
}

static void names_sort_by_sequence(void **state)
{
	static const uint64_t sequences[] = { 0,	  1,	     9,
					      10,	  255,	     0x00062f0102030405,
					      UINT32_MAX, UINT64_MAX };
	struct spool_name name = sample, read;
	char text[SPOOL_NAME_SIZE], before[SPOOL_NAME_SIZE] = "";
	uint64_t last = 0;

	(void)state;
	for (size_t i = 0; i < LENGTH(sequences); i++) {
		name.sequence = sequences[i];
		assert_int_equal(spool_name_write(&name, &names_key, text), 0);
		assert_true(spool_name_read(text, &names_key, &read));
		assert_int_equal(read.sequence, sequences[i]);
		assert_int_equal(strcmp(before, text) < 0, i == 0 || last < sequences[i]);
		strcpy(before, text);
		last = sequences[i];
	}
}

static void each_character_counts(void **state)
{
	char text[SPOOL_NAME_SIZE];
	struct spool_name read = { .stored = 4711 };

	(void)state;
	assert_int_equal(spool_name_write(&sample, &names_key, text), 0);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char was = text[i];

		for (int other = 0; other < 256; other++) {
			text[i] = (char)other;
			if (text[i] != was && spool_name_read(text, &names_key, &read))
				fail_msg("with %02x at %zu", other, i);
		}
		text[i] = was;
	}
	assert_int_equal(read.stored, 4711);
	assert_true(spool_name_read(text, &names_key, &read));
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const others[] = {
		"",
		".",
		"..",
		"lost+found",
		"0000000000000000..q",
		"0000000000000000.AAAA.q",
	};
	struct spool_names_key other_key = names_key;
	struct spool_name name = sample, read;
	char text[SPOOL_NAME_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < LENGTH(others); i++)
		assert_false(spool_name_read(others[i], &names_key, &read));
	assert_int_equal(spool_name_write(&sample, &names_key, text), 0);
	strcat(text, "q");
	assert_false(spool_name_read(text, &names_key, &read));
	text[SPOOL_NAME_SIZE - 1] = '\0';
	assert_true(spool_name_read(text, &names_key, &read));
	other_key.siv[0] ^= 1;
	assert_false(spool_name_read(text, &other_key, &read));
	other_key = names_key;
	other_key.siv[63] ^= 1;
	assert_false(spool_name_read(text, &other_key, &read));

	name.data_size = (uint64_t)1 << 48;
	assert_int_equal(spool_name_write(&name, &names_key, text), -1);
	name = sample;
	name.state = SPOOL_STATE_COUNT;
	assert_int_equal(spool_name_write(&name, &names_key, text), -1);
}

/* All versions must read what any has written. spool_opener.py reads this one, too. */
static void names_stay_as_they_are(void **state)
{
	static const char was[] =
		"00062f0102030405."
		"QVtXO_jwoiJKBPZDVE5WYNDHTCXD94VmEN3_2QsDmj0kYHsIqqHTEIPXBPq-"
		"iNUZO61V8BOarZfeBH529ODWOcS7HgdAcwIBOTThldiFfY6p0c9GfQx1VDfo.q";
	char text[SPOOL_NAME_SIZE];

	(void)state;
	assert_int_equal(spool_name_write(&sample, &names_key, text), 0);
	assert_string_equal(text, was);
}

static void assert_tag(const char *purpose, const char *first, const char *second,
		       const char *bytes, size_t size)
{
	const void *const texts[] = { first, second };
	const size_t sizes[] = { strlen(first), strlen(second) };
	uint8_t hmac[DIGEST_SIZE], tag[SPOOL_LONG_TAG];

	assert_int_equal(digest_hmac_sha256(names_key.mac, sizeof(names_key.mac), bytes,
					    size, hmac),
			 0);
	assert_int_equal(
		spool_tag(&names_key, purpose, texts, sizes, 2, tag, SPOOL_LONG_TAG), 0);
	assert_memory_equal(tag, hmac, SPOOL_LONG_TAG);
	memset(tag, 0x5a, sizeof(tag));
	assert_int_equal(
		spool_tag(&names_key, purpose, texts, sizes, 2, tag, SPOOL_SHORT_TAG), 0);
	assert_memory_equal(tag, hmac, SPOOL_SHORT_TAG);
	assert_int_equal(tag[SPOOL_SHORT_TAG], 0x5a);
}

/* Each text's length is in the tag, so none can be told for another's end. */
static void tags_are_what_the_page_says(void **state)
{
#define BYTES(text) (text), sizeof(text) - 1
	(void)state;
	assert_tag("study", "ab", "c", BYTES("study\0\0\0\0\2ab\0\0\0\1c"));
	assert_tag("study", "a", "bc", BYTES("study\0\0\0\0\1a\0\0\0\2bc"));
	assert_tag("study", "", "abc", BYTES("study\0\0\0\0\0\0\0\0\3abc"));
	assert_tag("instance", "ab", "c", BYTES("instance\0\0\0\0\2ab\0\0\0\1c"));
#undef BYTES
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_comes_back),
		cmocka_unit_test(names_sort_by_sequence),
		cmocka_unit_test(each_character_counts),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(names_stay_as_they_are),
		cmocka_unit_test(tags_are_what_the_page_says),
	};

	return cmocka_run_group_tests(tests, make_key, NULL);
}
