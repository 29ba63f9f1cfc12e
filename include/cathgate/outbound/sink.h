/*
 * Where an instance goes while it comes. Whoever receives an instance gives it to a sink
 * and does not know what stands behind that: a PACS (outbound_sink), a spool, several
 * copies.
 *
 * For each instance: begin, then fragment for each fragment, then finish after the last.
 * A sink promises that an instance which was not finished is never taken for a whole one.
 * After a failure, and whenever the instance is not to go on, the caller calls abort.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/base/reason.h"
#include "cathgate/dicom/command.h"
#include "cathgate/dicom/upper_layer.h"
#include "cathgate/tls/tls.h"

/* Why an operation failed: for the audit log. */
struct sink_failure {
	enum reason reason;
	char detail[256];
	struct ul_rejection rejection; /* for REASON_DESTINATION_REJECTED */
	struct tls_shown shown; /* by the destination, in a handshake that failed */
	bool went_nowhere;	/* it is certain that nobody has the instance */
};

struct sink {
	void *context;
	/* Makes the way ready and gives it the command set, which stays the caller's and
	 * in place until finish or abort. 0, or -1 with the failure. */
	MUST_USE int (*begin)(void *context, const struct command_message *request,
			      struct sink_failure *ret);
	/* Whether an answer has come before the instance's end (PS3.7 9.1.1): never
	 * waits for one. 1 with the answer, a refusal: further fragments may be given all
	 * the same. 0 when there is none. -1 with the failure. */
	MUST_USE int (*early)(void *context, struct command_message *ret_answer,
			      struct sink_failure *ret);
	/* One fragment, whose memory is the caller's. 0, or -1 with the failure. */
	MUST_USE int (*fragment)(void *context, const struct ul_pdv *pdv,
				 struct sink_failure *ret);
	/* The instance is whole: waits for the answer. 0 with the answer, or untouched
	 * where one has come early. 1 when the gateway has kept it, with its own answer;
	 * *ret then has a detail, and why the destination doesn't have it (REASON_NONE:
	 * it wasn't asked). -1 with the failure. */
	MUST_USE int (*finish)(void *context, struct command_message *ret_answer,
			       struct sink_failure *ret);
	/* After a finish that was 1: what became of it is recorded. NULL where there is
	 * no such finish. */
	void (*settle)(void *context);
	/* Gives up what was begun; does nothing between two instances. */
	void (*abort)(void *context);
};
