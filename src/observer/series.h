/*
 * Numbers by name and labels, and how they are written in Prometheus's text format
 * (version 0.0.4). Families are written in the order in which they were declared.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "cathgate/base/histogram.h"
#include "cathgate/base/must_use.h"

enum series_type { SERIES_COUNTER, SERIES_GAUGE, SERIES_HISTOGRAM };

struct family {
	const char *name;
	enum series_type type;
	const char *help;
};

#define SERIES_MAX    4096 /* of one store, against a flood of names */
#define SERIES_LABELS 1024 /* the longest labels */

struct series;

/* The families must outlive it. NULL without memory. */
MUST_USE struct series *series_new(const struct family *families, size_t count);
void series_free(struct series *series);
/* Forgets all numbers. */
void series_clear(struct series *series);

/* Adds to the number, which begins at 0. The labels are pairs of name and value, ended by
 * NULL; a label whose value is "" is left out. */
void series_add(struct series *series, const char *family, double add, ...)
	__attribute__((sentinel));
/* Sets the number. */
void series_set(struct series *series, const char *family, double value, ...)
	__attribute__((sentinel));
/* Counts in a histogram. */
void series_time(struct series *series, const char *family, int64_t us, ...)
	__attribute__((sentinel));
/* Sets the whole histogram. */
void series_put(struct series *series, const char *family,
		const struct histogram *histogram, ...) __attribute__((sentinel));

void series_write(const struct series *series, FILE *to);
