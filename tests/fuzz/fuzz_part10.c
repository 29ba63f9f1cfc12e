#include <string.h>

#include "cathgate/dicom/part10.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct part10 part10;

	memset(&part10, 0x5a, sizeof(part10));
	if (part10_read(bytes, size, &part10) != 0)
		return 0;
	FUZZ_REQUIRE(part10.data_set_at <= size);
	FUZZ_REQUIRE(part10.has_meta || part10.transfer_syntax[0] == '\0');
	FUZZ_REQUIRE(strspn(part10.sop_class, "0123456789.") == strlen(part10.sop_class));
	FUZZ_REQUIRE(strspn(part10.sop_instance, "0123456789.") ==
		     strlen(part10.sop_instance));
	return 0;
}
