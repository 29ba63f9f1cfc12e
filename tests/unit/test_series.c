/* The text format of the metrics, and what the histograms count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observer/series.h"

static const struct family families[] = {
	{ "a_total", SERIES_COUNTER, "First." },
	{ "b_seconds", SERIES_HISTOGRAM, "Second." },
	{ "c", SERIES_GAUGE, "Third." },
};

static char *written(const struct series *series)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	series_write(series, to);
	fclose(to);
	return text;
}

static void families_are_written_together(void **state)
{
	struct series *series = series_new(families, 3);
	char *text;

	(void)state;
	series_add(series, "c", 1, NULL);
	series_add(series, "a_total", 2, "x", "1", "empty", "", NULL);
	series_add(series, "c", 1, "y", "2", NULL);
	series_add(series, "a_total", 3, "x", "1", NULL);
	series_add(series, "unknown", 3, NULL);
	text = written(series);
	assert_string_equal(text, "# HELP a_total First.\n# TYPE a_total counter\n"
				  "a_total{x=\"1\"} 5\n"
				  "# HELP c Third.\n# TYPE c gauge\nc 1\nc{y=\"2\"} 1\n");
	free(text);
	series_free(series);
}

static void labels_are_escaped(void **state)
{
	struct series *series = series_new(families, 3);
	char longest[3000], *text;

	(void)state;
	memset(longest, '"', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	series_add(series, "c", 1, "x", "a\"b\\c\nd", NULL);
	text = written(series);
	assert_non_null(strstr(text, "c{x=\"a\\\"b\\\\c?d\"} 1\n"));
	free(text);
	series_clear(series);
	series_add(series, "c", 1, "x", longest, "y", "lost", NULL);
	text = written(series);
	assert_non_null(strstr(text, "\\\"\"} 1\n"));
	assert_null(strstr(text, "lost"));
	free(text);
	series_free(series);
}

static void buckets_are_sums(void **state)
{
	struct series *series = series_new(families, 3);
	char *text;

	(void)state;
	series_time(series, "b_seconds", 100, NULL);
	series_time(series, "b_seconds", 101, NULL);
	series_time(series, "b_seconds", 60000000, NULL);
	series_time(series, "b_seconds", -1, NULL);
	text = written(series);
	assert_non_null(strstr(text, "b_seconds_bucket{le=\"0.0001\"} 2\n"
				     "b_seconds_bucket{le=\"0.00025\"} 3\n"));
	assert_non_null(strstr(text, "b_seconds_bucket{le=\"30\"} 3\n"
				     "b_seconds_bucket{le=\"+Inf\"} 4\n"
				     "b_seconds_sum 60.000201\nb_seconds_count 4\n"));
	free(text);
	series_free(series);
}

static void a_flood_of_names_ends(void **state)
{
	struct series *series = series_new(families, 3);
	char name[16], *text;

	(void)state;
	for (int i = 0; i < SERIES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "%d", i);
		series_add(series, "c", 1, "x", name, NULL);
	}
	text = written(series);
	assert_non_null(strstr(text, "{x=\"4095\"}"));
	assert_null(strstr(text, "{x=\"4096\"}"));
	free(text);
	series_free(series);
}

static void figures_that_shrink_do_not_count(void **state)
{
	struct histogram sum = { 0 }, before = { 0 }, now = { 0 };

	(void)state;
	histogram_count(&now, 1000);
	histogram_add_since(&sum, &before, &now);
	assert_int_equal(histogram_total(&sum), 1);
	histogram_add_since(&sum, &now, &before);
	assert_int_equal(histogram_total(&sum), 1);
	assert_int_equal(sum.sum_us, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_are_written_together),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(buckets_are_sums),
		cmocka_unit_test(a_flood_of_names_ends),
		cmocka_unit_test(figures_that_shrink_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
