/*
 * The spooler that runs here. It speaks with root and the service's user alone, as only
 * these can read the spool's private key.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/spool/operator.h"

struct reach {
	struct config *config;
	int socket;
};

/* 0; or -1 after saying what is wrong, and what to do. */
MUST_USE int reach_open(struct reach *reach, const char *config);
void reach_close(struct reach *reach);

/* Those that fit, oldest first; the caller frees them. -1 after saying what is wrong. */
MUST_USE int reach_list(const struct reach *reach, const struct spool_filter *filter,
			struct spool_item **ret, size_t *ret_count);

/* What an errno of spool_operator_ask means for an object. */
const char *reach_why(int error);
/* Whether it is of no use to ask for another object. */
bool reach_is_lost(int error);
