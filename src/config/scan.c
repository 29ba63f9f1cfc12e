#include "scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX	10		  /* of @include, as in libconfig */
#define FILE_MAX_BYTES	((size_t)4 << 20) /* libconfig may take minutes for more */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct cursor {
	struct scan *scan;
	const char *file;
	const char *at, *end;
	int line;
	bool line_begins; /* only blanks so far on this line */
	bool in_string;	  /* strings that touch are one value */
	unsigned depth;
};

MUST_USE static int scan_file(struct scan *scan, const char *path, const char *shown,
			      unsigned depth);

static int add_scan_fault(struct scan *scan, const char *file, int line, const char *what)
{
	struct config_place place = { .file = file, .line = line };

	config_fault_add(scan->faults, CONFIG_ERROR, &place, "%s", what);
	return -1;
}

/* A fault of syntax: in scan_prove none is added, as libconfig tells more of it. */
static int add_text_fault(const struct cursor *cursor, int line, const char *what)
{
	return cursor->scan->proving
		       ? 0
		       : add_scan_fault(cursor->scan, cursor->file, line, what);
}

static int fault_of_change(struct scan *scan)
{
	return add_scan_fault(scan, scan->path, 0,
			      "it changed while it was being read; read it once more");
}

const char *scan_file_shown(struct arena *arena, const char *path, const char *folder,
			    const char *file)
{
	if (!file || strcmp(file, path) == 0)
		return path;
	return file[0] == '/' ? arena_copy(arena, file)
			      : arena_format(arena, "%s/%s", folder, file);
}

static void add_value(struct cursor *cursor, enum scan_kind kind, const char *text,
		      size_t size)
{
	struct scan *scan = cursor->scan;

	if (scan->proving)
		return;
	if (scan->count == scan->room) {
		size_t room = scan->room == 0 ? 256 : 2 * scan->room;
		struct scan_value *values =
			arena_alloc(&scan->arena, room, sizeof(*values));

		if (scan->count > 0)
			memcpy(values, scan->values, scan->count * sizeof(*values));
		scan->values = values;
		scan->room = room;
	}
	scan->values[scan->count++] = (struct scan_value){
		.kind = kind,
		.file = cursor->file,
		.line = cursor->line,
		.text = text ? arena_format(&scan->arena, "%.*s", (int)size, text) : NULL,
	};
}

static bool has_more(const struct cursor *cursor)
{
	return cursor->at < cursor->end;
}

static bool looking_at(const struct cursor *cursor, const char *text)
{
	size_t size = strlen(text);

	return (size_t)(cursor->end - cursor->at) >= size &&
	       memcmp(cursor->at, text, size) == 0;
}

static void step_cursor(struct cursor *cursor)
{
	if (*cursor->at == '\n')
		cursor->line++;
	cursor->at++;
}

static void skip_line(struct cursor *cursor)
{
	while (has_more(cursor) && *cursor->at != '\n')
		cursor->at++;
}

MUST_USE static int skip_comment(struct cursor *cursor)
{
	int line = cursor->line;

	for (cursor->at += 2; has_more(cursor); step_cursor(cursor)) {
		if (looking_at(cursor, "*/")) {
			cursor->at += 2;
			return 0;
		}
	}
	return add_text_fault(
		cursor, line,
		"the comment that begins here never ends; write */ behind it");
}

/* Goes behind the string that begins here. */
MUST_USE static int skip_string(struct cursor *cursor)
{
	int line = cursor->line;

	for (cursor->at++; has_more(cursor); step_cursor(cursor)) {
		if (*cursor->at == '"') {
			cursor->at++;
			return 0;
		}
		if (!cursor->scan->proving &&
		    (looking_at(cursor, "\\x00") || looking_at(cursor, "\\X00")))
			return add_scan_fault(cursor->scan, cursor->file, cursor->line,
					      "\\x00 can't stand in a text; remove it");
		if (*cursor->at == '\\' && cursor->end - cursor->at > 1)
			cursor->at++;
	}
	return add_text_fault(cursor, line,
			      "the text that begins here never ends; write \" behind it");
}

