#include <stdlib.h>
#include <string.h>

#include "cathgate/dicom/upper_layer.h"
#include "fuzz.h"

/* The smallest there can be: the fixed part, a presentation context with two syntaxes,
 * empty or not, and user information without items. */
#define SMALLEST (74 + (4 + 4 + 4 + 4) + 4)

static const uint8_t *next_item(const uint8_t *item)
{
	return item + 4 + ((size_t)item[2] << 8 | item[3]);
}

/* Each id comes once: callers keep something for each. An even one names no service. */
static void look_at_contexts(const uint8_t *mended, size_t size)
{
	bool seen[UL_CONTEXT_IDS] = { false };
	const uint8_t *end = mended + size;

	for (const uint8_t *item = mended + 74; item < end; item = next_item(item)) {
		if (item[0] != 0x20)
			continue;
		FUZZ_REQUIRE(!seen[item[4]]);
		seen[item[4]] = true;
		for (const uint8_t *in = item + 8; in < next_item(item);
		     in = next_item(in))
			FUZZ_REQUIRE(in[0] != 0x30 || item[4] % 2 == 1 ||
				     next_item(in) == in + 4);
	}
}

/* What DCMTK is given must itself be good, and need no mending any more. */
static void look_at(const uint8_t *mended, size_t size)
{
	const char *detail;
	uint8_t *again;
	size_t again_size;

	FUZZ_REQUIRE(size >= SMALLEST && mended[0] == 0x01);
	look_at_contexts(mended, size);
	if (size > UL_REQUEST_MAX) /* it had grown by a few bytes */
		return;
	FUZZ_REQUIRE(ul_mend_request(mended, size, &again, &again_size, &detail) ==
		     UL_REQUEST_OK);
	FUZZ_REQUIRE(again_size == size && memcmp(again, mended, size) == 0);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *detail = NULL;
	uint8_t *mended;
	size_t mended_size;
	enum ul_request_fault fault =
		ul_mend_request(bytes, size, &mended, &mended_size, &detail);

	FUZZ_REQUIRE(fault != UL_REQUEST_LOST);
	if (fault != UL_REQUEST_OK) {
		FUZZ_REQUIRE(detail != NULL);
		return 0;
	}
	FUZZ_REQUIRE(size <= UL_REQUEST_MAX);
	look_at(mended, mended_size);
	free(mended);
	return 0;
}
