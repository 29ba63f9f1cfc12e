#include <string.h>

#include "cathgate/dicom/data_set_head.h"
#include "fuzz.h"

/* The first byte chooses the transfer syntax, the rest is the data set. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const syntaxes[] = {
		"1.2.840.10008.1.2",
		"1.2.840.10008.1.2.1",
		"1.2.840.10008.1.2.2",
		"1.2.840.10008.1.2.1.99",
	};
	struct data_set_head head;

	if (size < 1)
		return 0;
	memset(&head, 0x5a, sizeof(head));
	data_set_head_read(bytes + 1, size - 1, syntaxes[bytes[0] % 4], &head);
	FUZZ_REQUIRE(strnlen(head.study, sizeof(head.study)) < sizeof(head.study));
	FUZZ_REQUIRE(strspn(head.study, "0123456789.") == strlen(head.study));
	FUZZ_REQUIRE(strnlen(head.patient_id, sizeof(head.patient_id)) <
		     sizeof(head.patient_id));
	return 0;
}