MUST_USE static int take_string(struct cursor *cursor)
{
	if (!cursor->in_string)
		add_value(cursor, SCAN_STRING, NULL, 0);
	cursor->in_string = true;
	return skip_string(cursor);
}

/* 1 to read the file, 0 to leave its fault to libconfig, -1 with a fault. */
MUST_USE static int prove_included(const struct cursor *cursor, const char *path)
{
	struct stat status;

	if (cursor->depth == DEPTH_MAX)
		return add_scan_fault(
			cursor->scan, cursor->file, cursor->line,
			"@include goes more than 10 files deep; no file may include "
			"itself");
	if (stat(path, &status) < 0)
		return 0;
	if (!S_ISREG(status.st_mode))
		return add_scan_fault(
			cursor->scan, cursor->file, cursor->line,
			"@include wants the name of a readable file, and this is no "
			"regular one; name each file on a line of its own");
	return access(path, R_OK) == 0;
}

/* The file's name stands in quotes, in which only \" and \\ are special. */
MUST_USE static int take_include(struct cursor *cursor)
{
	struct scan *scan = cursor->scan;
	const char *begin, *path;
	char *name, *to;

	while (*cursor->at != '"')
		cursor->at++;
	begin = cursor->at + 1;
	if (skip_string(cursor) < 0)
		return -1;
	if (cursor->at == begin || cursor->at[-1] != '"')
		return 0; /* the string never ends */
	name = to = arena_alloc(&scan->arena, (size_t)(cursor->at - begin), 1);
	for (const char *from = begin; from < cursor->at - 1; from++) {
		if (*from == '\\')
			from++;
		*to++ = *from;
	}
	/* libconfig 1.5 puts the folder before an absolute name too; later versions
	 * don't. Only a relative name means the same to all. */
	if (name[0] == '/')
		return add_scan_fault(
			scan, cursor->file, cursor->line,
			"@include wants a name relative to the folder of the "
			"configuration file; write it without the leading /");
	/* An empty name is the folder's. libconfig would end the process when it reads
	 * one. */
	path = arena_format(&scan->arena, "%s/%s", scan->folder, name);
	if (scan->proving) {
		int found = prove_included(cursor, path);

		if (found <= 0)
			return found;
	}
	return scan_file(scan, path, path, cursor->depth + 1);
}

static bool is_include(const struct cursor *cursor)
{
	const char *at = cursor->at + strlen("@include");

	if (!cursor->line_begins || !looking_at(cursor, "@include"))
		return false;
	while (at < cursor->end && (*at == ' ' || *at == '\t'))
		at++;
	return at < cursor->end && *at == '"';
}

/* Takes a name or a number. In scan_attach libconfig has proved that one stands here. */
static void take_word(struct cursor *cursor)
{
	const char *begin = cursor->at;
	size_t size;

	while (has_more(cursor) &&
	       (isalnum((unsigned char)*cursor->at) || memchr("+-._*", *cursor->at, 5)))
		cursor->at++;
	size = (size_t)(cursor->at - begin);
	if (isdigit((unsigned char)*begin) || memchr("+-.", *begin, 3))
		add_value(cursor, SCAN_NUMBER, begin, size);
	else if ((size == 4 && strncasecmp(begin, "true", size) == 0) ||
		 (size == 5 && strncasecmp(begin, "false", size) == 0))
		add_value(cursor, SCAN_BOOLEAN, NULL, 0);
	if (cursor->at == begin)
		cursor->at++;
}

