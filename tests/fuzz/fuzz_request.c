#include "cathgate/upper_layer.h"
#include "fuzz.h"

/* The smallest there can be: the fixed part, an application context, a presentation
 * context with two syntaxes, all UIDs of one character, and a maximum length. */
#define SMALLEST (74 + 5 + (4 + 4 + 5 + 5) + (4 + 8))

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *detail = NULL;
	enum ul_request_fault fault = ul_check_request(bytes, size, &detail);

	FUZZ_REQUIRE(fault != UL_REQUEST_LOST);
	if (fault != UL_REQUEST_OK) {
		FUZZ_REQUIRE(detail != NULL);
		return 0;
	}
	FUZZ_REQUIRE(size >= SMALLEST && size <= UL_REQUEST_MAX);
	FUZZ_REQUIRE(bytes[0] == 0x01);
	return 0;
}
