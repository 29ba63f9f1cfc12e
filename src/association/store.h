/*
 * C-STORE, and what a service leaves to be done.
 */
#pragma once

#include "cathgate/base/must_use.h"

struct association;

enum service_end {
	SERVICE_ANSWERS,      /* association->response is to go out */
	SERVICE_ANSWERS_LAST, /* likewise, and then the association ends */
	SERVICE_ENDS	      /* the association ends without a response */
};

/* Fills association->ending, but for SERVICE_ANSWERS. */
MUST_USE enum service_end store_perform(struct association *association);
/* Records the instance of a C-STORE-RQ with which the association ends: its data set is
 * not read. */
void store_record_unread(struct association *association);
