/* Goal: PDVs pass as they come, whatever a peer sends is borne, and the end of an
 * association is said as PS3.8 wants it, byte for byte. */
#include "upper_layer_sides.h"

static void expect_pdv(struct ul_association *ul, uint8_t context, bool command,
		       bool last, const char *data)
{
	struct ul_pdv pdv;

	assert_int_equal(ul_read(ul, &pdv), UL_PDV);
	assert_int_equal(pdv.context, context);
	assert_int_equal(pdv.command, command);
	assert_int_equal(pdv.last, last);
	assert_int_equal(pdv.size, strlen(data));
	assert_memory_equal(pdv.data, data, pdv.size);
}

static void fragments_come_one_by_one(void **state)
{
	struct ul_association *in = establish_in(16384);
	struct ul_pdv pdv;
	size_t start;

	(void)state;
	modality.step = 3;
	start = open_pdu(&modality.says, 0x04);
	put_pdv(&modality.says, 1, 3, BYTES("command"));
	put_pdv(&modality.says, 1, 0, BYTES(""));
	put_pdv(&modality.says, 1, 0xf8, BYTES("odd"));
	close_pdu(&modality.says, start);
	put_data(&modality.says, 7, 2, BYTES("last"));
	put_short(&modality.says, 0x05, 0, 0, 0);

	assert_false(ul_has_pdv(in));
	expect_pdv(in, 1, true, true, "command");
	assert_true(ul_has_pdv(in));
	expect_pdv(in, 1, false, false, "");
	expect_pdv(in, 1, false, false, "odd");
	assert_false(ul_has_pdv(in));
	assert_int_equal(ul_peek(in), UL_PDU_OTHER);
	expect_pdv(in, 7, false, true, "last");
	assert_int_equal(ul_peek(in), UL_PDU_RELEASE_RQ);
	assert_int_equal(ul_read(in, &pdv), UL_RELEASE);
	assert_int_equal(ul_read(in, &pdv), UL_RELEASE);
	assert_int_equal(ul_release_response(in), 0);
	assert_int_equal(modality.hears.size, 10);
	assert_memory_equal(modality.hears.bytes, "\6\0\0\0\0\4\0\0\0\0", 10);
}

static void what_is_not_allowed_is_noticed(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		ssize_t end;
		enum ul_event event;
	} streams[] = {
		{ BYTES(""), 0, UL_CLOSED },
		{ BYTES(""), -1, UL_CLOSED },
		{ BYTES("\4\0\0"), 0, UL_CLOSED },
		{ BYTES("\4\0\0\0\0\xa\0\0\0\6\1\2ab"), 0, UL_CLOSED },
		{ BYTES("\4\0\0\0\0\xa\0\0\0\6\1\2ab"), -1, UL_CLOSED },
		{ BYTES("\7\0\0\0\0\4\0\0\0\0"), 0, UL_ABORT },
		{ BYTES("\7\0\0\0\0\4\0\0\2\5"), -1, UL_ABORT },
		{ BYTES("\5\0\0\0\0\4\0\0\0\0"), -1, UL_RELEASE },
		{ BYTES("\7\0\0\0\0\5\0\0\0\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\5\0\0\0\1\4\0\0\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\1\0\0\0\0\4\0\0\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\2\0\0\0\0\4\0\0\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\3\0\0\0\0\4\0\0\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\6\0\0\0\0\4\0\0\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\0\0\0\0\0\4\0\0\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\x42\0\0\0\0\4\0\0\0\0"), 0, UL_PROTOCOL },
		/* P-DATA-TF: 4 GiB, over the maximum, empty, PDV lengths that don't fit
		 */
		{ BYTES("\4\0\xff\xff\xff\xff\0\0\0\6\1\2"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\2\0\1\0\0\0\6\1\2"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\2\0\0"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\6\0\0\0\0\1\2"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\6\0\0\0\1\1\2"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\6\0\0\0\3\1\2"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\6\xff\xff\xff\xff\1\2"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\6\xff\xff\xff\xfc\1\2"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\7\0\0\0\2\1\2\0"), 0, UL_PROTOCOL },
		/* a context that was refused, and one that never was */
		{ BYTES("\4\0\0\0\0\6\0\0\0\2\3\2"), 0, UL_PROTOCOL },
		{ BYTES("\4\0\0\0\0\6\0\0\0\2\x63\2"), 0, UL_PROTOCOL },
	};

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		struct ul_association *in;
		enum ul_event event;
		struct ul_pdv pdv;

		setup(state);
		in = establish_in(16384);
		put(&modality.says, streams[i].bytes, streams[i].size);
		modality.end = streams[i].end;
		event = ul_read(in, &pdv);
		if (event != streams[i].event)
			fail_msg("stream %zu: %d", i, (int)event);
		assert_int_equal(ul_read(in, &pdv), event);
		assert_false(ul_has_pdv(in));
		assert_int_equal(modality.hears.size, 0);
		/* The last word stays ours. */
		ul_abort(in, 2, 5);
		assert_memory_equal(modality.hears.bytes, "\7\0\0\0\0\4\0\0\2\5", 10);
		assert_int_equal(modality.hears.size, 10);
		ul_abort(in, 2, 5);
		assert_int_equal(modality.hears.size, 10);
		teardown(state);
	}
	setup(state);
}

