#include "series.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct item {
	const struct family *family;
	char *labels; /* as they are written, without braces; "" for none */
	double value;
	struct histogram histogram;
};

struct series {
	const struct family *families;
	size_t family_count;
	struct item *items;
	size_t count;
};

struct series *series_new(const struct family *families, size_t count)
{
	struct series *series = calloc(1, sizeof(*series));

	if (series)
		*series = (struct series){ .families = families, .family_count = count };
	return series;
}

void series_clear(struct series *series)
{
	for (size_t i = 0; i < series->count; i++)
		free(series->items[i].labels);
	series->count = 0;
}

void series_free(struct series *series)
{
	if (!series)
		return;
	series_clear(series);
	free(series->items);
	free(series);
}

/* A value as the format wants it: backslash and quote are escaped. A control character
 * becomes a question mark, since the value may come from a peer. */
static size_t escape_value(char *to, size_t room, const char *value)
{
	size_t used = 0;

	for (; *value && used + 3 < room; value++) {
		if (*value == '\\' || *value == '"')
			to[used++] = '\\';
		to[used++] =
			(unsigned char)*value < 0x20 || *value == 0x7f ? '?' : *value;
	}
	to[used] = '\0';
	return used;
}

static void write_labels(char ret[SERIES_LABELS], va_list pairs)
{
	const char *name;
	size_t used = 0;

	ret[0] = '\0';
	while ((name = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);
		size_t left = SERIES_LABELS - used;

		if (!value || !value[0] || left < strlen(name) + 8)
			continue;
		used += (size_t)snprintf(ret + used, left, "%s%s=\"", used ? "," : "",
					 name);
		used += escape_value(ret + used, SERIES_LABELS - used - 2, value);
		ret[used++] = '"';
		ret[used] = '\0';
	}
}

static const struct family *find_family(const struct series *series, const char *name)
{
	for (size_t i = 0; i < series->family_count; i++)
		if (strcmp(series->families[i].name, name) == 0)
			return &series->families[i];
	return NULL;
}

static struct item *find_item(struct series *series, const char *name, va_list pairs)
{
	const struct family *family = find_family(series, name);
	char labels[SERIES_LABELS];
	struct item *items;

	if (!family)
		return NULL;
	write_labels(labels, pairs);
	for (size_t i = 0; i < series->count; i++)
		if (series->items[i].family == family &&
		    strcmp(series->items[i].labels, labels) == 0)
			return &series->items[i];
	if (series->count == SERIES_MAX)
		return NULL;
	items = reallocarray(series->items, series->count + 1, sizeof(*items));
	if (!items)
		return NULL;
	series->items = items;
	items[series->count] =
		(struct item){ .family = family, .labels = strdup(labels) };
	return items[series->count].labels ? &items[series->count++] : NULL;
}

void series_add(struct series *series, const char *family, double add, ...)
{
	struct item *item;
	va_list pairs;

	va_start(pairs, add);
	item = find_item(series, family, pairs);
	va_end(pairs);
	if (item)
		item->value += add;
}

void series_set(struct series *series, const char *family, double value, ...)
{
	struct item *item;
	va_list pairs;

	va_start(pairs, value);
	item = find_item(series, family, pairs);
	va_end(pairs);
	if (item)
		item->value = value;
}

void series_time(struct series *series, const char *family, int64_t us, ...)
{
	struct item *item;
	va_list pairs;

	va_start(pairs, us);
	item = find_item(series, family, pairs);
	va_end(pairs);
	if (item)
		histogram_count(&item->histogram, us);
}

void series_put(struct series *series, const char *family,
		const struct histogram *histogram, ...)
{
	struct item *item;
	va_list pairs;

	va_start(pairs, histogram);
	item = find_item(series, family, pairs);
	va_end(pairs);
	if (item)
		item->histogram = *histogram;
}

static void write_histogram(const struct item *item, FILE *to)
{
	const char *name = item->family->name, *labels = item->labels;
	const char *comma = labels[0] ? "," : "", *open = labels[0] ? "{" : "";
	const char *shut = labels[0] ? "}" : "";
	uint64_t sum = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		sum += item->histogram.counts[i];
		fprintf(to, "%s_bucket{%s%sle=\"", name, labels, comma);
		if (i < HISTOGRAM_BUCKETS - 1)
			fprintf(to, "%g", (double)histogram_bounds_us[i] / 1e6);
		else
			fputs("+Inf", to);
		fprintf(to, "\"} %" PRIu64 "\n", sum);
	}
	fprintf(to, "%s_sum%s%s%s %.6f\n", name, open, labels, shut,
		(double)item->histogram.sum_us / 1e6);
	fprintf(to, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, shut, sum);
}

static void write_family(const struct series *series, const struct family *family,
			 FILE *to)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	bool begun = false;

	for (size_t i = 0; i < series->count; i++) {
		const struct item *item = &series->items[i];

		if (item->family != family)
			continue;
		if (!begun)
			fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", family->name,
				family->help, family->name, types[family->type]);
		begun = true;
		if (family->type == SERIES_HISTOGRAM)
			write_histogram(item, to);
		else if (item->labels[0])
			fprintf(to, "%s{%s} %.17g\n", family->name, item->labels,
				item->value);
		else
			fprintf(to, "%s %.17g\n", family->name, item->value);
	}
}

void series_write(const struct series *series, FILE *to)
{
	for (size_t i = 0; i < series->family_count; i++)
		write_family(series, &series->families[i], to);
}
