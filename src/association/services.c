/*
 * Which service a message belongs to. A further one (storage commitment, MPPS, worklist)
 * is a row in the table below and a file of its own beside store.c.
 */
#include "internal.h"

#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/dicom/sop_class.h"

static int echo_perform(struct association *association, struct ending *ending);
static int store_in_turn(struct association *association, struct ending *ending);

static bool is_verification(const char *abstract_syntax)
{
	return strcmp(abstract_syntax, SOP_CLASS_VERIFICATION) == 0;
}

static const struct service {
	bool (*has)(const char *abstract_syntax);
	uint16_t command; /* the only one it takes */
	bool takes_data_set;
	int (*perform)(struct association *association, struct ending *ending);
} services[] = {
	{ is_verification, COMMAND_C_ECHO_RQ, false, echo_perform },
	{ sop_class_is_storage, COMMAND_C_STORE_RQ, true, store_in_turn },
};

static const struct service *service_of(const char *abstract_syntax)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (services[i].has(abstract_syntax))
			return &services[i];
	return NULL;
}

bool services_is_relayed(const char *abstract_syntax)
{
	return service_of(abstract_syntax) != NULL;
}

static int write_response(struct association *association, const uint8_t *bytes,
			  size_t size, struct ending *ending)
{
	struct ul_pdv pdv = { .context = association->request.context,
			      .command = true,
			      .last = true,
			      .data = bytes,
			      .size = size };

	leg_silence(&association->in, association->config->limits.store_seconds,
		    REASON_TOO_SLOW);
	if (ul_write(association->in.ul, &pdv) == 0)
		return 0;
	ending_of_in(association, UL_CLOSED, ending);
	return -1;
}

int services_respond(struct association *association, uint16_t status,
		     const char *comment, struct ending *ending)
{
	uint8_t bytes[COMMAND_RESPONSE_MAX];
	size_t size =
		command_response(&association->request.command, status, comment, bytes);

	return write_response(association, bytes, size, ending);
}

int services_pass_response(struct association *association, struct ending *ending)
{
	return write_response(association, association->response.bytes,
			      association->response.size, ending);
}

/* PS3.7 9.3.5. Failing to reach the destination is a processing failure (C.5.8), so that
 * a modality's service menu shows that the way to the PACS is cut. */
static int echo_perform(struct association *association, struct ending *ending)
{
	struct relay_failure failure;

	if (association->request.command.fault)
		return services_respond(association, STATUS_MISTYPED_ARGUMENT, NULL,
					ending);
	if (association->entry->echo == CONFIG_ECHO_GATEWAY)
		return services_respond(association, STATUS_SUCCESS, NULL, ending);
	if (relay_ready(association, &failure) == 0 &&
	    relay_command(association, &failure) == 0 &&
	    relay_response(association, &failure) == 0) {
		association->out_is_amid = false;
		return services_pass_response(association, ending);
	}

	relay_abort(association);
	if (failure.reason == REASON_PEER_LOST || failure.reason == REASON_PEER_ABORT) {
		ending_set(ending, AUDIT_ABORTED, failure.reason, PARTING_SILENT, "%s",
			   failure.detail);
		return -1;
	}
	return services_respond(association, STATUS_PROCESSING_FAILURE,
				reason_name(failure.reason), ending);
}

static int store_in_turn(struct association *association, struct ending *ending)
{
	if (leg_await_turn(association) == 0)
		return store_perform(association, ending);
	ending_of_in(association, UL_CLOSED, ending);
	store_record_unread(association, ending);
	return -1;
}

/* Another command than the service's: its data set, if any, is read and forgotten. */
static int refuse_command(struct association *association, struct ending *ending)
{
	struct message *request = &association->request;
	struct ul_pdv pdv = { .last = !request->command.has_data_set };
	int64_t bytes = 0;

	while (!pdv.last) {
		enum ul_event event = ul_read(association->in.ul, &pdv);

		if (event != UL_PDV || pdv.command || pdv.context != request->context) {
			ending_of_in(association, event, ending);
			return -1;
		}
		bytes += (int64_t)pdv.size;
		if (bytes > association->config->limits.max_object_bytes) {
			ending_abort(ending, REASON_LIMIT_OBJECT,
				     "the data set of an unknown command is too large");
			return -1;
		}
	}
	return services_respond(association, STATUS_UNRECOGNISED_OPERATION, NULL, ending);
}

