/* Goal: a refusal passes with its codes, and a destination may answer anything. */
#include "upper_layer_sides.h"

#include <dirent.h>

static void a_rejection_passes_exactly(void **state)
{
	static const uint8_t codes[][3] = { { 1, 1, 3 },      { 1, 1, 7 }, { 2, 3, 1 },
					    { 1, 2, 2 },      { 9, 8, 7 }, { 0, 0, 0 },
					    { 255, 254, 253 } };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct ul_rejection rejection = { 77, 77, 77 };

		setup(state);
		build_request(16384, NULL);
		put_short(&pacs.says, 0x03, codes[i][0], codes[i][1], codes[i][2]);
		assert_int_equal(propose(accept_request(), false, &rejection),
				 UL_CONNECT_REJECTED);
		assert_null(pacs.ul);
		assert_int_equal(rejection.result, codes[i][0]);
		assert_int_equal(rejection.source, codes[i][1]);
		assert_int_equal(rejection.reason, codes[i][2]);
		assert_int_equal(ul_reject(modality.ul, rejection), 0);
		assert_int_equal(modality.hears.size, 10);
		assert_memory_equal(modality.hears.bytes, pacs.says.bytes, 10);
		teardown(state);
	}
	setup(state);
}

static void what_dcmtk_cannot_take_is_rejected(void **state)
{
	const char *detail = NULL;

	(void)state;
	build_request(16384, NULL);
	request.bytes[7] = 2; /* the protocol version's bit 0 is not set */
	assert_null(ul_accept(&modality.transport, request.bytes, request.size, 16384,
			      &detail));
	assert_non_null(strstr(detail, "1/2/2"));
	assert_memory_equal(modality.hears.bytes, "\3\0\0\0\0\4\0\1\2\2", 10);
	assert_int_equal(modality.hears.size, 10);

	forget(&modality);
	build_request(16384, NULL);
	request.bytes[78 + strlen(APPLICATION_CONTEXT) - 1] = '2';
	assert_null(ul_accept(&modality.transport, request.bytes, request.size, 16384,
			      &detail));
	assert_non_null(strstr(detail, "1/1/2"));
	assert_memory_equal(modality.hears.bytes, "\3\0\0\0\0\4\0\1\1\2", 10);
	assert_int_equal(modality.hears.size, 10);
}

static void a_broken_request_is_aborted(void **state)
{
	(void)state;
	assert_int_equal(ul_abort_request(&modality.transport, 2, 6), 0);
	assert_int_equal(modality.hears.size, 10);
	assert_memory_equal(modality.hears.bytes, "\7\0\0\0\0\4\0\0\2\6", 10);
}

static unsigned open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* The PACS has heard the request; then an A-ABORT or nothing. */
static void expect_request_then_abort(bool aborted)
{
	const uint8_t *heard = pacs.hears.bytes;
	size_t size = 6 + (size_t)(heard[4] << 8 | heard[5]);

	assert_int_equal(heard[0], 1);
	assert_int_equal(pacs.hears.size, size + (aborted ? 10 : 0));
	if (aborted)
		assert_memory_equal(heard + size, "\7\0\0\0\0\4\0\0\2\2", 10);
}

static void a_destination_may_answer_anything(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		ssize_t end;
		enum ul_connect_fault fault;
	} answers[] = {
		{ BYTES(""), 0, UL_CONNECT_LOST },
		{ BYTES(""), -1, UL_CONNECT_LOST },
		{ BYTES("\2\0\0"), 0, UL_CONNECT_LOST },
		{ BYTES("\2\0\0\0\1\0\0\1"), -1, UL_CONNECT_LOST },
		{ BYTES("\3\0\0\0\0\4\0\1"), 0, UL_CONNECT_LOST },
		{ BYTES("\7\0\0\0\0\4\0\0\2\1"), 0, UL_CONNECT_ABORTED },
		{ BYTES("\7\0\0\0\0\0"), 0, UL_CONNECT_PROTOCOL },
		{ BYTES("\3\0\0\0\0\2\0\1"), 0, UL_CONNECT_PROTOCOL },
		{ BYTES("\2\0\xff\xff\xff\xff"), 0, UL_CONNECT_PROTOCOL },
		{ BYTES("\2\0\0\0\0\0"), 0, UL_CONNECT_PROTOCOL },
		{ BYTES("\4\0\0\0\0\6\0\0\0\2\1\3"), 0, UL_CONNECT_PROTOCOL },
		{ BYTES("\5\0\0\0\0\4\0\0\0\0"), 0, UL_CONNECT_PROTOCOL },
		{ BYTES("\6\0\0\0\0\4\0\0\0\0"), 0, UL_CONNECT_PROTOCOL },
		{ BYTES("\1\0\0\0\0\4\0\0\0\0"), 0, UL_CONNECT_PROTOCOL },
		{ BYTES("HTTP/1.1 400 Bad Request\r\n"), 0, UL_CONNECT_PROTOCOL },
	};
	unsigned before = open_descriptors();

	(void)state;
	build_request(16384, NULL);
	accept_request();
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		enum ul_connect_fault fault;

		pacs.says.size = pacs.told = 0;
		put(&pacs.says, answers[i].bytes, answers[i].size);
		pacs.end = answers[i].end;
		forget(&pacs);
		fault = propose(modality.ul, false, NULL);
		if (fault != answers[i].fault)
			fail_msg("answer %zu: %d", i, (int)fault);
		assert_null(pacs.ul);
		expect_request_then_abort(fault == UL_CONNECT_PROTOCOL);
	}
	pacs.says.size = pacs.told = 0;
	build_answer(13, NULL);
	assert_int_equal(propose(modality.ul, false, NULL), UL_CONNECT_PROTOCOL);
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_rejection_passes_exactly),
		TEST(what_dcmtk_cannot_take_is_rejected),
		TEST(a_broken_request_is_aborted),
		TEST(a_destination_may_answer_anything),
	};

	ul_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
