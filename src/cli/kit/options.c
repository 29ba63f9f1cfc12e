#include "options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "complain.h"
#include "keep.h"
#include "shown.h"

#define ROWS_MAX	32
#define LINE_WIDTH	80
#define HEAD_WIDTH	30 /* of one beside its help; a longer head stands above it */
#define SYNOPSIS_INDENT 11
#define ROW_FIRST	(CHAR_MAX + 1) /* getopt_long returns this for the first row */
#define HELP		'h'	       /* no row has this letter */

static size_t count_rows(const struct options *options)
{
	size_t count = 0;

	while (options->rows && options->rows[count].name)
		count++;
	return count;
}

/* Whether the rows are listed one by one. */
static bool has_help(const struct options *options)
{
	for (size_t i = 0; i < count_rows(options); i++)
		if (options->rows[i].help)
			return true;
	return false;
}

static bool is_value_optional(const struct options_row *row)
{
	return row->value && row->value[0] == '[';
}

/* "--config FILE", or "-n N" where `short_form` and the option has one. */
static const char *row_text(const struct options_row *row, bool short_form)
{
	const char *name = short_form && row->letter ? keep_format("-%c", row->letter)
						     : keep_format("--%s", row->name);

	return keep_format("%s%s%s", name,
			   row->value && !is_value_optional(row) ? " " : "",
			   row->value ? row->value : "");
}

/* How many columns a text takes: "…" is three bytes and one column. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xC0) != 0x80;
	return width;
}

/* Returns the column that this comes to. */
static int put_part(FILE *to, const char *text, int column)
{
	if (text[0] != '\n' && column + 1 + width_of(text) > LINE_WIDTH) {
		fprintf(to, "\n%*s", SYNOPSIS_INDENT - 1, "");
		column = SYNOPSIS_INDENT - 1;
	}
	fprintf(to, "%s%s", text[0] == '\n' ? "" : " ", text);
	return column + 1 + width_of(text);
}

static void print_synopsis(FILE *to, const struct options *options)
{
	bool is_listed = has_help(options), is_second = false;
	int column = fprintf(to, "usage: %s", options->command);

	if (options->before)
		column = put_part(to, options->before, column);
	for (size_t i = 0; !is_listed && i < count_rows(options); i++) {
		const struct options_row *row = &options->rows[i];

		column = put_part(to,
				  keep_format("%s%s%s", is_second ? "| " : "[",
					      row_text(row, true),
					      row->is_alternative ? "" : "]"),
				  column);
		is_second = row->is_alternative;
	}
	if (is_listed)
		column = put_part(to, "[OPTION…]", column);
	if (options->behind)
		put_part(to, options->behind, column);
	fputc('\n', to);
}

/* What the usage text has before each help. Rows that share one are heads together. */
static int list_heads(const struct options *options, const char *ret[ROWS_MAX])
{
	const char *head = "";
	int width = 0;

	for (size_t i = 0; i < count_rows(options); i++) {
		head = keep_listed(head, ", ", row_text(&options->rows[i], false));
		ret[i] = head;
		if (width_of(head) > width && width_of(head) <= HEAD_WIDTH)
			width = width_of(head);
		if (options->rows[i].help)
			head = "";
	}
	return width;
}

/* Wrapped here, wherever its lines end in the source. */
static void print_about(FILE *to, const char *about)
{
	size_t size = strlen(about);
	char *text = keep_copy(about, size > 0 ? size - 1 : 0);

	for (char *at = text; (at = strchr(at, '\n'));)
		*at = ' ';
	shown_wrapped(to, "", text, LINE_WIDTH);
}

static void print_usage(FILE *to, const struct options *options)
{
	const char *heads[ROWS_MAX];
	int width = list_heads(options, heads);

	if (options->synopsis)
		fprintf(to, "usage: %s %s\n", options->command, options->synopsis);
	else
		print_synopsis(to, options);
	print_about(to, options->about);
	if (has_help(options))
		fputc('\n', to);
	for (size_t i = 0; i < count_rows(options); i++) {
		const char *head = heads[i];

		if (!options->rows[i].help)
			continue;
		if (width_of(head) > width) {
			shown_wrapped(to, "  ", head, LINE_WIDTH);
			head = "";
		}
		shown_wrapped(
			to, keep_format("  %s%*s", head, width - width_of(head) + 2, ""),
			options->rows[i].help, LINE_WIDTH);
	}
}

int options_misused(const struct options *options)
{
	print_usage(stderr, options);
	return CLI_USAGE;
}