static int append(struct association *association, const struct ul_pdv *pdv)
{
	struct message *request = &association->request;

	if (!pdv->command ||
	    (request->context != 0 && pdv->context != request->context) ||
	    pdv->size > sizeof(request->bytes) - request->size)
		return -1;
	association->stray_context = 0;
	request->context = pdv->context;
	memcpy(request->bytes + request->size, pdv->data, pdv->size);
	request->size += pdv->size;
	return 0;
}

/* Whether it is a fragment of a data set that its command did not announce. */
static bool is_stray(struct association *association, const struct ul_pdv *pdv)
{
	if (pdv->command || association->request.context != 0 ||
	    pdv->context != association->stray_context)
		return false;
	association->stray_bytes += (int64_t)pdv->size;
	if (association->stray_bytes > association->config->limits.max_object_bytes)
		return false;
	if (pdv->last)
		association->stray_context = 0;
	return true;
}

int services_read_request(struct association *association, struct ending *ending)
{
	struct message *request = &association->request;
	const char *detail = NULL;
	struct ul_pdv pdv;

	request->began_us = clock_us();
	request->size = 0;
	request->context = 0; /* an even id: never accepted */
	leg_silence(&association->in, association->config->limits.store_seconds,
		    REASON_TOO_SLOW);
	leg_pace_start(association);
	do {
		enum ul_event event = ul_read(association->in.ul, &pdv);

		if (event == UL_RELEASE && request->context == 0)
			return 0;
		if (event == UL_PDV && is_stray(association, &pdv)) {
			if (pdv.last)
				return 1; /* context 0: no request came with it */
			continue;
		}
		if (event != UL_PDV || append(association, &pdv) != 0) {
			ending_of_in(association, event, ending);
			return -1;
		}
	} while (!pdv.last);

	if (command_parse(request->bytes, request->size, &request->command, &detail) !=
	    0) {
		ending_abort(ending, REASON_MALFORMED, "command set: %s", detail);
		return -1;
	}
	return 1;
}

/* No response could name it: an A-ABORT is all that its sender would understand. An
 * instance has its line all the same. */
static int end_unanswerable(struct association *association, struct ending *ending)
{
	ending_abort(ending, REASON_MALFORMED,
		     "command %04X is no request that can be answered",
		     association->request.command.field);
	if (association->request.command.field == COMMAND_C_STORE_RQ)
		store_record_unread(association, ending);
	return -1;
}

int services_perform(struct association *association, struct ending *ending)
{
	const struct message *request = &association->request;
	const struct command_set *command = &request->command;
	const char *syntax =
		ul_context_abstract_syntax(association->in.ul, request->context);
	const struct service *service = syntax ? service_of(syntax) : NULL;

	if (request->context == 0) /* only what a request before it had left */
		return 0;
	if (!service) {
		ending_abort(ending, REASON_MALFORMED,
			     "presentation context %u was not accepted",
			     request->context);
		return -1;
	}
	if (command->field == COMMAND_C_CANCEL_RQ)
		return 0; /* PS3.7 9.3.2.3: it has no response, and cancels nothing here
			   */
	if ((command->field & COMMAND_RSP_BIT) || !command->has_message_id)
		return end_unanswerable(association, ending);
	/* A C-STORE-RQ has a data set, whatever it says (PS3.7 9.3.1.1). */
	if (!command->has_data_set_type ||
	    (!command->has_data_set && command->field == COMMAND_C_STORE_RQ)) {
		association->stray_context = request->context;
		association->stray_bytes = 0;
	}
	if (command->field == service->command &&
	    (!command->has_data_set || service->takes_data_set))
		return service->perform(association, ending);
	/* An instance has its line wherever it comes. */
	return command->field == COMMAND_C_STORE_RQ ? store_in_turn(association, ending)
						    : refuse_command(association, ending);
}
