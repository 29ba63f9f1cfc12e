/*
 * A further service (storage commitment, MPPS, worklist) is a row in the table below and
 * a file of its own beside store.c.
 */
#include "services.h"

#include <string.h>

#include "internal.h"
#include "messages.h"

#include "cathgate/dicom/sop_class.h"

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
MUST_USE static int refuse_command(struct association *association, struct ending *ending)
{
	if (messages_drop_data_set(association, ending) != 0)
		return -1;
	return messages_respond(association, STATUS_UNRECOGNISED_OPERATION, NULL, ending);
}

/* No response could name it: an A-ABORT is all that its sender would understand. An
 * instance has its line all the same. */
MUST_USE static int end_unanswerable(struct association *association,
				     struct ending *ending)
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
	/* It has no response, and cancels nothing here (PS3.7 9.3.2.3). */
	if (command->field == COMMAND_C_CANCEL_RQ)
		return 0;
	if ((command->field & COMMAND_RSP_BIT) || !command->has_message_id)
		return end_unanswerable(association, ending);
	/* A C-STORE-RQ has a data set, whatever it says (PS3.7 9.3.1.1). */
	if (!command->has_data_set_type ||
	    (!command->has_data_set && command->field == COMMAND_C_STORE_RQ))
		messages_expect_stray(association);
	if (command->field == service->command &&
	    (!command->has_data_set || service->takes_data_set))
		return service->perform(association, ending);
	/* An instance has its line wherever it comes. */
	return command->field == COMMAND_C_STORE_RQ ? store_perform(association, ending)
						    : refuse_command(association, ending);
}
