/* Goal: an object opens as it was sealed, in whatever pieces it came; whatever was
 * changed, cut, moved or mixed in its file is found, and no byte comes out that wasn't
 * sealed in its place. */
#include "spool_fixture.h"

#include <errno.h>

#define STEP  (SPOOL_SEGMENT_SIZE + SPOOL_TAG_SIZE)
#define SMALL 50 /* bytes of a small object, 20 of them its command set */

static struct spool_fixture fixture;

static int open_fixture(void **state)
{
	(void)state;
	spool_fixture_open(&fixture);
	return 0;
}

static int close_fixture(void **state)
{
	(void)state;
	spool_fixture_close(&fixture);
	return 0;
}

static void each_size_comes_back(void **state)
{
	static const struct {
		size_t command_size, data_size;
	} sizes[] = {
		{ 1, 0 },	{ 0, 1 },	{ 100, 0 },	  { 100, 1 },
		{ 65535, 0 },	{ 65536, 0 },	{ 65537, 0 },	  { 100, 65435 },
		{ 100, 65436 }, { 100, 65437 }, { 65536, 65536 }, { 65500, 65573 },
		{ 1, 131071 },	{ 131072, 1 },	{ 100, 1000000 },
	};
	static const size_t pieces[] = { 1000, 16384, 65535, 65536, 65537, 1 << 20 };
	uint8_t *bytes = some_bytes(1100000);
	int fd = memory_file();

	(void)state;
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		size_t size = sizes[i].command_size + sizes[i].data_size;
		size_t segments = (size + SPOOL_SEGMENT_SIZE - 1) / SPOOL_SEGMENT_SIZE;
		struct spool_metadata metadata =
			metadata_of(bytes, sizes[i].command_size, sizes[i].data_size);

		for (size_t j = 0; j < LENGTH(pieces); j++) {
			uint8_t header[DIGEST_SIZE], seen[DIGEST_SIZE];
			struct opened opened;
			uint8_t *file;
			size_t whole;

			assert_int_equal(seal_pieces(&fixture, fd, bytes, &metadata,
						     pieces[j], header),
					 0);
			assert_int_equal(file_size(fd),
					 SPOOL_HEADER_SIZE + size +
						 segments * SPOOL_TAG_SIZE);
			assert_opens(fd, fixture.key, bytes, size);
			opened = open_object(fd, fixture.key, "pacs");
			assert_memory_equal(&opened.metadata, &metadata,
					    sizeof(metadata));
			assert_memory_equal(opened.header, header, sizeof(header));
			file = file_bytes(fd, &whole);
			assert_int_equal(digest_sha256(file, SPOOL_HEADER_SIZE, seen), 0);
			assert_memory_equal(seen, header, sizeof(header));
			free(file);
			free(opened.bytes);
		}
	}
	free(bytes);
	close(fd);
}

