#include "shown.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cathgate/base/visible.h"

#define WIDTH_USUAL 80 /* of a terminal that doesn't say */
#define WIDTH_MAX   1000
#define INDENT	    4

/* One character, or byte, with its length. `escapes`: a backslash, too. */
static size_t show_one(FILE *to, const char *at, size_t left, bool escapes,
		       size_t *ret_shown)
{
	uint32_t number;
	size_t length;

	if (!visible_character(at, left, &length, &number)) {
		*ret_shown = (size_t)fprintf(to, "\\u%04x", (unsigned)number);
	} else if (number == '\\' && escapes) {
		*ret_shown = (size_t)fprintf(to, "\\\\");
	} else {
		fwrite(at, 1, length, to);
		*ret_shown = 1;
	}
	return length;
}

size_t shown_bytes_of(FILE *to, const char *text, size_t size)
{
	size_t all = 0, shown;
	for (size_t i = 0; i < size; all += shown)
		i += show_one(to, text + i, size - i, true, &shown);
	return all;
}

void shown_message(FILE *to, const char *text)
{
	size_t left = strlen(text), length, shown;
	for (; left > 0; text += length, left -= length) {
		length = 1;
		if (*text == '\n' || *text == '\t')
			fputc(*text, to);
		else
			length = show_one(to, text, left, false, &shown);
	}
}

size_t shown_text(FILE *to, const char *text)
{
	return shown_bytes_of(to, text, strlen(text));
}

json_t *shown_json(const char *text)
{
	json_t *string = json_string(text);
	char *shown = NULL;
	size_t size;
	FILE *to = string ? NULL : open_memstream(&shown, &size);
	if (!to)
		return string;
	shown_text(to, text);
	if (fclose(to) == 0)
		string = json_string(shown);
	free(shown);
	return string;
}

void shown_column(FILE *to, const char *text, size_t width)
{
	size_t shown = shown_text(to, text);
	fprintf(to, "%*s", shown < width ? (int)(width - shown) : 0, "");
}

size_t shown_length(const char *text, size_t size, bool is_shown)
{
	size_t all = 0, length;
	uint32_t number;

	for (size_t i = 0; i < size; i += length) {
		bool is_visible = visible_character(text + i, size - i, &length, &number);

		if (is_shown)
			all++;
		else if (!is_visible)
			all += (size_t)snprintf(NULL, 0, "\\u%04x", (unsigned)number);
		else
			all += number == '\\' ? 2 : 1;
	}
	return all;
}

size_t shown_flow(FILE *to, const char *text, bool is_shown, size_t column, size_t margin,
		  size_t width)
{
	while (*text) {
		size_t space = strspn(text, " "), word = strcspn(text + space, " ");
		size_t length = shown_length(text, space + word, is_shown);

		if (column > margin && column + length > width) {
			fprintf(to, "\n%*s", (int)margin, "");
			column = margin;
			text += space;
			length -= space;
			space = 0;
		}
		if (is_shown)
			fwrite(text, 1, space + word, to);
		else
			shown_bytes_of(to, text, space + word);
		column += length;
		text += space + word;
	}
	return column;
}

/* Colours take no room. */
static size_t columns_of_head(const char *head)
{
	size_t columns = 0;

	while (*head) {
		if (*head == '\033')
			head += strcspn(head, "m");
		else
			columns++;
		head += *head != '\0';
	}
	return columns;
}

void shown_wrapped(FILE *to, const char *head, const char *text, size_t width)
{
	size_t margin = columns_of_head(head);

	fputs(head, to);
	/* Behind a long head there would be a narrow column: it goes below. */
	if (margin > width / 2) {
		margin = INDENT;
		fprintf(to, "\n%*s", INDENT, "");
	}
	shown_flow(to, text, false, margin, margin, width);
	fputc('\n', to);
}

void shown_size(int64_t bytes, char ret[SHOWN_SIZE_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;
	if (bytes < 0) {
		strcpy(ret, "-");
	} else if (bytes < 1024) {
		snprintf(ret, SHOWN_SIZE_SIZE, "%d B", (int)bytes);
	} else {
		for (; size >= 1024 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
			size /= 1024;
		snprintf(ret, SHOWN_SIZE_SIZE, "%.1f %s", size, units[unit]);
	}
}

size_t shown_width(FILE *to)
{
	const char *columns = getenv("COLUMNS");
	unsigned long number = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;

	if (!isatty(fileno(to)))
		return 0;
	if (number > 0 && number <= WIDTH_MAX)
		return number;
	if (ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH_USUAL;
}

bool shown_in_colour(FILE *to)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
	return isatty(fileno(to)) && !(no_color && no_color[0]) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

const char *shown_colour_of(const char *outcome)
{
	static const struct {
		const char *outcome, *colour;
	} colours[] = {
		{ "forwarded", SHOWN_GREEN }, { "spooled", SHOWN_GREEN },
		{ "accepted", SHOWN_GREEN },  { "released", SHOWN_GREEN },
		{ "done", SHOWN_GREEN },      { "refused", SHOWN_RED },
		{ "failed", SHOWN_RED },      { "aborted", SHOWN_RED },
		{ "raised", SHOWN_RED },      { "unconfirmed", SHOWN_YELLOW },
		{ "dead", SHOWN_RED },	      { "given-up", SHOWN_RED },
		{ "dropped", SHOWN_RED },     { "held", SHOWN_YELLOW },
	};
	for (size_t i = 0; i < sizeof(colours) / sizeof(*colours); i++) {
		if (strcmp(outcome, colours[i].outcome) == 0)
			return colours[i].colour;
	}
	return "";
}
