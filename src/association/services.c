/*
 * A further service (storage commitment, MPPS, worklist) is a row in the table below and
 * a file of its own beside store.c. C-ECHO is here.
 */
#include "services.h"

#include <string.h>

#include "internal.h"
#include "store.h"

#include "cathgate/base/clock.h"
#include "cathgate/dicom/sop_class.h"

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

int services_read_request(struct association *association)
{
	struct command_message *request = &association->request;
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
		if (event != UL_PDV || command_add(request, &pdv) != 0)
			return ending_of_leg(association, event);
		association->stray.context = 0;
	} while (!pdv.last);

	if (command_parse(request->bytes, request->size, &request->command, &detail) == 0)
		return 1;
	return ending_abort(association, REASON_MALFORMED, "command set: %s", detail);
}

/* Reads the request's data set, if any, and forgets it. */
MUST_USE static int drop_data_set(struct association *association)
{
	const struct command_message *request = &association->request;
	struct ul_pdv pdv = { .last = !request->command.has_data_set };
	int64_t bytes = 0;

	while (!pdv.last) {
		enum ul_event event = ul_read(association->in.ul, &pdv);

		if (event != UL_PDV || pdv.command || pdv.context != request->context)
			return ending_of_leg(association, event);
		bytes += (int64_t)pdv.size;
		if (bytes > association->config->limits.max_object_bytes)
			return ending_abort(
				association, REASON_LIMIT_OBJECT,
				"the data set of an unknown command is too large");
	}
	return 0;
}

/* Makes the response, with a status of our own. */
static enum service_end answer_with_status(struct association *association,
					   uint16_t status, const char *comment)
{
	struct command_message *response = &association->response;

	response->size = command_response(&association->request.command, status, comment,
					  response->bytes);
	return SERVICE_ANSWERS;
}

/* C-ECHO (PS3.7 9.3.5). Failing to reach the destination is a processing failure (C.5.8),
 * so that a modality's service menu shows that the way to the PACS is cut. */
MUST_USE static enum service_end echo_perform(struct association *association)
{
	const struct command_message *request = &association->request;
	struct outbound *out = &association->out;
	struct sink_failure failure;

	if (request->command.fault)
		return answer_with_status(association, STATUS_MISTYPED_ARGUMENT, NULL);
	if (association->entry.now->echo == CONFIG_ECHO_GATEWAY)
		return answer_with_status(association, STATUS_SUCCESS, NULL);
	if (outbound_ready(out, request, &failure) == 0 &&
	    outbound_command(out, request, &failure) == 0 &&
	    outbound_response(out, &association->response, &failure) == 0)
		return SERVICE_ANSWERS;

	outbound_abort_message(out);
	if (failure.reason == REASON_PEER_LOST || failure.reason == REASON_PEER_ABORT) {
		ending_set(association, AUDIT_ABORTED, failure.reason, LAST_PDU_NONE,
			   "%s", failure.detail);
		return SERVICE_ENDS;
	}
	return answer_with_status(association, STATUS_PROCESSING_FAILURE,
				  reason_name(failure.reason));
}

static bool is_verification(const char *abstract_syntax)
{
	return strcmp(abstract_syntax, SOP_CLASS_VERIFICATION) == 0;
}

static const struct service {
	bool (*has)(const char *abstract_syntax);
	uint16_t command; /* the only one it takes */
	bool takes_data_set;
	enum service_end (*perform)(struct association *association);
} services[] = {
	{ is_verification, COMMAND_C_ECHO_RQ, false, echo_perform },
	{ sop_class_is_storage, COMMAND_C_STORE_RQ, true, store_perform },
};

static const struct service *service_of(const char *abstract_syntax)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (services[i].has(abstract_syntax))
			return &services[i];
	return NULL;
}

bool services_has(const char *abstract_syntax)
{
	return service_of(abstract_syntax) != NULL;
}

/* Another command than the service's. */
MUST_USE static enum service_end refuse_command(struct association *association)
{
	if (drop_data_set(association) != 0)
		return SERVICE_ENDS;
	return answer_with_status(association, STATUS_UNRECOGNISED_OPERATION, NULL);
}

/* No response could name it: an A-ABORT is all that its sender would understand. An
 * instance has its line all the same. */
MUST_USE static int end_unanswerable(struct association *association)
{
	uint16_t command = association->request.command.field;

	ending_abort(association, REASON_MALFORMED,
		     "command %04X is no request that can be answered", command);
	if (command == COMMAND_C_STORE_RQ)
		store_record_unread(association);
	return -1;
}

MUST_USE static int send_answer(struct association *association, enum service_end end)
{
	struct ul_pdv pdv = { .context = association->request.context,
			      .command = true,
			      .last = true,
			      .data = association->response.bytes,
			      .size = association->response.size };

	if (end == SERVICE_ENDS)
		return -1;
	expect_more(association);
	if (ul_write(association->in.ul, &pdv) == 0)
		return end == SERVICE_ANSWERS ? 0 : -1;
	return ending_of_leg(association, UL_CLOSED);
}

int services_perform(struct association *association)
{
	const struct command_message *request = &association->request;
	const struct command_set *command = &request->command;
	const char *syntax =
		ul_context_abstract_syntax(association->in.ul, request->context);
	const struct service *service = syntax ? service_of(syntax) : NULL;
	enum service_end end;
	int done;

	if (request->context == 0) /* only what a request before it had left */
		return 0;
	if (!service)
		return ending_abort(association, REASON_MALFORMED,
				    "presentation context %u was not accepted",
				    request->context);
	/* It has no response, and cancels nothing here (PS3.7 9.3.2.3). */
	if (command->field == COMMAND_C_CANCEL_RQ)
		return 0;
	if ((command->field & COMMAND_RSP_BIT) || !command->has_message_id)
		return end_unanswerable(association);
	/* A C-STORE-RQ has a data set, whatever it says (PS3.7 9.3.1.1). */
	if (!command->has_data_set_type ||
	    (!command->has_data_set && command->field == COMMAND_C_STORE_RQ))
		association->stray = (struct stray){ .context = request->context };
	if (command->field == service->command &&
	    (!command->has_data_set || service->takes_data_set))
		end = service->perform(association);
	else if (command->field == COMMAND_C_STORE_RQ)
		/* An instance has its line wherever it comes. */
		end = store_perform(association);
	else
		end = refuse_command(association);
	done = send_answer(association, end);
	association->instance_in_hand = false;
	return done;
}
