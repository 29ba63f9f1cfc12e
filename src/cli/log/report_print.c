#include "report_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/visible.h"
#include "cli/kit/moment.h"
#include "cli/kit/shown.h"
#include "cli/kit/table.h"

#define UNKNOWN_STUDY "(not known)"
#define COUNT_SIZE    24

static bool is_wanted(const struct report_study *study, const struct report_view *view)
{
	return study->received > 0 &&
	       (!view->study || strcmp(study->uid, view->study) == 0);
}

enum {
	STUDY,
	MODALITY,
	RECEIVED,
	FORWARDED,
	SPOOLED,
	FAILED,
	REFUSED,
	UNCONFIRMED,
	UNDELIVERED,
	RETRIES,
	BYTES,
	FIRST,
	LAST,
	COLUMNS
};

static const struct table_column columns[] = {
	[STUDY] = { .head = "STUDY", .width = 24 },
	[MODALITY] = { .head = "MODALITY", .width = 12 },
	[RECEIVED] = { .head = "RECEIVED", .is_number = true },
	[FORWARDED] = { .head = "FORWARDED", .is_number = true },
	[SPOOLED] = { .head = "SPOOLED", .is_number = true },
	[FAILED] = { .head = "FAILED", .is_number = true },
	[REFUSED] = { .head = "REFUSED", .is_number = true },
	[UNCONFIRMED] = { .head = "UNCONFIRMED", .is_number = true },
	[UNDELIVERED] = { .head = "UNDELIVERED", .is_number = true },
	[RETRIES] = { .head = "RETRIES", .is_number = true },
	[BYTES] = { .head = "BYTES", .width = 11, .is_number = true },
	[FIRST] = { .head = "FIRST", .gap = 2 },
	[LAST] = { .head = "LAST", .gap = 2 },
};

typedef void table_use(struct table *table, const struct table_cell *cells);

static void print_cells(struct table *table, const struct table_cell *cells)
{
	table_row(table, cells);
}

/* At a terminal without the zone, which is the reader's own. */
static void show_time(const struct table *table, int64_t moment, bool utc,
		      char ret[MOMENT_SIZE])
{
	if (table->terminal > 0)
		moment_say(moment, utc, ret);
	else
		moment_show(moment, utc, ret);
}

/* What the spool had, and no courier tries any more. */
static uint64_t undelivered_of(const struct report_study *study)
{
	return study->by_outcome[REPORT_DEAD] + study->by_outcome[REPORT_GIVEN_UP] +
	       study->by_outcome[REPORT_DROPPED];
}

static void use_row(struct table *table, const struct report_study *study,
		    const char *name, bool utc, table_use *use)
{
	char counts[RETRIES - RECEIVED + 1][COUNT_SIZE], size[SHOWN_SIZE_SIZE];
	char first[MOMENT_SIZE], last[MOMENT_SIZE];
	const char *modality = study->has_others ? "several" : study->modality;
	const uint64_t numbers[] = {
		study->received,
		study->by_outcome[REPORT_FORWARDED],
		study->by_outcome[REPORT_SPOOLED],
		study->by_outcome[REPORT_FAILED],
		study->by_outcome[REPORT_REFUSED],
		study->by_outcome[REPORT_UNCONFIRMED],
		undelivered_of(study),
		study->attempts - study->received,
	};
	struct table_cell cells[COLUMNS] = {
		[STUDY] = { .text = name },
		[MODALITY] = { .text = modality && modality[0] ? modality : "-" },
		[BYTES] = { .text = size },
		[FIRST] = { .text = first },
		[LAST] = { .text = last },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		snprintf(counts[i], COUNT_SIZE, "%" PRIu64, numbers[i]);
		cells[RECEIVED + i].text = counts[i];
	}
	for (int i = FORWARDED; i <= UNCONFIRMED; i++)
		if (strcmp(cells[i].text, "0") != 0)
			cells[i].colour =
				shown_colour_of(report_outcome_names[i - FORWARDED]);
	if (strcmp(cells[UNDELIVERED].text, "0") != 0)
		cells[UNDELIVERED].colour =
			shown_colour_of(report_outcome_names[REPORT_DEAD]);
	shown_size(study->bytes, size);
	show_time(table, study->first, utc, first);
	show_time(table, study->last, utc, last);
	use(table, cells);
}