static void a_peek_takes_nothing(void **state)
{
	struct ul_association *in = establish_in(16384);
	struct ul_pdv pdv;

	(void)state;
	modality.end = -1;
	assert_int_equal(ul_peek(in), UL_PDU_NONE);
	modality.end = 0;
	assert_int_equal(ul_peek(in), UL_PDU_CLOSED);
	put_short(&modality.says, 0x07, 0, 0, 0);
	assert_int_equal(ul_peek(in), UL_PDU_ABORT);
	assert_int_equal(ul_peek(in), UL_PDU_ABORT);
	assert_int_equal(ul_read(in, &pdv), UL_ABORT);
}

/* Takes the PDUs apart again: one PDV each, none longer than `maximum`, all but the last
 * of even length, only the last marked so. */
static void expect_pdus(const struct pdu *heard, const uint8_t *data, size_t size,
			uint32_t maximum)
{
	const uint8_t *at = heard->bytes, *end = at + heard->size;
	size_t got = 0;

	do {
		uint32_t length = (uint32_t)at[2] << 24 | (uint32_t)at[3] << 16 |
				  (uint32_t)at[4] << 8 | at[5];
		bool last = at + 6 + length == end;

		assert_int_equal(at[0], 4);
		assert_true(maximum == 0 || length <= maximum);
		assert_int_equal((uint32_t)at[6] << 24 | (uint32_t)at[7] << 16 |
					 (uint32_t)at[8] << 8 | at[9],
				 length - 4);
		assert_int_equal(at[10], 7);
		assert_int_equal(at[11], last ? 2 : 0);
		assert_true(last || length % 2 == 0);
		assert_true(got + length - 6 <= size);
		if (length > 6)
			assert_memory_equal(at + 12, data + got, length - 6);
		got += length - 6;
		at += 6 + length;
	} while (at < end);
	assert_ptr_equal(at, end);
	assert_int_equal(got, size);
}

static void a_fragment_is_cut_only_where_it_must(void **state)
{
	static const uint32_t maxima[] = { 0,	14,  15,   16,	  17,
					   128, 129, 4096, 16384, 131072 };
	static const size_t sizes[] = {
		0,     1,     2,     3,	    100,   116,	  117,
		16371, 16372, 16373, 16384, 40000, 65001, 131060
	};
	static uint8_t data[131060];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t m = 0; m < sizeof(maxima) / sizeof(maxima[0]); m++) {
		struct ul_association *in;

		setup(state);
		in = establish_in(maxima[m]);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct ul_pdv pdv = { 7, false, true, data, sizes[i] };

			if (maxima[m] > 0 && maxima[m] < 20 && sizes[i] > 20000)
				continue; /* heads without end */
			forget(&modality);
			assert_int_equal(ul_write(in, &pdv), 0);
			expect_pdus(&modality.hears, data, sizes[i], maxima[m]);
			if (maxima[m] == 0) /* head and fragment leave together */
				assert_int_equal(modality.writes,
						 sizes[i] > 16372 ? 2 : 1);
		}
		teardown(state);
	}
	setup(state);
}

static void nothing_goes_out_on_a_refused_context(void **state)
{
	struct ul_association *in = establish_in(16384);
	struct ul_pdv pdv = { 3, false, true, (const uint8_t *)"x", 1 };

	(void)state;
	assert_int_equal(ul_write(in, &pdv), -1);
	assert_int_equal(modality.hears.size, 0);
}

