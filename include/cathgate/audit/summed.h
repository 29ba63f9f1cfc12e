/*
 * Lines of the audit log that stand for many: refusals that repeat are counted and summed
 * up by the auditor, connections closed at accept by the supervisor.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether a line is one; the conditions are those of summed_count. */
bool summed_is(const char *association, const char *detail);

/* How many a line of the event `association` or `instance` stands for, 1 for most. A line
 * that bears an association's number ("" when it bears none) stands for that alone,
 * whatever its detail says: its text can come from a process that was taken over. */
uint64_t summed_count(const char *association, const char *detail);

/* What the detail says behind the number and the address of a line that sums refusals up;
 * the whole detail of any other. */
const char *summed_detail(const char *association, const char *detail);

/* Whether the line sums up what came from more addresses than are counted apart. */
bool summed_is_of_others(const char *association, const char *detail);
