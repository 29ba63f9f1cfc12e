/*
 * The spool's part of the problems (problems.h).
 */
#pragma once

#include <stdbool.h>

#include "snapshot.h"

/* Adds one to the list: its word, whom it is about, since when (""), and a sentence. */
typedef void problems_put(void *list, bool is_critical, const char *problem,
			  const char *subject, const char *when, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* `now` is a time_t. */
void problems_of_spool(const struct snapshot *snapshot, int64_t now, problems_put *put,
		       void *list);