static void nothing_is_no_object(void **state)
{
	uint8_t header[DIGEST_SIZE];
	struct spool_metadata metadata = metadata_of((const uint8_t *)"", 0, 0);
	int fd = memory_file();

	(void)state;
	assert_int_equal(open_object(fd, fixture.key, "pacs").fault, SPOOL_TORN);
	assert_int_equal(seal_pieces(&fixture, fd, NULL, &metadata, 1, header), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(open_object(fd, fixture.key, "pacs").fault, SPOOL_TORN);
	/* A file that only has room. */
	assert_int_equal(ftruncate(fd, SPOOL_HEADER_SIZE + 1000), 0);
	assert_int_equal(open_object(fd, fixture.key, "pacs").fault, SPOOL_TORN);
	assert_int_equal(ftruncate(fd, SPOOL_HEADER_SIZE - 1), 0);
	assert_int_equal(open_object(fd, fixture.key, "pacs").fault, SPOOL_TORN);
	close(fd);
}

/* What is missing, too much or wrong in the caller's metadata ends an object. */
static void metadata_have_to_fit(void **state)
{
	uint8_t *bytes = some_bytes(SMALL), header[DIGEST_SIZE];
	struct spool_metadata cases[5];
	int fd = memory_file();

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		cases[i] = metadata_of(bytes, 20, SMALL - 20);
	cases[0].data_size++;
	cases[1].command_size--;
	cases[2].command_size += UINT64_MAX - 1; /* one less, by overflow */
	strcpy(cases[3].destination, "other");
	memset(cases[4].patient_id, 'a', sizeof(cases[4].patient_id));
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_int_equal(spool_sealer_begin(fixture.sealer, fd, "pacs"), 0);
		assert_int_equal(spool_sealer_add(fixture.sealer, bytes, SMALL), 0);
		assert_int_equal(spool_sealer_finish(fixture.sealer, &cases[i], header),
				 -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(open_object(fd, fixture.key, "pacs").fault, SPOOL_TORN);
		/* and it is dropped */
		assert_int_equal(spool_sealer_add(fixture.sealer, bytes, 1), -1);
		assert_int_equal(errno, EINVAL);
	}
	free(bytes);
	close(fd);
}

/* A bit of each byte, of what isn't sealed as well. */
static void each_byte_counts(void **state)
{
	static const uint8_t bits[] = { 0x01, 0x80 };
	uint8_t *bytes = some_bytes(SMALL), *file;
	unsigned faults[SPOOL_FAILED] = { 0 };
	size_t size;
	int fd = memory_file();

	(void)state;
	seal_object(&fixture, fd, bytes, 20, SMALL - 20);
	file = file_bytes(fd, &size);
	for (size_t at = 0; at < size; at++)
		for (size_t i = 0; i < LENGTH(bits); i++) {
			uint8_t other = file[at] ^ bits[i];

			assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
			faults[assert_fault(fd, fixture.key, bytes, SMALL)]++;
			assert_int_equal(pwrite(fd, file + at, 1, (off_t)at), 1);
		}
	assert_opens(fd, fixture.key, bytes, SMALL);
	/* Magic, the byte behind the suite, N, the size of segments: 15 bytes. */
	assert_int_equal(faults[SPOOL_FOREIGN], 15 * LENGTH(bits));
	assert_int_equal(faults[SPOOL_UNKNOWN], LENGTH(bits));
	assert_int_equal(faults[SPOOL_CORRUPT], (size - 16) * LENGTH(bits));
	free(bytes);
	free(file);
	close(fd);
}

/* Two objects of the same sizes, of three segments and a bit; the first one's file is
 * changed by a row's function. */
#define WHOLE (3 * SPOOL_SEGMENT_SIZE + 700)

struct pair {
	uint8_t *one, *other;
	size_t size;
};

static uint8_t *segment(uint8_t *file, size_t number)
{
	return file + SPOOL_HEADER_SIZE + number * STEP;
}

static void swap(struct pair *pair)
{
	uint8_t *first = malloc(STEP);

	memcpy(first, segment(pair->one, 0), STEP);
	memcpy(segment(pair->one, 0), segment(pair->one, 1), STEP);
	memcpy(segment(pair->one, 1), first, STEP);
	free(first);
}

static void repeat(struct pair *pair)
{
	memcpy(segment(pair->one, 2), segment(pair->one, 1), STEP);
}

static void repeat_by_one_more(struct pair *pair)
{
	pair->one = realloc(pair->one, pair->size + STEP);
	memmove(segment(pair->one, 2), segment(pair->one, 1), STEP + 716);
	pair->size += STEP;
}

static void cut_one_out(struct pair *pair)
{
	memmove(segment(pair->one, 1), segment(pair->one, 2), STEP + 716);
	pair->size -= STEP;
}

static void cut_last(struct pair *pair)
{
	pair->size = (size_t)(segment(pair->one, 3) - pair->one);
}

static void cut_all(struct pair *pair)
{
	pair->size = SPOOL_HEADER_SIZE;
}

static void zero(struct pair *pair)
{
	memset(segment(pair->one, 1), 0, STEP);
}

static void take_segment(struct pair *pair)
{
	memcpy(segment(pair->one, 1), segment(pair->other, 1), STEP);
}

static void take_last(struct pair *pair)
{
	memcpy(segment(pair->one, 3), segment(pair->other, 3), 716);
}

static void take_header(struct pair *pair)
{
	memcpy(pair->one, pair->other, SPOOL_HEADER_SIZE);
}

static void take_front(struct pair *pair)
{
	memcpy(pair->one, pair->other, fixture.front_size);
}

static void take_metadata(struct pair *pair)
{
	memcpy(pair->one + fixture.front_size, pair->other + fixture.front_size,
	       SPOOL_HEADER_SIZE - fixture.front_size);
}

static void add_byte(struct pair *pair)
{
	pair->one = realloc(pair->one, pair->size + 1);
	pair->one[pair->size++] = 0;
}

static void segments_stay_in_place(void **state)
{
	static const struct {
		const char *what;
		void (*change)(struct pair *pair);
		size_t good; /* bytes before the fault */
	} cases[] = {
		{ "two swapped", swap, 0 },
		{ "one in another's place", repeat, 2 },
		{ "one twice", repeat_by_one_more, 0 },
		{ "one missing", cut_one_out, 0 },
		{ "the last missing", cut_last, 0 },
		{ "all missing", cut_all, 0 },
		{ "one empty", zero, 1 },
		{ "one of another object", take_segment, 1 },
		{ "the last of another object", take_last, 3 },
		{ "another's header", take_header, 0 },
		{ "another's front", take_front, 0 },
		{ "another's metadata", take_metadata, 0 },
		{ "a byte more", add_byte, 0 },
	};
	uint8_t *bytes = some_bytes(WHOLE);
	int one = memory_file(), other = memory_file();

	(void)state;
	seal_object(&fixture, one, bytes, 100, WHOLE - 100);
	seal_object(&fixture, other, bytes, 100, WHOLE - 100);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = memory_file();
		struct pair pair;
		struct opened opened;

		pair.other = file_bytes(other, &pair.size);
		pair.one = file_bytes(one, &pair.size);
		cases[i].change(&pair);
		assert_int_equal(write(fd, pair.one, pair.size), pair.size);
		assert_int_equal(assert_fault(fd, fixture.key, bytes, WHOLE),
				 SPOOL_CORRUPT);
		opened = open_object(fd, fixture.key, "pacs");
		if (opened.size != cases[i].good * SPOOL_SEGMENT_SIZE)
			fail_msg("%s: %zu bytes were given", cases[i].what, opened.size);
		free(opened.bytes);
		free(pair.one);
		free(pair.other);
		close(fd);
	}
	free(bytes);
	close(one);
	close(other);
}

