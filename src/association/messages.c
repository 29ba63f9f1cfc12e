#include "messages.h"

#include "internal.h"

#include "cathgate/base/clock.h"

static void expect_more(struct association *association)
{
	leg_silence(&association->in, association->config->limits.store_seconds,
		    REASON_TOO_SLOW);
}

/* Whether it is a fragment of a data set that its command did not announce. */
static bool is_stray(struct association *association, const struct ul_pdv *pdv)
{
	struct stray *stray = &association->stray;

	if (pdv->command || association->request.context != 0 ||
	    pdv->context != stray->context)
		return false;
	stray->bytes += (int64_t)pdv->size;
	if (stray->bytes > association->config->limits.max_object_bytes)
		return false;
	if (pdv->last)
		stray->context = 0;
	return true;
}

void messages_expect_stray(struct association *association)
{
	association->stray = (struct stray){ .context = association->request.context };
}

int messages_read_request(struct association *association, struct ending *ending)
{
	struct message *request = &association->request;
	const char *detail = NULL;
	struct ul_pdv pdv;

	association->request_began_us = clock_us();
	request->size = 0;
	request->context = 0; /* an even id: never accepted */
	expect_more(association);
	pace_start(&association->pace, &association->config->limits);
	do {
		enum ul_event event = ul_read(association->in.ul, &pdv);

		if (event == UL_RELEASE && request->context == 0)
			return 0;
		if (event == UL_PDV && is_stray(association, &pdv)) {
			if (pdv.last)
				return 1;
			continue;
		}
		if (event != UL_PDV || message_add(request, &pdv) != 0) {
			ending_of_leg(&association->in, event, ending);
			return -1;
		}
		association->stray.context = 0;
	} while (!pdv.last);

	if (command_parse(request->bytes, request->size, &request->command, &detail) !=
	    0) {
		ending_abort(ending, REASON_MALFORMED, "command set: %s", detail);
		return -1;
	}
	return 1;
}

int messages_drop_data_set(struct association *association, struct ending *ending)
{
	const struct message *request = &association->request;
	struct ul_pdv pdv = { .last = !request->command.has_data_set };
	int64_t bytes = 0;

	while (!pdv.last) {
		enum ul_event event = ul_read(association->in.ul, &pdv);

		if (event != UL_PDV || pdv.command || pdv.context != request->context) {
			ending_of_leg(&association->in, event, ending);
			return -1;
		}
		bytes += (int64_t)pdv.size;
		if (bytes > association->config->limits.max_object_bytes) {
			ending_abort(ending, REASON_LIMIT_OBJECT,
				     "the data set of an unknown command is too large");
			return -1;
		}
	}
	return 0;
}

MUST_USE static int write_response(struct association *association, const uint8_t *bytes,
				   size_t size, struct ending *ending)
{
	struct ul_pdv pdv = { .context = association->request.context,
			      .command = true,
			      .last = true,
			      .data = bytes,
			      .size = size };

	expect_more(association);
	if (ul_write(association->in.ul, &pdv) == 0)
		return 0;
	ending_of_leg(&association->in, UL_CLOSED, ending);
	return -1;
}

int messages_respond(struct association *association, uint16_t status,
		     const char *comment, struct ending *ending)
{
	uint8_t bytes[COMMAND_RESPONSE_MAX];
	size_t size =
		command_response(&association->request.command, status, comment, bytes);

	return write_response(association, bytes, size, ending);
}

int messages_pass_response(struct association *association, struct ending *ending)
{
	return write_response(association, association->response.bytes,
			      association->response.size, ending);
}
