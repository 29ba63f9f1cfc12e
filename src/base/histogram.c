#include "cathgate/base/histogram.h"

#include <stddef.h>

const int64_t histogram_bounds_us[HISTOGRAM_BUCKETS - 1] = {
	100,	250,	500,	1000,	 2500,	  5000,	   10000,    25000,    50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
};

void histogram_count(struct histogram *histogram, int64_t us)
{
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (i < HISTOGRAM_BUCKETS - 1 && us > histogram_bounds_us[i])
		i++;
	histogram->counts[i]++;
	histogram->sum_us += (uint64_t)us;
}

uint64_t histogram_total(const struct histogram *histogram)
{
	uint64_t total = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		total += histogram->counts[i];
	return total;
}

void histogram_add_since(struct histogram *sum, const struct histogram *before,
			 const struct histogram *now)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (now->counts[i] < before->counts[i])
			return;
	if (now->sum_us < before->sum_us)
		return;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum->counts[i] += now->counts[i] - before->counts[i];
	sum->sum_us += now->sum_us - before->sum_us;
}
