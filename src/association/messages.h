/*
 * Messages from and to the modality (PS3.7 6.3): a request's command set, and responses.
 * 0, or -1 with the ending, where nothing else is said.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "ending.h"

struct association;

/* A data set whose request was answered without it: dropped as it comes. */
struct stray {
	uint8_t context; /* 0: there is none */
	int64_t bytes;	 /* so much of it has come */
};

/* Reads the whole command set of a request, whose first PDV is about to come: 1. 0 when
 * the modality asks for release instead. Context 0: no request came. */
MUST_USE int messages_read_request(struct association *association,
				   struct ending *ending);
/* Reads the request's data set, if any, and forgets it. */
MUST_USE int messages_drop_data_set(struct association *association,
				    struct ending *ending);
/* A data set may follow that the request does not announce. */
void messages_expect_stray(struct association *association);
/* Answers the request with a status of our own. */
MUST_USE int messages_respond(struct association *association, uint16_t status,
			      const char *comment, struct ending *ending);
/* Passes association->response on to the modality. */
MUST_USE int messages_pass_response(struct association *association,
				    struct ending *ending);