/* Those of a known study first; the unknown ones, and the total, at the end. */
static void use_rows(struct table *table, const struct report *report,
		     const struct report_view *view, table_use *use)
{
	for (size_t i = 1; i < report->study_count; i++)
		if (is_wanted(&report->studies[i], view))
			use_row(table, &report->studies[i], report->studies[i].uid,
				view->utc, use);
	if (is_wanted(&report->studies[0], view))
		use_row(table, &report->studies[0], UNKNOWN_STUDY, view->utc, use);
	if (!view->study)
		use_row(table, &report->total, "total", view->utc, use);
}

/* "1.2.3 failed destination-status, attempts 2, last 2026-…" */
static void put_missing(FILE *to, const struct report_instance *instance,
			const char *last)
{
	if (instance->is_sum)
		fprintf(to,
			"(%" PRIu64 " refusals that were only counted: of which "
			"instances nobody knows)",
			instance->stands_for);
	else
		shown_text(to, instance->sop_instance[0] ? instance->sop_instance
							 : "(an instance without UID)");
	fprintf(to, " %s", report_outcome_names[instance->outcome]);
	if (instance->reason[0]) {
		fputc(' ', to);
		shown_text(to, instance->reason);
	}
	fprintf(to, ", attempts %" PRIu64 ", last %s", instance->attempts, last);
}

/* -1 without memory. */
static int print_missing_of(const struct table *table, const struct report *report,
			    size_t study, bool utc)
{
	FILE *to = table->to;
	fputs("\nmissing of ", to);
	if (study == 0)
		fputs(UNKNOWN_STUDY, to);
	else
		shown_text(to, report->studies[study].uid);
	fputs(":\n", to);
	for (size_t i = report->studies[study].first_missing; i != REPORT_NONE;
	     i = report->instances[i].next_missing) {
		char last[MOMENT_SIZE], *text = NULL;
		size_t size;
		FILE *line = open_memstream(&text, &size);
		if (!line)
			return -1;
		show_time(table, report->instances[i].last, utc, last);
		put_missing(line, &report->instances[i], last);
		if (fclose(line) == 0) {
			fputs("  ", to);
			shown_flow(to, text, true, 2, 4,
				   table->terminal > 0 ? table->terminal : SIZE_MAX);
			fputc('\n', to);
		}
		free(text);
	}
	return 0;
}

/* What the spool still has. */
static void print_spooled(FILE *to, const struct report_study *study)
{
	uint64_t spooled = study ? study->by_outcome[REPORT_SPOOLED] : 0;
	if (spooled == 0)
		return;
	fprintf(to, "\nin the spool, and not at the PACS yet: %" PRIu64, spooled);
	if (study->held > 0)
		fprintf(to, "; of them held by an operator: %" PRIu64, study->held);
	fputc('\n', to);
}

int report_print_table(FILE *to, const struct report *report,
		       const struct report_view *view)
{
	struct table table;
	int result = 0;
	table_open(&table, to, columns, COLUMNS);
	use_rows(&table, report, view, table_measure);
	table_head(&table);
	use_rows(&table, report, view, print_cells);
	print_spooled(to,
		      view->study ? report_find(report, view->study) : &report->total);
	for (size_t i = 0; i < report->study_count && result == 0; i++) {
		size_t study = (i + 1) % report->study_count;
		if (is_wanted(&report->studies[study], view) &&
		    report->studies[study].missing > 0)
			result = print_missing_of(&table, report, study, view->utc);
	}
	return result;
}

/* A text from the log: quoted where it must be, never taken for a formula, and without
 * what can't be seen. */
static void put_csv(FILE *to, const char *text)
{
	bool is_formula = text[0] && strchr("=+-@\t\r", text[0]);
	bool is_quoted = is_formula || strpbrk(text, ",\"\r\n");
	size_t length, left = strlen(text);
	uint32_t number;
	fputs(is_formula ? "\"'" : is_quoted ? "\"" : "", to);
	for (; left > 0; text += length, left -= length) {
		if (!visible_character(text, left, &length, &number))
			fprintf(to, "\\u%04x", (unsigned)number);
		else
			fprintf(to, "%s%.*s", *text == '"' ? "\"" : "", (int)length,
				text);
	}
	fputs(is_quoted ? "\"" : "", to);
}

static void put_csv_missing(FILE *to, const struct report *report, size_t study)
{
	char *text = NULL;
	size_t size;
	FILE *list = open_memstream(&text, &size);
	if (!list)
		return;
	for (size_t i = report->studies[study].first_missing; i != REPORT_NONE;
	     i = report->instances[i].next_missing) {
		const struct report_instance *instance = &report->instances[i];
		if (ftell(list) > 0)
			fputs("; ", list);
		if (instance->is_sum)
			fprintf(list, "%" PRIu64 " only counted: ", instance->stands_for);
		else
			fprintf(list, "%s ",
				instance->sop_instance[0] ? instance->sop_instance : "?");
		fprintf(list, "%s%s%s", report_outcome_names[instance->outcome],
			instance->reason[0] ? " " : "", instance->reason);
	}
	if (fclose(list) == 0)
		put_csv(to, text);
	free(text);
}

