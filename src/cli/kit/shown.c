#include "shown.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/visible.h"

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

void shown_wrapped(FILE *to, const char *head, const char *text, size_t width)
{
	size_t margin = strlen(head), column = margin;

	fputs(head, to);
	while (*text) {
		size_t space = strspn(text, " "), word = strcspn(text + space, " ");

		if (column > margin && column + space + word > width) {
			fprintf(to, "\n%*s", (int)margin, "");
			column = margin;
			space = 0;
			text += strspn(text, " ");
		}
		column += shown_bytes_of(to, text, space + word);
		text += space + word;
	}
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
		{ "forwarded", "\033[32m" }, { "spooled", "\033[32m" },
		{ "accepted", "\033[32m" },  { "released", "\033[32m" },
		{ "done", "\033[32m" },	     { "refused", "\033[31m" },
		{ "failed", "\033[31m" },    { "aborted", "\033[31m" },
		{ "raised", "\033[31m" },    { "unconfirmed", "\033[33m" },
	};
	for (size_t i = 0; i < sizeof(colours) / sizeof(*colours); i++) {
		if (strcmp(outcome, colours[i].outcome) == 0)
			return colours[i].colour;
	}
	return "";
}
