/*
 * `cathgate modality import`: the rows of a table are let in as `cathgate modality add`
 * would, with a column for each of its options.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "admissions.h"
#include "cli/kit/complain.h"
#include "cli/kit/csv.h"
#include "cli/kit/keep.h"
#include "cli/kit/table.h"
#include "questions.h"

struct request {
	const char *output, *passwords, *config;
	bool dry_run, reload;
};

#define ROW(option, argument, what, ...) \
	OPTIONS_ROW(option, argument, what, struct request, __VA_ARGS__)

static const struct options_row rows[] = {
	ROW("dry-run", NULL, OPTIONS_FLAG, dry_run,
	    .help = "Judge all of it, and change nothing"),
	ROW("output", "FOLDER", OPTIONS_TEXT, output,
	    .help = "Where it all goes, a folder for each (./modalities-DATE)"),
	ROW("passwords", "FILE", OPTIONS_TEXT, passwords,
	    .help = "Write the passwords into this new file, and show none"),
	ROW("reload", NULL, OPTIONS_FLAG, reload, .help = "Tell the gateway at once"),
	ROW("config", "FILE", OPTIONS_TEXT, config,
	    .help = "The gateway's configuration"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate modality import",
	.before = "FILE.csv",
	.about = "Lets in all modalities of a table, or none. Its first line names the "
		 "columns, as the options of cathgate modality add: name, ae_title, "
		 "address, certificate, legacy and so on.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.hint = "Name one file",
};

/* What a column sets. */
struct column {
	const struct options_row *row; /* NULL: the name, or nothing */
	const char *head;
	bool is_name;
};

struct import {
	const char *path, *folder; /* of the table */
	struct csv csv;
	struct column columns[CSV_COLUMNS_MAX];
	struct admissions list;
	size_t faults;
};

