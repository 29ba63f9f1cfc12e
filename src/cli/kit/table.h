/*
 * Rows under heads, as a person reads them.
 *
 * In a pipe or a file each row is one line, however wide: other programs cut it apart. On
 * a terminal a table fits the width. One that is too wide becomes blocks, each the row's
 * first cell on a line of its own, and beneath it what the others say, behind their heads
 * in lower case; those that say nothing ("", "-", the number 0) are left out. A last
 * column of any length flows, wrapped, beside the others, or beneath them where that
 * would squeeze it. Words are never broken, so that a UID can be copied from the screen:
 * one that is wider than the terminal is left to that.
 *
 * Nothing is kept of the rows, so a table may go on for ever. A caller who wants columns
 * as wide as what is in them goes over its rows twice, with table_measure first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 16

struct table_column {
	const char *head;
	size_t width;	/* at least; the head's is the least, too */
	size_t gap;	/* spaces before it; 0: one, and none before the first */
	bool is_number; /* to the right */
	bool flows;	/* the last one, of any length */
};

struct table_cell {
	const char *text;
	const char *colour; /* as shown_colour_of gives it; NULL or "": none */
	/* The text went through shown_text already; else that happens here. */
	bool is_shown;
};

struct table {
	FILE *to;
	const struct table_column *columns; /* the caller's, as long as the table */
	size_t count, widths[TABLE_COLUMNS_MAX];
	size_t terminal; /* its width; 0: `to` is none */
	bool in_colour;
};

void table_open(struct table *table, FILE *to, const struct table_column *columns,
		size_t count);

/* Makes room for a row that table_row will be given. */
void table_measure(struct table *table, const struct table_cell *cells);

/* Both write nothing else than to `to`: a failure shows there (ferror). */
void table_head(const struct table *table);
void table_row(const struct table *table, const struct table_cell *cells);