MUST_USE static int take_next(struct cursor *cursor)
{
	if (looking_at(cursor, "/*"))
		return skip_comment(cursor);
	if (*cursor->at == '#' || looking_at(cursor, "//")) {
		skip_line(cursor);
		return 0;
	}
	if (isspace((unsigned char)*cursor->at)) {
		if (*cursor->at == '\n')
			cursor->line_begins = true;
		step_cursor(cursor);
		return 0;
	}
	if (is_include(cursor))
		return take_include(cursor);
	cursor->line_begins = false;
	if (*cursor->at == '"')
		return take_string(cursor);
	cursor->in_string = false;
	if (strchr("=:,;{}[]()", *cursor->at))
		cursor->at++;
	else
		take_word(cursor);
	return 0;
}

MUST_USE static int read_whole(const char *path, char **ret, size_t *ret_size)
{
	FILE *stream = fopen(path, "re");
	size_t size = 0, room = 0;
	char *text = NULL;

	if (!stream)
		return -1;
	do {
		char *bigger = realloc(text, room + 65536);

		if (!bigger)
			break;
		text = bigger;
		room += 65536;
		size += fread(text + size, 1, room - size, stream);
	} while (size == room && size <= FILE_MAX_BYTES);
	if ((size == room && size <= FILE_MAX_BYTES) || ferror(stream)) {
		free(text);
		fclose(stream);
		return -1;
	}
	fclose(stream);
	*ret = text;
	*ret_size = size;
	return 0;
}

MUST_USE static int scan_file(struct scan *scan, const char *path, const char *shown,
			      unsigned depth)
{
	struct cursor cursor = { .scan = scan,
				 .file = shown,
				 .line = 1,
				 .line_begins = true,
				 .depth = depth };
	char *text;
	size_t size;
	int result = 0;

	if (depth > DEPTH_MAX || read_whole(path, &text, &size) < 0)
		return fault_of_change(scan);
	cursor.at = text;
	cursor.end = text + size;
	if (size > FILE_MAX_BYTES)
		result = add_scan_fault(
			scan, shown, 0,
			"it is over 4 MiB, as no configuration is; name the right "
			"file");
	else if (looking_at(&cursor, BYTE_ORDER_MARK))
		result = add_scan_fault(
			scan, shown, 1,
			"it begins with a byte order mark; save it as UTF-8 "
			"without one");
	else if (memchr(text, '\0', size))
		result = add_scan_fault(
			scan, shown, 0,
			"it holds a NUL byte; write it anew as plain text");
	while (result == 0 && has_more(&cursor))
		result = take_next(&cursor);
	free(text);
	return result;
}

static bool fits_type(enum scan_kind kind, int type)
{
	switch (kind) {
	case SCAN_NUMBER:
		return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 ||
		       type == CONFIG_TYPE_FLOAT;
	case SCAN_STRING:
		return type == CONFIG_TYPE_STRING;
	case SCAN_BOOLEAN:
		return type == CONFIG_TYPE_BOOL;
	}
	return false;
}

/* Sets the hooks of `setting` and all below it to the next values. */
MUST_USE static int attach_values(struct scan *scan, config_setting_t *setting,
				  size_t *next)
{
	if (config_setting_is_aggregate(setting)) {
		int length = config_setting_length(setting);

		for (int i = 0; i < length; i++)
			if (attach_values(scan,
					  config_setting_get_elem(setting, (unsigned)i),
					  next) < 0)
				return -1;
		return 0;
	}
	if (*next >= scan->count ||
	    !fits_type(scan->values[*next].kind, config_setting_type(setting)))
		return fault_of_change(scan);
	config_setting_set_hook(setting, &scan->values[(*next)++]);
	return 0;
}

int scan_prove(struct scan *scan)
{
	scan->proving = true;
	return scan_file(scan, scan->path, scan->path, 0);
}

int scan_attach(struct scan *scan, config_setting_t *root)
{
	size_t next = 0;

	if (scan_file(scan, scan->path, scan->path, 0) < 0)
		return -1;
	if (attach_values(scan, root, &next) < 0)
		return -1;
	return next == scan->count ? 0 : fault_of_change(scan);
}

void scan_clear(struct scan *scan)
{
	arena_clear(&scan->arena);
	scan->values = NULL;
	scan->count = scan->room = 0;
}