static void each_cut_is_found(void **state)
{
	const size_t ends[] = { 0,
				1,
				8,
				fixture.front_size,
				SPOOL_HEADER_SIZE - 1,
				SPOOL_HEADER_SIZE,
				SPOOL_HEADER_SIZE + 1,
				SPOOL_HEADER_SIZE + SPOOL_SEGMENT_SIZE,
				SPOOL_HEADER_SIZE + STEP - 1,
				SPOOL_HEADER_SIZE + STEP,
				SPOOL_HEADER_SIZE + STEP + 1,
				SPOOL_HEADER_SIZE + 2 * STEP,
				SPOOL_HEADER_SIZE + 3 * STEP,
				SPOOL_HEADER_SIZE + 3 * STEP + SPOOL_TAG_SIZE,
				SPOOL_HEADER_SIZE + 3 * STEP + 715 };
	uint8_t *bytes = some_bytes(WHOLE), *file;
	size_t size;
	int fd = memory_file();

	(void)state;
	seal_object(&fixture, fd, bytes, 100, WHOLE - 100);
	file = file_bytes(fd, &size);
	for (size_t i = LENGTH(ends); i-- > 0;) {
		assert_int_equal(ftruncate(fd, (off_t)ends[i]), 0);
		assert_int_equal(assert_fault(fd, fixture.key, bytes, WHOLE),
				 ends[i] < SPOOL_HEADER_SIZE ? SPOOL_TORN
							     : SPOOL_CORRUPT);
		/* Zeros in the place of what was cut, as after a crash. */
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
		assert_fault(fd, fixture.key, bytes, WHOLE);
	}
	free(bytes);
	free(file);
	close(fd);
}

/* Somebody changes the file while it is read. */
static void a_cut_meanwhile_is_found(void **state)
{
	uint8_t *bytes = some_bytes(WHOLE);
	struct spool_opener *opener;
	struct spool_front front;
	struct spool_secret secret;
	struct spool_metadata metadata;
	const uint8_t *given;
	size_t size;
	bool is_last;
	int fd = memory_file();

	(void)state;
	seal_object(&fixture, fd, bytes, 100, WHOLE - 100);
	assert_int_equal(spool_opener_new(fd, &opener), SPOOL_GOOD);
	spool_opener_front(opener, &front);
	assert_memory_equal(front.key_id, fixture.to.id, SPOOL_KEY_ID_SIZE);
	assert_int_equal(spool_decapsulate(fixture.key, front.enc, front.enc_size, "pacs",
					   &secret),
			 0);
	/* Nothing comes before the metadata have opened. */
	assert_int_equal(spool_opener_next(opener, &given, &size, &is_last),
			 SPOOL_FAILED);
	secret.key[0] ^= 1;
	assert_int_equal(spool_opener_unlock(opener, &secret, "pacs", &metadata),
			 SPOOL_CORRUPT);
	secret.key[0] ^= 1;
	assert_int_equal(spool_opener_unlock(opener, &secret, "pacs", &metadata),
			 SPOOL_GOOD);
	assert_int_equal(spool_opener_next(opener, &given, &size, &is_last), SPOOL_GOOD);
	assert_int_equal(size, SPOOL_SEGMENT_SIZE);
	assert_int_equal(ftruncate(fd, SPOOL_HEADER_SIZE + 2 * STEP), 0);
	assert_int_equal(spool_opener_next(opener, &given, &size, &is_last), SPOOL_GOOD);
	assert_false(is_last);
	assert_int_equal(spool_opener_next(opener, &given, &size, &is_last),
			 SPOOL_CORRUPT);
	/* and no more after a fault */
	seal_object(&fixture, fd, bytes, 100, WHOLE - 100);
	assert_int_equal(spool_opener_next(opener, &given, &size, &is_last),
			 SPOOL_FAILED);
	assert_int_equal(errno, EINVAL);
	spool_opener_free(opener);
	free(bytes);
	close(fd);
}