/* Case, spaces, "-" and "_" don't tell two names of columns apart. */
static bool is_same_head(const char *a, const char *b)
{
	for (;;) {
		a += strspn(a, " -_\n");
		b += strspn(b, " -_\n");
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

/* What is said once for all rows is no column. */
static bool is_column(const struct options_row *row)
{
	return strcmp(row->name, "output") != 0 && strcmp(row->name, "reload") != 0 &&
	       strcmp(row->name, "config") != 0;
}

static const char *head_of(const struct options_row *row)
{
	char *head = keep_format("%s", row->name);

	for (char *at = head; (at = strchr(at, '-'));)
		*at = '_';
	return head;
}

static const char *list_columns(void)
{
	const char *all = "name";

	for (const struct options_row *row = modality_add_rows; row->name; row++)
		if (is_column(row))
			all = keep_listed(all, ", ", head_of(row));
	return all;
}

static bool find_column(struct column *column)
{
	column->is_name = is_same_head(column->head, "name");
	for (const struct options_row *row = modality_add_rows; row->name; row++)
		if (is_column(row) && is_same_head(column->head, row->name))
			column->row = row;
	return column->is_name || column->row;
}

static bool is_named_before(const struct import *import, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (import->columns[i].row == import->columns[at].row &&
		    import->columns[i].is_name == import->columns[at].is_name)
			return true;
	return false;
}

/* False where rows can't be judged without a column that is missing. */
static bool read_columns(struct import *import)
{
	const struct csv *csv = &import->csv;
	bool has_name = false, has_title = false;

	complain_about(keep_format("%s:%zu", import->path, csv->line));
	for (size_t i = 0; i < csv->columns; i++) {
		struct column *column = &import->columns[i];

		column->head = csv->heads[i];
		if (!find_column(column)) {
			complain("column %zu, \"%s\", isn't known; those that there are: "
				 "%s",
				 i + 1, column->head, list_columns());
			import->faults++;
		} else if (is_named_before(import, i)) {
			complain("column %zu, \"%s\", is there twice", i + 1,
				 column->head);
			import->faults++;
			*column = (struct column){ .head = column->head };
		}
		has_name = has_name || column->is_name;
		has_title = has_title ||
			    (column->row && strcmp(column->row->name, "ae-title") == 0);
	}
	if (!has_name || !has_title) {
		complain("there is no column \"%s\"; the first line names the columns",
			 has_name ? "ae_title" : "name");
		import->faults++;
	}
	return has_name && has_title;
}

static void fault(struct import *import, const struct column *column, const char *value,
		  const char *what)
{
	complain("%s: \"%s\" %s", column->head, value, what);
	import->faults++;
}

/* As spreadsheets write it, also German ones. */
static void take_flag(struct import *import, const struct column *column,
		      const char *value, struct modality_options *asked)
{
	static const char *const yes[] = {
		"yes", "y", "true", "1", "x", "ja", "j", "wahr"
	};
	static const char *const no[] = { "no", "n", "false", "0", "nein", "falsch" };
	bool is_yes = false, is_no = false;

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		is_yes = is_yes || strcasecmp(value, yes[i]) == 0;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		is_no = is_no || strcasecmp(value, no[i]) == 0;
	if (!is_yes && !is_no)
		fault(import, column, value, "is neither yes nor no");
	else if (is_yes && !options_set(column->row, "", 1, asked))
		import->faults++;
}

static void take_value(struct import *import, const struct column *column,
		       const char *value, size_t room, struct modality_options *asked)
{
	const struct options_row *row = column->row;
	const char *what;

	/* Files stand beside the table. */
	if (strcmp(row->value, "FILE") == 0 && value[0] != '/')
		value = keep_format("%s/%s", import->folder, value);
	what = options_fault(row, value);
	if (what)
		fault(import, column, value, what);
	else if (!options_set(row, value, room, asked))
		import->faults++;
}

/* Paths and common names may hold spaces. */
static void take_list(struct import *import, const struct column *column,
		      const char *cell, struct modality_options *asked)
{
	bool has_spaces = strcmp(column->row->value, "FILE") == 0 ||
			  strcmp(column->row->name, "common-name") == 0;
	const char *between = has_spaces ? ";\n" : "; \t\r\n";

	for (const char *at = cell; *at != '\0';) {
		size_t length = strcspn(at, between);
		char *value;

		while (length > 0 && at[0] == ' ') {
			at++;
			length--;
		}
		value = keep_copy(at, length);
		at += length + (at[length] != '\0');
		while (length > 0 && strchr(" \r", value[length - 1]))
			value[--length] = '\0';
		if (length > 0)
			take_value(import, column, value, strlen(cell), asked);
	}
}

static void take_name(struct import *import, const struct column *column,
		      const char *cell, size_t at)
{
	struct admission *items = import->list.items;
	const char *what = cell[0] == '\0' ? "is empty: each modality needs a name"
					   : judge_name(cell);

	items[at].asked.name = cell;
	if (what)
		fault(import, column, cell, what);
	for (size_t i = 0; i < at && cell[0] != '\0'; i++)
		if (strcmp(items[i].asked.name, cell) == 0) {
			fault(import, column, cell,
			      keep_format("is the name in line %zu, too",
					  import->csv.rows[i].line));
			break;
		}
}

static void take_cell(struct import *import, size_t at, size_t which)
{
	const struct column *column = &import->columns[which];
	const char *cell = import->csv.rows[at].cells[which];
	struct modality_options *asked = &import->list.items[at].asked;

	if (column->is_name)
		take_name(import, column, cell, at);
	else if (column->row && cell[0] == '\0' &&
		 strcmp(column->row->name, "ae-title") == 0)
		fault(import, column, cell,
		      "is empty: what does the modality call itself?");
	else if (!column->row || cell[0] == '\0')
		return;
	else if (column->row->kind == OPTIONS_FLAG)
		take_flag(import, column, cell, asked);
	else if (column->row->kind == OPTIONS_TEXTS)
		take_list(import, column, cell, asked);
	else
		take_value(import, column, cell, 1, asked);
}

static void take_row(struct import *import, size_t at)
{
	struct admission *one = &import->list.items[at];
	size_t faults = import->faults;
	const char *what;

	one->where = keep_format("%s:%zu", import->path, import->csv.rows[at].line);
	complain_about(one->where);
	for (size_t i = 0; i < import->csv.columns; i++)
		take_cell(import, at, i);
	what = modality_options_fault(&one->asked);
	if (what) {
		complain("%s", what);
		import->faults++;
	}
	one->is_bad = import->faults > faults;
}

static int read_table(struct import *import)
{
	const char *slash = strrchr(import->path, '/');

	import->folder =
		slash ? keep_format("%.*s", (int)(slash - import->path) + 1, import->path)
		      : ".";
	if (csv_read(import->path, &import->csv) < 0)
		return -1;
	import->list.is_shelf = true;
	import->list.count = import->csv.count;
	import->list.items = keep_bytes(import->csv.count * sizeof(struct admission));
	if (read_columns(import))
		for (size_t i = 0; i < import->csv.count; i++)
			take_row(import, i);
	else
		import->list.count = 0;
	complain_about(NULL);
	return 0;
}

static const char *certificate_of(const struct admission *one)
{
	const struct modality_options *asked = &one->asked;

	if (asked->certificate)
		return modality_is_named(asked) ? "any of its name" : "its own";
	if (modality_is_named(asked))
		return "any of its name";
	if (asked->request)
		return "made for its request";
	return asked->legacy ? "made, for old devices"
	       : asked->rsa  ? "made, RSA"
			     : "made, EC";
}

static void print_table(const struct admissions *list, bool with_passwords)
{
	struct table_column columns[] = { { .head = "NAME" },
					  { .head = "AE TITLE", .gap = 2 },
					  { .head = "CERTIFICATE", .gap = 2 },
					  { .head = "PASSWORD", .gap = 2 } };
	struct table table;

	table_open(&table, stdout, columns, with_passwords ? 4 : 3);
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1)
			table_head(&table);
		for (size_t i = 0; i < list->count; i++) {
			const struct admission *one = &list->items[i];
			const struct options_texts *titles = &one->asked.ae_titles;
			const char *all = "";

			for (size_t j = 0; j < titles->count; j++)
				all = keep_listed(all, " ", titles->items[j]);
			struct table_cell cells[] = { { .text = one->asked.name },
						      { .text = all },
						      { .text = certificate_of(one) },
						      { .text = one->handout.password } };

			if (pass == 0)
				table_measure(&table, cells);
			else
				table_row(&table, cells);
		}
	}
}

