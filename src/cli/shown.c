#include "shown.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The length of the UTF-8 character at `at`, of which `left` bytes are there, and its
 * number; 0 when it is none (RFC 3629). */
static size_t read_character(const unsigned char *at, size_t left, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = at[0] < 0x80			 ? 1
			: at[0] >= 0xC2 && at[0] <= 0xDF ? 2
			: at[0] >= 0xE0 && at[0] <= 0xEF ? 3
			: at[0] >= 0xF0 && at[0] <= 0xF4 ? 4
							 : 0;
	if (length == 0 || length > left)
		return 0;
	uint32_t character = length == 1 ? at[0] : at[0] & (0x7Fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xC0) != 0x80)
			return 0;
		character = character << 6 | (at[i] & 0x3Fu);
	}
	if (character < least[length] || character > 0x10FFFF ||
	    (character >= 0xD800 && character <= 0xDFFF))
		return 0;
	*ret = character;
	return length;
}

static bool is_visible(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7F && c <= 0x9F) && c != 0xAD && c != 0x61C &&
	       c != 0x180E && !(c >= 0x200B && c <= 0x200F) &&
	       !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2060 && c <= 0x206F) &&
	       c != 0xFEFF && !(c >= 0xFFF0 && c <= 0xFFFB) && c < 0xE0000;
}

size_t shown_bytes_of(FILE *to, const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t shown = 0;
	for (size_t i = 0; i < size;) {
		uint32_t character = at[i];
		size_t length = read_character(at + i, size - i, &character);
		if (character == '\\') {
			shown += (size_t)fprintf(to, "\\\\");
		} else if (length > 0 && is_visible(character)) {
			fwrite(at + i, 1, length, to);
			shown++;
		} else {
			shown += (size_t)fprintf(to, "\\u%04x", (unsigned)character);
		}
		i += length > 0 ? length : 1;
	}
	return shown;
}

size_t shown_text(FILE *to, const char *text)
{
	return shown_bytes_of(to, text, strlen(text));
}

void shown_column(FILE *to, const char *text, size_t width)
{
	size_t shown = shown_text(to, text);
	fprintf(to, "%*s", shown < width ? (int)(width - shown) : 0, "");
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