/* A sealer that was taken over can say so. */
static void a_wrong_hash_is_found(void **state)
{
	static const size_t command_sizes[] = { 0, 100, 65536, 70000, WHOLE };
	uint8_t *bytes = some_bytes(WHOLE), header[DIGEST_SIZE];
	int fd = memory_file();

	(void)state;
	for (size_t i = 0; i < LENGTH(command_sizes); i++) {
		size_t data_size = WHOLE - command_sizes[i];
		struct spool_metadata metadata =
			metadata_of(bytes, command_sizes[i], data_size);
		struct opened opened;

		metadata.sha256[31] ^= 1;
		assert_int_equal(
			seal_pieces(&fixture, fd, bytes, &metadata, WHOLE, header), 0);
		assert_int_equal(assert_fault(fd, fixture.key, bytes, WHOLE),
				 SPOOL_CORRUPT);
		opened = open_object(fd, fixture.key, "pacs");
		assert_int_equal(opened.size, 3 * SPOOL_SEGMENT_SIZE);
		free(opened.bytes);
	}
	free(bytes);
	close(fd);
}

static void others_open_nothing(void **state)
{
	struct spool_fixture other;
	uint8_t *bytes = some_bytes(SMALL);
	struct opened opened;
	int fd = memory_file();

	(void)state;
	seal_object(&fixture, fd, bytes, 20, SMALL - 20);
	spool_fixture_open(&other);
	assert_int_equal(assert_fault(fd, other.key, bytes, SMALL), SPOOL_CORRUPT);
	spool_fixture_close(&other);
	opened = open_object(fd, fixture.key, "pacs2");
	assert_int_equal(opened.fault, SPOOL_CORRUPT);
	assert_int_equal(opened.size, 0);
	assert_opens(fd, fixture.key, bytes, SMALL);
	free(bytes);
	close(fd);
}

static void a_file_serves_again(void **state)
{
	static const size_t sizes[] = { WHOLE, SMALL, 70000, 1, WHOLE };
	uint8_t *bytes = some_bytes(WHOLE);
	int fd = memory_file();

	(void)state;
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		seal_object(&fixture, fd, bytes, 1, sizes[i] - 1);
		assert_opens(fd, fixture.key, bytes, sizes[i]);
		/* The older object ends with the first word of the next one. */
		assert_int_equal(spool_sealer_begin(fixture.sealer, fd, "pacs"), 0);
		assert_int_equal(open_object(fd, fixture.key, "pacs").fault, SPOOL_TORN);
		assert_int_equal(spool_sealer_add(fixture.sealer, bytes, sizes[i]), 0);
		spool_sealer_drop(fixture.sealer);
		assert_int_equal(open_object(fd, fixture.key, "pacs").fault, SPOOL_TORN);
	}
	free(bytes);
	close(fd);
}

static void later_suites_are_unknown(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		enum spool_fault fault;
	} cases[] = {
		{ 0, 'c', SPOOL_FOREIGN }, { 7, '2', SPOOL_FOREIGN },
		{ 8, 3, SPOOL_UNKNOWN },   { 8, 0, SPOOL_UNKNOWN },
		{ 9, 1, SPOOL_FOREIGN },   { 10, 5, SPOOL_FOREIGN },
		{ 13, 2, SPOOL_FOREIGN },
	};
	uint8_t *bytes = some_bytes(SMALL);

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = memory_file();

		seal_object(&fixture, fd, bytes, 20, SMALL - 20);
		assert_int_equal(pwrite(fd, &cases[i].byte, 1, (off_t)cases[i].at), 1);
		assert_int_equal(assert_fault(fd, fixture.key, bytes, SMALL),
				 cases[i].fault);
		close(fd);
	}
	free(bytes);
}