/* What to do with the folder, and what is the same for each. */
static void print_next(const struct admissions *list)
{
	bool has_keys = false, has_passwords = false;
	const char *away = "";

	printf("%zu may connect. Bring what is in %s/NAME to the modality; NAME.txt "
	       "there "
	       "says what to do.\n",
	       list->count, list->folder);
	for (size_t i = 0; i < list->count; i++) {
		const char *one = list->items[i].handout.root_away;

		if (one[0] != '\0' && strcmp(one, away) != 0)
			printf("%s\n", one);
		away = one;
		has_keys = has_keys || (modality_is_issued(&list->items[i].asked) &&
					!list->items[i].asked.request);
		has_passwords =
			has_passwords || list->items[i].handout.password[0] != '\0';
	}
	if (has_keys)
		printf("Delete the folder when the modalities have it: it holds their "
		       "keys.\n");
	if (has_passwords && list->passwords)
		printf("The passwords are in %s; give them by another way than the "
		       "files.\n",
		       list->passwords);
	else if (has_passwords)
		printf("The passwords, of NAME.p12, are shown this once.\n");
}

static int import_all(struct import *import, struct site *site,
		      const struct request *request)
{
	struct admissions *list = &import->list;
	int status = CLI_WRONG;
	bool is_done = false;

	if (admissions_prepare(list, site) < 0)
		import->faults++;
	if (import->faults > 0) {
		complain("%s: so none of the %zu was let in, and nothing was changed",
			 import->path, import->csv.count);
	} else if (request->dry_run) {
		print_table(list, false);
		printf("%zu would be let in. Nothing was changed.\n", list->count);
		status = CLI_GOOD;
	} else if (admissions_commit(list, site) < 0) {
		status = CLI_WRONG;
	} else {
		print_table(list, !list->passwords);
		print_next(list);
		is_done = true;
	}
	admissions_close(list);
	return is_done ? site_reload(site, request->reload) : status;
}

int modality_import_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	struct import import = { 0 };
	struct site site;
	int status = options_read(&options, argc, argv, &request);

	if (status >= 0)
		return status;
	if (request.dry_run && request.reload) {
		complain("with --dry-run nothing changes: leave --reload out");
		return options_misused(&options);
	}
	import.path = argv[optind];
	if (site_open(&site, request.config, true) < 0)
		return CLI_USAGE;
	import.list.passwords = request.passwords;
	import.list.folder =
		request.output ? request.output
			       : keep_format("modalities-%s", site_date(time(NULL)));
	if (request.passwords && access(request.passwords, F_OK) == 0) {
		complain("--passwords: %s is there already; name a new file",
			 request.passwords);
		import.faults++;
	}
	status = CLI_WRONG;
	if (read_table(&import) == 0)
		status = import_all(&import, &site, &request);
	site_close(&site);
	return status;
}