void report_print_csv(FILE *to, const struct report *report,
		      const struct report_view *view)
{
	/* New columns come last: programs may count them. */
	fputs("study,modality,received,forwarded,spooled,failed,refused,unconfirmed,"
	      "attempts,retries,bytes,first,last,missing,dead,given-up,dropped,held\r\n",
	      to);
	for (size_t i = 0; i < report->study_count; i++) {
		size_t index = (i + 1) % report->study_count;
		const struct report_study *study = &report->studies[index];
		char first[MOMENT_SIZE], last[MOMENT_SIZE];
		if (!is_wanted(study, view))
			continue;
		moment_write(study->first, first);
		moment_write(study->last, last);
		put_csv(to, study->uid);
		fputc(',', to);
		put_csv(to, study->has_others ? "several" : study->modality);
		fprintf(to, ",%" PRIu64, study->received);
		for (size_t j = 0; j <= REPORT_UNCONFIRMED; j++)
			fprintf(to, ",%" PRIu64, study->by_outcome[j]);
		fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%s,%s,",
			study->attempts, study->attempts - study->received, study->bytes,
			first, last);
		put_csv_missing(to, report, index);
		for (size_t j = REPORT_DEAD; j < REPORT_OUTCOMES; j++)
			fprintf(to, ",%" PRIu64, study->by_outcome[j]);
		fprintf(to, ",%" PRIu64, study->held);
		fputs("\r\n", to);
	}
}

static json_t *json_of_time(int64_t moment)
{
	char text[MOMENT_SIZE];
	moment_write(moment, text);
	return text[0] ? json_string(text) : json_null();
}

static json_t *json_of_text(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static json_t *json_of_counts(const struct report_study *study)
{
	json_t *row = json_pack("{s:I}", "received", (json_int_t)study->received);
	for (size_t i = 0; i < REPORT_OUTCOMES; i++)
		json_object_set_new(row, report_outcome_names[i],
				    json_integer((json_int_t)study->by_outcome[i]));
	json_object_update_new(row,
			       json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "held",
					 (json_int_t)study->held, "attempts",
					 (json_int_t)study->attempts, "retries",
					 (json_int_t)(study->attempts - study->received),
					 "bytes", (json_int_t)study->bytes, "first",
					 json_of_time(study->first), "last",
					 json_of_time(study->last)));
	return row;
}

static json_t *json_of_missing(const struct report *report, size_t study)
{
	json_t *list = json_array();
	for (size_t i = report->studies[study].first_missing; i != REPORT_NONE;
	     i = report->instances[i].next_missing) {
		const struct report_instance *instance = &report->instances[i];
		const char *uid = instance->sop_instance, *reason = instance->reason;
		json_array_append_new(
			list,
			json_pack("{s:o*, s:s, s:o*, s:o*, s:I, s:o}", "sop_instance",
				  uid[0] ? json_string(uid) : NULL, "outcome",
				  report_outcome_names[instance->outcome], "reason",
				  reason[0] ? json_string(reason) : NULL, "only_counted",
				  instance->is_sum
					  ? json_integer((json_int_t)instance->stands_for)
					  : NULL,
				  "attempts", (json_int_t)instance->attempts, "last",
				  json_of_time(instance->last)));
	}
	return list;
}

static json_t *json_of_study(const struct report *report, size_t index)
{
	const struct report_study *study = &report->studies[index];
	json_t *row = json_of_counts(study);
	json_object_update_new(row, json_pack("{s:o, s:o, s:b, s:o}", "study",
					      json_of_text(study->uid), "modality",
					      json_of_text(study->modality),
					      "several_modalities", study->has_others,
					      "missing", json_of_missing(report, index)));
	return row;
}

int report_print_json(FILE *to, const struct report *report,
		      const struct report_view *view)
{
	json_t *whole = json_object(), *studies = json_array();
	for (size_t i = 0; i < report->study_count; i++) {
		size_t index = (i + 1) % report->study_count;
		if (is_wanted(&report->studies[index], view))
			json_array_append_new(studies, json_of_study(report, index));
	}
	json_object_set_new(whole, "studies", studies);
	if (!view->study)
		json_object_set_new(whole, "total", json_of_counts(&report->total));
	int result = json_dumpf(whole, to, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(whole);
	fputc('\n', to);
	return result;
}
