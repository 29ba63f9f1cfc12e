#include <string.h>

#include "cathgate/dicom/command.h"
#include "fuzz.h"

static void require_uid(const char *uid)
{
	FUZZ_REQUIRE(strlen(uid) <= COMMAND_UID_MAX);
	FUZZ_REQUIRE(strspn(uid, "0123456789.") == strlen(uid));
}

/* What is answered to a request must itself be read, and read as what was meant. */
static void answer(const struct command_set *request)
{
	uint8_t bytes[COMMAND_RESPONSE_MAX];
	struct command_set response;
	const char *detail;
	size_t size =
		command_response(request, STATUS_NOT_AUTHORISED, "a comment", bytes);

	FUZZ_REQUIRE(size <= sizeof(bytes) && size % 2 == 0);
	FUZZ_REQUIRE(command_parse(bytes, size, &response, &detail) == 0);
	FUZZ_REQUIRE(response.fault == NULL);
	FUZZ_REQUIRE(response.field == (request->field | COMMAND_RSP_BIT));
	FUZZ_REQUIRE(response.has_status && response.status == STATUS_NOT_AUTHORISED);
	FUZZ_REQUIRE(!response.has_data_set);
	FUZZ_REQUIRE(response.has_responded_to == request->has_message_id);
	FUZZ_REQUIRE(!request->has_message_id ||
		     response.responded_to == request->message_id);
	FUZZ_REQUIRE(strcmp(response.sop_class, request->sop_class) == 0);
	FUZZ_REQUIRE(strcmp(response.sop_instance, request->sop_instance) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct command_set set, before;
	const char *detail = NULL;

	memset(&set, 0x5a, sizeof(set));
	before = set;
	if (command_parse(bytes, size, &set, &detail) < 0) {
		FUZZ_REQUIRE(detail != NULL);
		FUZZ_REQUIRE(memcmp(&set, &before, sizeof(set)) == 0);
		return 0;
	}
	FUZZ_REQUIRE(size <= COMMAND_SET_MAX);
	FUZZ_REQUIRE(set.has_data_set_type || !set.has_data_set);
	require_uid(set.sop_class);
	require_uid(set.sop_instance);
	FUZZ_REQUIRE(strlen(set.move_originator.text) <= AE_TITLE_MAX);
	FUZZ_REQUIRE(set.has_move_originator || set.move_originator.text[0] == '\0');
	answer(&set);
	return 0;
}
