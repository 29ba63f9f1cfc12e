#include <string.h>
#include <zlib.h>

#include "cathgate/dicom/data_set_head.h"
#include "fuzz.h"

/* A fuzzer that changes deflated bytes destroys the rest of them. So of these inputs it
 * gets the data set as it is, and this deflates it. */
#define DEFLATE_FIRST 4

static size_t deflate_raw(const uint8_t *bytes, size_t size, uint8_t *ret, size_t room)
{
	z_stream stream = { .next_in = (uint8_t *)bytes,
			    .avail_in = (uInt)size,
			    .next_out = ret,
			    .avail_out = (uInt)room };

	FUZZ_REQUIRE(deflateInit2(&stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) ==
		     Z_OK);
	FUZZ_REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	(void)deflateEnd(&stream);
	return room - stream.avail_out;
}

/* The first byte chooses the transfer syntax, the rest is the data set. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const syntaxes[] = {
		"1.2.840.10008.1.2",
		"1.2.840.10008.1.2.1",
		"1.2.840.10008.1.2.2",
		"1.2.840.10008.1.2.1.99",
		[DEFLATE_FIRST] = "1.2.840.10008.1.2.1.99",
	};
	struct data_set_head head;
	uint8_t syntax, *deflated = NULL;

	if (size < 1)
		return 0;
	syntax = bytes[0] % (DEFLATE_FIRST + 1);
	bytes++;
	size--;
	if (syntax == DEFLATE_FIRST) {
		size_t room = compressBound(size);

		deflated = malloc(room);
		FUZZ_REQUIRE(deflated != NULL);
		size = deflate_raw(bytes, size, deflated, room);
		bytes = deflated;
	}
	memset(&head, 0x5a, sizeof(head));
	data_set_head_read(bytes, size, syntaxes[syntax], &head);
	free(deflated);
	FUZZ_REQUIRE(strnlen(head.study, sizeof(head.study)) < sizeof(head.study));
	FUZZ_REQUIRE(strspn(head.study, "0123456789.") == strlen(head.study));
	FUZZ_REQUIRE(strnlen(head.patient_id, sizeof(head.patient_id)) <
		     sizeof(head.patient_id));
	return 0;
}