/* Whoever writes an object says how long the metadata are: up to the header's end. */
static void metadata_may_fill_the_header(void **state)
{
	size_t room = SPOOL_HEADER_SIZE - fixture.front_size - 2;
	uint8_t *bytes = some_bytes(SMALL), rest[SPOOL_HEADER_SIZE];
	int fd = memory_file();

	(void)state;
	seal_object(&fixture, fd, bytes, 20, SMALL - 20);
	memset(rest, 'A', sizeof(rest));
	rest[0] = (uint8_t)(room >> 8);
	rest[1] = (uint8_t)room;
	assert_int_equal(pwrite(fd, rest, room + 2, (off_t)fixture.front_size),
			 (ssize_t)room + 2);
	assert_int_equal(assert_fault(fd, fixture.key, bytes, SMALL), SPOOL_CORRUPT);
	rest[1]++;
	assert_int_equal(pwrite(fd, rest, 2, (off_t)fixture.front_size), 2);
	assert_int_equal(assert_fault(fd, fixture.key, bytes, SMALL), SPOOL_CORRUPT);
	free(bytes);
	close(fd);
}

/* All versions must open what any has sealed. spool_opener.py opens this one, too. */
static const char old_key[] =
	"4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";
static const char old_header[] = /* and zeros */
	"434773706f6f6c3101000020000100008b228cd75ab70badbec1beb5233f068a25eb6201"
	"ad0a5ee9ad78a0c7ed3caf9509675502fad57cc8d6ea843b2acac63100f827f46a18bd4f"
	"42e29047831053c0d663a9c9bbc3f0ab55686eb7b08fe057d434aa0d3b24a01d91327ff1"
	"e41ccca252ee857efa0d2084efe185b274f33bbdb4bb06688e36820377c628e2d16fe9ac"
	"10a2503440abdfe1a0aa2236f8cd8270f9e5eacf6f283b3449c84224b8f43cd755d834a5"
	"f652fcd86e092a7e6f6585142bd69d78de1050b8e622be6806a11e607f10492d1db3d65d"
	"1a698061797bc9e0d2a5c240cf0b4d7f4c59a4158c23bceb15aaa0e0f77c84b03b5f88d0"
	"d1ea6b01231142ef095fea88fb3b355c2770ff27f97be80b16ac78789561e9469faf74d8"
	"0635ca7eddd9108a1b0e7d8ebb18a502bd8bfd6c5e0a91168a26";
static const char old_segment[] =
	"7e3465c8af639b8f075386dfb1fc11890db02c767c59a0b5aada53c83c35634558e3e48f"
	"b6b90c";

static void objects_stay_as_they_are(void **state)
{
	static const char text[] = "commandand its data set";
	EVP_PKEY *key = private_key(old_key);
	uint8_t bytes[SPOOL_HEADER_SIZE + 100] = { 0 };
	size_t size = SPOOL_HEADER_SIZE;
	struct opened opened;
	int fd = memory_file();

	(void)state;
	from_hex(old_header, bytes);
	size += from_hex(old_segment, bytes + size);
	assert_int_equal(write(fd, bytes, size), size);
	assert_opens(fd, key, (const uint8_t *)text, strlen(text));
	opened = open_object(fd, key, "pacs");
	assert_int_equal(opened.metadata.command_size, 7);
	assert_int_equal(opened.metadata.data_size, 16);
	assert_int_equal(opened.metadata.sealed_us, 1700000000000000);
	assert_string_equal(opened.metadata.calling_ae, "CATHLAB3");
	assert_string_equal(opened.metadata.sop_instance, "1.2.3.4");
	assert_string_equal(opened.metadata.patient_id, "P-1");
	free(opened.bytes);
	EVP_PKEY_free(key);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_size_comes_back),
		cmocka_unit_test(nothing_is_no_object),
		cmocka_unit_test(metadata_have_to_fit),
		cmocka_unit_test(each_byte_counts),
		cmocka_unit_test(segments_stay_in_place),
		cmocka_unit_test(each_cut_is_found),
		cmocka_unit_test(a_cut_meanwhile_is_found),
		cmocka_unit_test(a_wrong_hash_is_found),
		cmocka_unit_test(others_open_nothing),
		cmocka_unit_test(a_file_serves_again),
		cmocka_unit_test(later_suites_are_unknown),
		cmocka_unit_test(metadata_may_fill_the_header),
		cmocka_unit_test(objects_stay_as_they_are),
	};

	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, key_kind());

	if (!key) {
		printf("skipped: this OpenSSL has no %s\n", key_kind());
		return 77;
	}
	EVP_PKEY_free(key);
	return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
