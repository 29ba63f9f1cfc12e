/* `cathgate spool list`: what is in the spool, by what the files' names say. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/moment.h"
#include "cli/kit/options.h"
#include "cli/kit/shown.h"
#include "cli/kit/table.h"
#include "item.h"
#include "selection.h"

struct request {
	const char *config;
	struct selection selection;
	bool as_json;
};

static const struct options_row rows[] = {
	SELECTION_ROWS(struct request, selection),
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct request, as_json),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate spool list",
	.behind = "[OBJECT…]",
	.about = "The objects in the spool, oldest first: all but those that were "
		 "delivered, unless options say which. " SELECTION_FORMS PERIOD_FORMS
		 "More: man cathgate-spool\n",
	.rows = rows,
	.most = SIZE_MAX,
};

static const struct table_column columns[] = {
	{ .head = "OBJECT", .width = 16 },
	{ .head = "STATE", .width = 9 },
	{ .head = "CAME", .width = 19 },
	{ .head = "SIZE", .width = 10, .is_number = true },
	{ .head = "MODALITY", .width = 12 },
	{ .head = "DESTINATION", .width = 12 },
	{ .head = "WHAT", .flows = true },
};

static void fill_cells(const struct spool_item *item, struct table_cell cells[7],
		       struct item_texts *texts)
{
	item_text(item, texts);
	cells[0].text = texts->number;
	cells[1].text = selection_state(item->state);
	cells[2].text = texts->came;
	cells[3].text = texts->size;
	cells[4].text = item->modality[0] ? item->modality : "-";
	cells[5].text = item->destination[0] ? item->destination : "-";
	cells[6].text = texts->what;
}

static void print_table(const struct spool_item *items, size_t count)
{
	struct table_cell cells[7] = { 0 };
	struct item_texts texts;
	uint64_t bytes = 0;
	struct table table;
	char size[SHOWN_SIZE_SIZE];

	table_open(&table, stdout, columns, 7);
	for (size_t i = 0; i < count; i++) {
		fill_cells(&items[i], cells, &texts);
		table_measure(&table, cells);
		bytes += items[i].bytes;
	}
	table_head(&table);
	for (size_t i = 0; i < count; i++) {
		fill_cells(&items[i], cells, &texts);
		table_row(&table, cells);
	}
	shown_size((int64_t)bytes, size);
	printf("%zu object%s, %s\n", count, count == 1 ? "" : "s", size);
}

static int print_json(const struct spool_item *items, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, item_json(&items[i]));
	json_dumpf(list, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(list);
	return 0;
}

int spool_list_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	int status = options_read(&options, argc, argv, &request);
	struct spool_item *items = NULL;
	size_t count = 0, missing = 0;
	struct reach reach;

	if (status >= 0)
		return status;
	if (reach_open(&reach, request.config) != 0)
		return CLI_USAGE;
	status = selection_find(&request.selection, &reach, argv + optind,
				(size_t)(argc - optind), SELECTION_HERE, &items, &count,
				&missing) == 0
			 ? CLI_GOOD
			 : CLI_USAGE;
	reach_close(&reach);
	if (status == CLI_GOOD && request.as_json)
		(void)!print_json(items, count);
	else if (status == CLI_GOOD)
		print_table(items, count);
	free(items);
	return status == CLI_GOOD && missing > 0 ? CLI_WRONG : status;
}
