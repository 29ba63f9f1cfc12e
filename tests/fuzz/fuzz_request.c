#include <stdlib.h>

#include "cathgate/upper_layer.h"
#include "fuzz.h"

/* The smallest there can be: the fixed part, a presentation context with two syntaxes,
 * empty or not, and user information without items. */
#define SMALLEST (74 + (4 + 4 + 4 + 4) + 4)

/* What DCMTK is given must itself be good, and need no mending any more. */
static void look_at(const uint8_t *mended, size_t size)
{
	const char *detail;
	uint8_t *again;
	size_t again_size;

	FUZZ_REQUIRE(size >= SMALLEST && mended[0] == 0x01);
	if (size > UL_REQUEST_MAX) /* it had grown by a few bytes */
		return;
	FUZZ_REQUIRE(ul_mend_request(mended, size, &again, &again_size, &detail) ==
		     UL_REQUEST_OK);
	FUZZ_REQUIRE(again_size == size);
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
