#include <stddef.h>

#include "internal.h"
#include "messages.h"
#include "services.h"

/* C-ECHO (PS3.7 9.3.5). Failing to reach the destination is a processing failure (C.5.8),
 * so that a modality's service menu shows that the way to the PACS is cut. */
int echo_perform(struct association *association, struct ending *ending)
{
	const struct message *request = &association->request;
	struct outbound *out = &association->out;
	struct sink_failure failure;

	if (request->command.fault)
		return messages_respond(association, STATUS_MISTYPED_ARGUMENT, NULL,
					ending);
	if (association->entry.now->echo == CONFIG_ECHO_GATEWAY)
		return messages_respond(association, STATUS_SUCCESS, NULL, ending);
	if (outbound_ready(out, request, &failure) == 0 &&
	    outbound_command(out, request, &failure) == 0 &&
	    outbound_response(out, &association->response, &failure) == 0)
		return messages_pass_response(association, ending);

	outbound_abort_message(out);
	if (failure.reason == REASON_PEER_LOST || failure.reason == REASON_PEER_ABORT) {
		ending_set(ending, AUDIT_ABORTED, failure.reason, PARTING_SILENT, "%s",
			   failure.detail);
		return -1;
	}
	return messages_respond(association, STATUS_PROCESSING_FAILURE,
				reason_name(failure.reason), ending);
}