static const char *judge_days(const char *value)
{
	char *end;
	unsigned long days = strtoul(value, &end, 10);

	return value[0] >= '0' && value[0] <= '9' && !*end && days >= 1 &&
			       days <= OPTIONS_DAYS_MAX
		       ? NULL
		       : "is no number of days; write one from 1 to 36500";
}

const char *options_fault(const struct options_row *row, const char *value)
{
	options_judge *judge = row->kind == OPTIONS_DAYS ? judge_days : row->judge;

	return judge ? judge(value) : NULL;
}

bool options_set(const struct options_row *row, const char *value, size_t room,
		 void *request)
{
	void *field = (char *)request + row->offset;
	struct options_texts *texts = field;

	switch (row->kind) {
	case OPTIONS_FLAG:
		*(bool *)field = true;
		break;
	case OPTIONS_TEXT:
		*(const char **)field = value;
		break;
	case OPTIONS_TEXTS:
		if (!texts->items)
			texts->items = keep_bytes(room * sizeof(*texts->items));
		texts->items[texts->count++] = value;
		break;
	case OPTIONS_DAYS:
		*(unsigned *)field = (unsigned)strtoul(value, NULL, 10);
		break;
	case OPTIONS_OTHER:
		return row->take(field, value);
	}
	return true;
}

static bool take_value(const struct options_row *row, const char *value, int argc,
		       void *request)
{
	const char *fault = options_fault(row, value);

	if (!fault)
		return options_set(row, value, (size_t)argc, request);
	complain("--%s: \"%s\" %s", row->name, value, fault);
	return false;
}

static void name_options(const struct options *options, struct option names[ROWS_MAX + 2],
			 char letters[2 * ROWS_MAX + 2])
{
	size_t count = count_rows(options);

	for (size_t i = 0; i < count; i++) {
		const struct options_row *row = &options->rows[i];

		names[i] = (struct option){ .name = row->name,
					    .has_arg = !row->value ? no_argument
						       : is_value_optional(row)
							       ? optional_argument
							       : required_argument,
					    .val = ROW_FIRST + (int)i };
		if (row->letter)
			*letters++ = row->letter;
		if (row->letter && row->value)
			*letters++ = ':';
	}
	*letters++ = 'h';
	*letters = '\0';
	names[count] = (struct option){ "help", no_argument, NULL, HELP };
	names[count + 1] = (struct option){ 0 };
}

/* NULL where getopt_long has found no row, and has said so. */
static const struct options_row *find_row(const struct options *options, int found)
{
	if (found >= ROW_FIRST)
		return &options->rows[found - ROW_FIRST];
	for (size_t i = 0; i < count_rows(options); i++)
		if (options->rows[i].letter == found)
			return &options->rows[i];
	return NULL;
}

/* The arguments that are no options. */
static int judge_arguments(const struct options *options, int argc, char **argv)
{
	size_t count = (size_t)(argc - optind);
	const char *wanted = options->before ? options->before : options->behind;

	if (count >= options->least && count <= options->most)
		return -1;
	if (count < options->least)
		complain("%.*s is missing", (int)strcspn(wanted, " "), wanted);
	else
		complain("what is \"%s\"?%s%s", argv[(size_t)optind + options->most],
			 options->hint ? " " : "", options->hint ? options->hint : "");
	return options_misused(options);
}

/* A second value must not silently take the place of the first. */
static bool is_said_twice(const struct options_row *row, bool *said)
{
	bool was_said = *said;

	*said = true;
	if (!was_said || row->kind == OPTIONS_TEXTS || row->kind == OPTIONS_FLAG ||
	    row->is_repeated)
		return false;
	complain("--%s is given twice, but takes one value: leave one out", row->name);
	return true;
}

int options_read(const struct options *options, int argc, char **argv, void *request)
{
	bool said[ROWS_MAX] = { false };
	struct option names[ROWS_MAX + 2];
	char letters[2 * ROWS_MAX + 2];

	name_options(options, names, letters);
	argv[0] = (char *)options->command; /* getopt_long's complaints begin with it */
	for (int found; (found = getopt_long(argc, argv, letters, names, NULL)) != -1;) {
		const struct options_row *row = find_row(options, found);

		if (found == HELP) {
			print_usage(stdout, options);
			return CLI_GOOD;
		}
		if (!row)
			return options_misused(options);
		if (is_said_twice(row, &said[row - options->rows]) ||
		    !take_value(row, optarg, argc, request))
			return CLI_USAGE;
	}
	return judge_arguments(options, argc, argv);
}