/* The peer could take an A-ABORT for the last ten bytes of the fragment that it misses,
 * and the object for whole. */
static void nothing_follows_half_a_fragment(void **state)
{
	static uint8_t data[40000];
	struct ul_pdv pdv = { 7, false, true, data, sizeof(data) };

	for (size_t lost = 1; lost < sizeof(data) + 12; lost += 997) {
		struct ul_association *in;

		setup(state);
		in = establish_in(0);
		modality.deaf_after = sizeof(data) + 12 - lost;
		assert_int_equal(ul_write(in, &pdv), -1);
		modality.deaf_after = NEVER;
		assert_int_equal(ul_write(in, &pdv), -1);
		ul_abort(in, 0, 0);
		assert_int_equal(modality.hears.size, sizeof(data) + 12 - lost);
		teardown(state);
	}
	setup(state);
}

/*
 * The end.
 */

static void a_release_is_waited_for(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		ssize_t end;
		int released;
		size_t heard;
	} answers[] = {
		{ BYTES("\6\0\0\0\0\4\0\0\0\0"), 0, 0, 10 },
		{ BYTES("\6\0\0\0\0\4\1\2\3\4"), 0, 0, 10 },
		/* both asked at once */
		{ BYTES("\5\0\0\0\0\4\0\0\0\0\6\0\0\0\0\4\0\0\0\0"), 0, 0, 20 },
		{ BYTES("\5\0\0\0\0\4\0\0\0\0"), 0, -1, 20 },
		{ BYTES("\5\0\0\0\0\4\0\0\0\0\7\0\0\0\0\4\0\0\0\0"), 0, -1, 20 },
		{ BYTES("\7\0\0\0\0\4\0\0\0\0"), 0, -1, 10 },
		{ BYTES(""), 0, -1, 10 },
		{ BYTES(""), -1, -1, 10 },
		{ BYTES("\6\0\0\0\0\4\0"), -1, -1, 10 },
		{ BYTES("\4\0\0\0\0\6\0\0\0\2\1\2"), 0, -1, 10 },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct ul_pdv pdv = { 1, true, true, (const uint8_t *)"x", 1 };
		int released;

		setup(state);
		establish_both(16384);
		forget(&pacs);
		put(&pacs.says, answers[i].bytes, answers[i].size);
		pacs.end = answers[i].end;
		released = ul_release(pacs.ul);
		if (released != answers[i].released ||
		    pacs.hears.size != answers[i].heard)
			fail_msg("answer %zu: %d, %zu bytes", i, released,
				 pacs.hears.size);
		assert_memory_equal(pacs.hears.bytes,
				    "\5\0\0\0\0\4\0\0\0\0\6\0\0\0\0\4\0\0\0\0",
				    pacs.hears.size);
		assert_int_equal(ul_write(pacs.ul, &pdv), -1);
		assert_int_equal(ul_read(pacs.ul, &pdv), UL_CLOSED);
		teardown(state);
	}
	setup(state);
}

static void an_abort_is_exact(void **state)
{
	(void)state;
	establish_both(16384);
	forget(&pacs);
	ul_abort(pacs.ul, 0, 0);
	assert_int_equal(pacs.hears.size, 10);
	assert_memory_equal(pacs.hears.bytes, "\7\0\0\0\0\4\0\0\0\0", 10);
	forget(&modality);
	ul_abort(modality.ul, 2, 255);
	assert_int_equal(modality.hears.size, 10);
	assert_memory_equal(modality.hears.bytes, "\7\0\0\0\0\4\0\0\2\xff", 10);
}

static void freeing_says_nothing(void **state)
{
	(void)state;
	establish_both(16384);
	forget(&pacs);
	forget(&modality);
	ul_free(pacs.ul);
	ul_free(modality.ul);
	ul_free(NULL);
	pacs.ul = modality.ul = NULL;
	assert_int_equal(pacs.hears.size + modality.hears.size, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(fragments_come_one_by_one),
		TEST(what_is_not_allowed_is_noticed),
		TEST(a_peek_takes_nothing),
		TEST(a_fragment_is_cut_only_where_it_must),
		TEST(nothing_goes_out_on_a_refused_context),
		TEST(nothing_follows_half_a_fragment),
		TEST(a_release_is_waited_for),
		TEST(an_abort_is_exact),
		TEST(freeing_says_nothing),
	};

	ul_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
