#include "csv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/utf8.h"
#include "complain.h"
#include "keep.h"

#define MARK "\xEF\xBB\xBF"

struct reader {
	const char *path;
	const char *at; /* what comes next */
	char *out;	/* where the next cell goes */
	size_t line;
	char separator;
};

/* One line: its cells, before it is known how many there are to be. */
struct cells {
	const char *items[CSV_COLUMNS_MAX + 1];
	size_t count;
	size_t line;
	bool is_empty;
};

static bool is_end(const struct reader *reader, char c)
{
	return c == '\0' || c == '\n' || c == '\r' || c == reader->separator;
}

/* "a ""quoted"" cell" */
static bool read_quoted(struct reader *reader)
{
	size_t began = reader->line;

	for (reader->at++; *reader->at != '\0'; reader->at++) {
		if (*reader->at == '"' && *++reader->at != '"') {
			if (is_end(reader, *reader->at))
				return true;
			complain("%s:%zu: text stands behind the closing quote of a "
				 "cell; write a quote within a cell twice",
				 reader->path, reader->line);
			return false;
		}
		reader->line += *reader->at == '\n';
		*reader->out++ = *reader->at;
	}
	complain("%s:%zu: a quote begins a cell here, and none ends it; a quote within a "
		 "cell is written twice, and the cell in quotes",
		 reader->path, began);
	return false;
}

static bool read_cell(struct reader *reader, const char **ret)
{
	char *begin = reader->out;

	if (*reader->at == '"') {
		if (!read_quoted(reader))
			return false;
	} else {
		while (!is_end(reader, *reader->at))
			*reader->out++ = *reader->at++;
	}
	while (reader->out > begin && strchr(" \t", reader->out[-1]))
		reader->out--;
	*reader->out++ = '\0';
	*ret = begin + strspn(begin, " \t");
	return true;
}

static void end_line(struct reader *reader)
{
	if (reader->at[0] == '\r' && reader->at[1] == '\n')
		reader->at++;
	if (*reader->at != '\0')
		reader->at++;
	reader->line++;
}

/* False where the rest can't be told apart. */
static bool read_line(struct reader *reader, struct cells *ret)
{
	*ret = (struct cells){ .line = reader->line, .is_empty = true };
	for (;;) {
		const char *cell;

		if (!read_cell(reader, &cell))
			return false;
		ret->is_empty = ret->is_empty && cell[0] == '\0';
		if (ret->count <= CSV_COLUMNS_MAX)
			ret->items[ret->count++] = cell;
		if (*reader->at != reader->separator)
			break;
		reader->at++;
	}
	end_line(reader);
	return true;
}

/* The one of the three that the line has most of. */
static char find_separator(const char *text)
{
	size_t counts[3] = { 0 };
	static const char known[] = ",;\t";
	bool is_quoted = false;
	char found = ',';
	size_t most = 0;

	for (; *text != '\0' && (is_quoted || !strchr("\r\n", *text)); text++) {
		const char *one = strchr(known, *text);

		if (*text == '"')
			is_quoted = !is_quoted;
		else if (one && !is_quoted && ++counts[one - known] > most) {
			most = counts[one - known];
			found = *one;
		}
	}
	return found;
}

static int read_heads(struct reader *reader, struct csv *ret)
{
	struct cells cells;

	reader->separator = find_separator(reader->at);
	if (!read_line(reader, &cells))
		return -1;
	while (cells.count > 0 && cells.items[cells.count - 1][0] == '\0')
		cells.count--;
	if (cells.count == 0 || cells.count > CSV_COLUMNS_MAX) {
		complain("%s:%zu: the first line must name the columns, at most %d",
			 reader->path, cells.line, CSV_COLUMNS_MAX);
		return -1;
	}
	ret->line = cells.line;
	ret->columns = cells.count;
	ret->heads = keep_bytes(cells.count * sizeof(*ret->heads));
	memcpy(ret->heads, cells.items, cells.count * sizeof(*ret->heads));
	return 0;
}

static int add_row(const struct reader *reader, const struct cells *cells,
		   struct csv *ret)
{
	struct csv_row *row = &ret->rows[ret->count];
	size_t count = cells->count;

	while (count > ret->columns && cells->items[count - 1][0] == '\0')
		count--;
	if (count > ret->columns) {
		complain("%s:%zu: it has more cells than the first line has columns "
			 "(%zu); put a cell that holds the separator into quotes",
			 reader->path, cells->line, ret->columns);
		return -1;
	}
	row->line = cells->line;
	row->cells = keep_bytes(ret->columns * sizeof(*row->cells));
	for (size_t i = 0; i < ret->columns; i++)
		row->cells[i] = i < count ? cells->items[i] : "";
	ret->count++;
	return 0;
}

static int read_rows(struct reader *reader, struct csv *ret)
{
	struct cells cells;
	int result = 0;

	ret->rows = keep_bytes(CSV_ROWS_MAX * sizeof(*ret->rows));
	while (*reader->at != '\0') {
		if (!read_line(reader, &cells))
			return -1;
		if (cells.is_empty)
			continue;
		if (ret->count == CSV_ROWS_MAX) {
			complain("%s:%zu: it has more than %d rows; split it",
				 reader->path, cells.line, CSV_ROWS_MAX);
			return -1;
		}
		if (add_row(reader, &cells, ret) < 0)
			result = -1;
	}
	if (result == 0 && ret->count == 0) {
		complain("%s: it has no row beneath the names of the columns",
			 reader->path);
		result = -1;
	}
	return result;
}

/* Whether it is text that a spreadsheet can have meant. */
static bool is_text(const char *path, const char *text, size_t size)
{
	const char *cure = "save it as \"CSV UTF-8\"";
	size_t line = 1, left = size;

	if (size >= 2 &&
	    (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
		complain("%s: it is UTF-16 (\"Unicode text\"); %s", path, cure);
		return false;
	}
	while (left > 0) {
		uint32_t character;
		size_t length = utf8_read(text, left, &character);

		if (length == 0 || character == 0) {
			complain("%s:%zu: this line is no UTF-8 text; %s", path, line,
				 cure);
			return false;
		}
		line += character == '\n';
		text += length;
		left -= length;
	}
	return true;
}

int csv_read(const char *path, struct csv *ret)
{
	struct reader reader = { .path = path, .line = 1 };
	char *bytes;
	size_t size;

	*ret = (struct csv){ 0 };
	if (durable_read(path, CSV_BYTES_MAX, &bytes, &size) < 0) {
		if (errno != EFBIG)
			return complain_file(path);
		complain("%s: it is longer than %lu bytes; split it", path,
			 CSV_BYTES_MAX);
		return -1;
	}
	reader.at = keep_copy(bytes, size);
	free(bytes);
	if (!is_text(path, reader.at, size))
		return -1;
	reader.out = keep_bytes(size + 1);
	if (strncmp(reader.at, MARK, strlen(MARK)) == 0)
		reader.at += strlen(MARK);
	if (read_heads(&reader, ret) < 0)
		return -1;
	return read_rows(&reader, ret);
}
