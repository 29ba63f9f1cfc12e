/*
 * The associations that this auditor has finished with: the latest ENDED_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/audit/record.h"

#define ENDED_MAX 4096

struct ended {
	struct {
		char association[AUDIT_ASSOCIATION_ID_SIZE];
		bool is_logged; /* that a channel was asked for again */
	} items[ENDED_MAX];	/* a ring */
	size_t next;
};

void ended_note(struct ended *ended, const char *association);
/* A channel is asked for. Whether the association has had its last; logged once. */
bool ended_has(struct ended *ended, const char *association);
