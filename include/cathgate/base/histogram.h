/*
 * Durations counted in buckets as Prometheus has them. The struct holds no pointers, so
 * that processes of this program can send it to each other.
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS 18 /* the last has no upper bound */

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS]; /* of each bucket alone */
	uint64_t sum_us;
};

/* The upper bound of each bucket but the last. */
extern const int64_t histogram_bounds_us[HISTOGRAM_BUCKETS - 1];

void histogram_count(struct histogram *histogram, int64_t us);
uint64_t histogram_total(const struct histogram *histogram);
/* Adds to `sum` what came between `before` and `now`, which another process has sent.
 * Adds nothing when a count in `now` is less than before: that process is then at fault.
 */
void histogram_add_since(struct histogram *sum, const struct histogram *before,
			 const struct histogram *now);
