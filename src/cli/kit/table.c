#include "table.h"

#include <ctype.h>
#include <string.h>

#include "shown.h"

#define INDENT	   4  /* of what stands beneath a row's first line */
#define FLOW_LEAST 40 /* a column that flows isn't squeezed into less */
#define WIDEST	   64 /* the longest UID; a longer cell doesn't widen all the others */

enum layout { LINES, FLOWS_BESIDE, FLOWS_BENEATH, BLOCKS };

static const struct table_column *last_column(const struct table *table)
{
	return &table->columns[table->count - 1];
}

static size_t gap_of(const struct table *table, size_t index)
{
	size_t gap = table->columns[index].gap;

	return index == 0 ? 0 : gap == 0 ? 1 : gap;
}

/* How many columns have a width: all but one that flows. */
static size_t count_fixed(const struct table *table)
{
	return table->count - (last_column(table)->flows ? 1 : 0);
}

static size_t fixed_width(const struct table *table)
{
	size_t width = 0;

	for (size_t i = 0; i < count_fixed(table); i++)
		width += gap_of(table, i) + table->widths[i];
	return width;
}

static enum layout layout_of(const struct table *table)
{
	size_t width = fixed_width(table);

	if (table->terminal == 0)
		return LINES;
	if (width > table->terminal)
		return BLOCKS;
	if (!last_column(table)->flows)
		return LINES;
	return width + FLOW_LEAST < table->terminal ? FLOWS_BESIDE : FLOWS_BENEATH;
}

static size_t length_of(const struct table_cell *cell)
{
	return shown_length(cell->text, strlen(cell->text), cell->is_shown);
}

static void begin_colour(const struct table *table, const struct table_cell *cell)
{
	if (table->in_colour && cell->colour)
		fputs(cell->colour, table->to);
}

static void end_colour(const struct table *table, const struct table_cell *cell)
{
	if (table->in_colour && cell->colour && cell->colour[0])
		fputs(SHOWN_PLAIN, table->to);
}

static void put_text(const struct table *table, const struct table_cell *cell)
{
	begin_colour(table, cell);
	if (cell->is_shown)
		fputs(cell->text, table->to);
	else
		shown_text(table->to, cell->text);
	end_colour(table, cell);
}

/* From `column` on, and in further lines from `margin`. */
static size_t flow_text(const struct table *table, const struct table_cell *cell,
			size_t column, size_t margin)
{
	begin_colour(table, cell);
	column = shown_flow(table->to, cell->text, cell->is_shown, column, margin,
			    table->terminal);
	end_colour(table, cell);
	return column;
}

/* The first `count` cells beside each other, without the spaces behind the last that says
 * something. Returns the column that this comes to. */
static size_t put_cells(const struct table *table, const struct table_cell *cells,
			size_t count)
{
	size_t column = 0, at = 0; /* where we are, and where the next cell begins */

	for (size_t i = 0; i < count; i++) {
		size_t length = length_of(&cells[i]), width = table->widths[i];
		size_t rest = length < width ? width - length : 0;

		at += gap_of(table, i);
		if (length > 0) {
			size_t from = at + (table->columns[i].is_number ? rest : 0);

			fprintf(table->to, "%*s", (int)(from - column), "");
			put_text(table, &cells[i]);
			column = from + length;
		}
		at += length + rest;
	}
	return column;
}

/* Beside the others; or beneath them, where it must and isn't short enough. */
static void put_flowing(const struct table *table, const struct table_cell *cells,
			bool is_beside)
{
	size_t fixed = count_fixed(table), column = put_cells(table, cells, fixed);
	size_t margin = fixed_width(table) + gap_of(table, fixed);
	size_t from = column < margin ? margin : column + 1;
	const struct table_cell *cell = &cells[fixed];

	if (cell->text[0] == '\0') {
		fputc('\n', table->to);
		return;
	}
	if (is_beside || from + length_of(cell) <= table->terminal) {
		fprintf(table->to, "%*s", (int)(from - column), "");
	} else {
		fprintf(table->to, "\n%*s", INDENT, "");
		from = margin = INDENT;
	}
	flow_text(table, cell, from, margin);
	fputc('\n', table->to);
}

static bool says_something(const struct table_column *column,
			   const struct table_cell *cell)
{
	return cell->text[0] != '\0' && strcmp(cell->text, "-") != 0 &&
	       !(column->is_number && strcmp(cell->text, "0") == 0);
}

/* "received 12", from `column` on. Returns the column that this comes to. */
static size_t put_labelled(const struct table *table, size_t index,
			   const struct table_cell *cell, size_t column)
{
	const char *head = table->columns[index].head;

	for (const char *at = head; *at; at++)
		fputc(tolower((unsigned char)*at), table->to);
	fputc(' ', table->to);
	return flow_text(table, cell, column + strlen(head) + 1, INDENT);
}

static void put_block(const struct table *table, const struct table_cell *cells)
{
	size_t fixed = count_fixed(table), column = 0;

	put_text(table, &cells[0]);
	for (size_t i = 1; i < fixed; i++) {
		size_t length = strlen(table->columns[i].head) + 1 + length_of(&cells[i]);

		if (!says_something(&table->columns[i], &cells[i]))
			continue;
		if (column > 0 && column + 2 + length < table->terminal) {
			fputs(", ", table->to);
			column += 2;
		} else {
			fprintf(table->to, "%s\n%*s", column > 0 ? "," : "", INDENT, "");
			column = INDENT;
		}
		column = put_labelled(table, i, &cells[i], column);
	}
	fputc('\n', table->to);
	if (fixed < table->count && cells[fixed].text[0] != '\0') {
		fprintf(table->to, "%*s", INDENT, "");
		flow_text(table, &cells[fixed], INDENT, INDENT);
		fputc('\n', table->to);
	}
}

void table_open(struct table *table, FILE *to, const struct table_column *columns,
		size_t count)
{
	*table = (struct table){ .to = to,
				 .columns = columns,
				 .count = count,
				 .terminal = shown_width(to),
				 .in_colour = shown_in_colour(to) };
	for (size_t i = 0; i < count; i++) {
		size_t least = strlen(columns[i].head);

		table->widths[i] = columns[i].width > least ? columns[i].width : least;
	}
}

void table_measure(struct table *table, const struct table_cell *cells)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t length = length_of(&cells[i]);

		if (length > WIDEST)
			length = WIDEST;
		if (length > table->widths[i])
			table->widths[i] = length;
	}
}

void table_head(const struct table *table)
{
	struct table_cell heads[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < table->count; i++)
		heads[i] = (struct table_cell){ .text = table->columns[i].head };
	if (layout_of(table) != BLOCKS) {
		put_cells(table, heads, table->count);
		fputc('\n', table->to);
	}
}

void table_row(const struct table *table, const struct table_cell *cells)
{
	switch (layout_of(table)) {
	case LINES:
		put_cells(table, cells, table->count);
		fputc('\n', table->to);
		break;
	case FLOWS_BESIDE:
		put_flowing(table, cells, true);
		break;
	case FLOWS_BENEATH:
		put_flowing(table, cells, false);
		break;
	case BLOCKS:
		put_block(table, cells);
		break;
	}
}
