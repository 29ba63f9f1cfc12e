#include "ending.h"

#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

int ending_set(struct association *association, enum audit_outcome outcome,
	       enum reason reason, enum last_pdu last_pdu, const char *format, ...)
{
	struct ending *ending = &association->ending;
	va_list arguments;

	*ending = (struct ending){ .outcome = outcome,
				   .reason = reason,
				   .last_pdu = last_pdu,
				   .abort_source = 2 };
	va_start(arguments, format);
	vsnprintf(ending->detail, sizeof(ending->detail), format, arguments);
	va_end(arguments);
	return -1;
}

int ending_reject(struct association *association, enum reason reason,
		  struct ul_rejection how, const char *detail)
{
	ending_set(association, AUDIT_REFUSED, reason, LAST_PDU_REJECT, "%s", detail);
	association->ending.rejection = how;
	return -1;
}

static int end_by_interruption(struct association *association, enum reason interrupted)
{
	switch (interrupted) {
	case REASON_GATEWAY_STOPPING:
		return ending_abort(association, interrupted,
				    "the gateway was told to stop");
	case REASON_PEER_LOST:
	case REASON_PEER_ABORT:
		return ending_set(association, AUDIT_ABORTED, interrupted, LAST_PDU_NONE,
				  "the modality left");
	default:
		return ending_abort(association, interrupted,
				    "the modality was waited for too long");
	}
}

static int end_by_loss(struct association *association)
{
	struct leg *in = &association->in;
	struct tls_failure failure;

	if (in->interrupted != REASON_NONE)
		return end_by_interruption(association, in->interrupted);
	if (tls_failed(&in->carrier, &failure))
		return ending_set(association, AUDIT_ABORTED, failure.reason,
				  LAST_PDU_NONE, "%s", failure.detail);
	return ending_set(association, AUDIT_ABORTED, REASON_PEER_LOST, LAST_PDU_NONE,
			  "the modality's connection ended without a release");
}

int ending_of_leg(struct association *association, enum ul_event event)
{
	switch (event) {
	case UL_ABORT:
		return ending_set(association, AUDIT_ABORTED, REASON_PEER_ABORT,
				  LAST_PDU_NONE, "the modality aborted");
	case UL_PROTOCOL:
		ending_abort(association, REASON_MALFORMED,
			     "the modality sent a PDU that PS3.8 does not allow there");
		association->ending.abort_reason = 6; /* invalid PDU parameter value */
		return -1;
	case UL_RELEASE:
		ending_abort(association, REASON_MALFORMED,
			     "the modality asked for release within a message");
		association->ending.abort_reason = 2; /* unexpected PDU */
		return -1;
	case UL_PDV:
		return ending_abort(association, REASON_MALFORMED,
				    "a fragment that belongs to no message in hand");
	case UL_CLOSED:
		break;
	}
	return end_by_loss(association);
}
