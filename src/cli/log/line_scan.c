#include "line_scan.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/utf8.h"

#define DEPTH_MAX  4
#define DIGITS_MAX 18 /* so that no number overflows */

static const char *const names[LINE_SCAN_MEMBERS] = {
	[LINE_SCAN_TIME] = "time",
	[LINE_SCAN_EVENT] = "event",
	[LINE_SCAN_OUTCOME] = "outcome",
	[LINE_SCAN_REASON] = "reason",
	[LINE_SCAN_ASSOCIATION] = "association",
	[LINE_SCAN_MODALITY] = "modality",
	[LINE_SCAN_SOP_INSTANCE] = "sop_instance",
	[LINE_SCAN_STUDY] = "study",
	[LINE_SCAN_PATIENT] = "patient",
	[LINE_SCAN_BYTES] = "bytes",
	[LINE_SCAN_TOTAL_MS] = "total_ms",
};

struct walk {
	const unsigned char *at, *end;
	struct line_scan *scan;
	size_t used; /* of its buffer */
	/* Where this line's run begins and ends; NULL: not yet. */
	const unsigned char *run, *run_end;
	bool has_modality; /* in the run */
	bool is_unusual;   /* the order of members: the run isn't kept */
};

#define ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Sets the high bit of each of eight bytes that is a quote, a backslash, a control
 * character or not ASCII. Behind the first such byte a borrow may mark others, too. */
static uint64_t find_special(uint64_t word)
{
	uint64_t quote = word ^ ALL('"'), backslash = word ^ ALL('\\');
	uint64_t found = (quote - ALL(1)) | (backslash - ALL(1)) | (word - ALL(0x20));
	return (found | word) & ALL(0x80);
}

static inline const unsigned char *skip_plain(const unsigned char *at,
					      const unsigned char *end)
{
	uint64_t word;
	for (; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		uint64_t special = find_special(le64toh(word));
		if (special)
			return at + __builtin_ctzll(special) / 8;
	}
	while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return at;
}

static bool skip_character(struct walk *walk)
{
	uint32_t character;
	size_t length = utf8_read((const char *)walk->at, (size_t)(walk->end - walk->at),
				  &character);
	walk->at += length;
	return length > 0;
}

/* An escape of one byte, as the auditor writes them: \" \\ or \u00XX, but not NUL. */
static bool skip_escape(struct walk *walk)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	const unsigned char *at = walk->at;
	size_t left = (size_t)(walk->end - at);
	if (left >= 2 && (at[1] == '"' || at[1] == '\\')) {
		walk->at += 2;
		return true;
	}
	if (left < 6 || memcmp(at, "\\u00", 4) != 0 || !memchr(hex, at[4], 22) ||
	    !memchr(hex, at[5], 22) || (at[4] == '0' && at[5] == '0'))
		return false;
	walk->at += 6;
	return true;
}

/* Takes what stands between two quotes. */
static bool take_string(struct walk *walk, const char **ret, size_t *ret_size,
			bool *ret_is_escaped)
{
	if (walk->at == walk->end || *walk->at != '"')
		return false;
	*ret = (const char *)++walk->at;
	*ret_is_escaped = false;
	for (;;) {
		walk->at = skip_plain(walk->at, walk->end);
		if (walk->at == walk->end || *walk->at < 0x20)
			return false;
		if (*walk->at == '"')
			break;
		bool is_escape = *walk->at == '\\';
		*ret_is_escaped |= is_escape;
		if (is_escape ? !skip_escape(walk) : !skip_character(walk))
			return false;
	}
	*ret_size = (size_t)((const char *)walk->at++ - *ret);
	return true;
}

static bool take_number(struct walk *walk, int64_t *ret)
{
	const unsigned char *begin = walk->at;
	int64_t number = 0;
	while (walk->at < walk->end && *walk->at >= '0' && *walk->at <= '9' &&
	       walk->at - begin < DIGITS_MAX)
		number = 10 * number + (*walk->at++ - '0');
	if (walk->at == begin || walk->at == walk->end ||
	    (*begin == '0' && walk->at - begin > 1))
		return false;
	*ret = number;
	return *walk->at == ',' || *walk->at == '}';
}

static enum line_scan_member member_of(const char *name, size_t size)
{
	enum line_scan_member member = 0;
	while (member < LINE_SCAN_MEMBERS &&
	       (names[member][0] != name[0] || strncmp(names[member], name, size) != 0 ||
		names[member][size] != '\0'))
		member++;
	return member;
}

static void keep_text(struct walk *walk, enum line_scan_member member, const char *text,
		      size_t size)
{
	char *copy = walk->scan->buffer + walk->used;
	memcpy(copy, text, size);
	copy[size] = '\0';
	walk->scan->texts[member] = copy;
	walk->used += size + 1;
}

static bool take_object(struct walk *walk, unsigned depth);

/* Of a member that comes twice the last value counts. */
static bool take_value(struct walk *walk, enum line_scan_member member, unsigned depth)
{
	bool is_text = member < LINE_SCAN_TEXTS, is_escaped;
	bool is_number = !is_text && member < LINE_SCAN_MEMBERS;
	int64_t number = -1;
	const char *text = "";
	size_t size = 0;
	if (walk->at == walk->end)
		return false;
	if (*walk->at == '{') {
		if (!take_object(walk, depth + 1))
			return false;
	} else if (*walk->at == '"') {
		if (!take_string(walk, &text, &size, &is_escaped) ||
		    (is_text && is_escaped))
			return false;
	} else if (!take_number(walk, &number)) {
		return false;
	}
	if (is_text)
		keep_text(walk, member, text, size);
	if (is_number)
		walk->scan->numbers[member - LINE_SCAN_TEXTS] = number;
	return true;
}

/* Passes the run of an earlier line, if the same bytes stand here. */
static bool pass_run(struct walk *walk)
{
	struct line_scan *scan = walk->scan;
	size_t left = (size_t)(walk->end - walk->at);
	if (scan->run.size == 0 || left < scan->run.size ||
	    memcmp(walk->at, scan->run.bytes, scan->run.size) != 0)
		return false;
	walk->at += scan->run.size;
	walk->is_unusual = true; /* the run is kept already */
	scan->texts[LINE_SCAN_ASSOCIATION] = scan->run.association;
	if (scan->run.modality)
		scan->texts[LINE_SCAN_MODALITY] = scan->run.modality;
	return true;
}

/* A run holds `association`, once and first, and of the other members that are scanned at
 * most `modality`; neither stands elsewhere in the line. */
static void note_run(struct walk *walk, enum line_scan_member member,
		     const unsigned char *at)
{
	bool is_within = walk->run && !walk->run_end;
	if (member == LINE_SCAN_ASSOCIATION) {
		walk->is_unusual |= walk->run != NULL;
		walk->run = at;
	} else if (member == LINE_SCAN_SOP_INSTANCE && is_within) {
		walk->run_end = at;
	} else if (member == LINE_SCAN_MODALITY) {
		walk->is_unusual |= !is_within || walk->has_modality;
		walk->has_modality = true;
	} else {
		walk->is_unusual |= is_within && member != LINE_SCAN_MEMBERS;
	}
}

static bool take_object(struct walk *walk, unsigned depth)
{
	if (depth > DEPTH_MAX || walk->at == walk->end || *walk->at++ != '{')
		return false;
	for (;;) {
		const char *name;
		size_t size;
		bool is_escaped;
		if (depth == 1 && pass_run(walk))
			continue;
		const unsigned char *begin = walk->at;
		if (!take_string(walk, &name, &size, &is_escaped) || is_escaped ||
		    walk->at == walk->end || *walk->at++ != ':')
			return false;
		enum line_scan_member member =
			depth == 1 ? member_of(name, size) : LINE_SCAN_MEMBERS;
		if (depth == 1)
			note_run(walk, member, begin);
		if (!take_value(walk, member, depth) || walk->at == walk->end)
			return false;
		unsigned char next = *walk->at++;
		if (next == '}')
			return true;
		if (next != ',')
			return false;
	}
}

/* Keeps a line's run for the lines behind it. */
static void keep_run(const struct walk *walk)
{
	struct line_scan *scan = walk->scan;
	if (!walk->run_end || walk->is_unusual)
		return;
	size_t size = (size_t)(walk->run_end - walk->run);
	const char *association = scan->texts[LINE_SCAN_ASSOCIATION];
	const char *modality = scan->texts[LINE_SCAN_MODALITY];
	size_t association_size = strlen(association) + 1;
	size_t room = size + association_size + strlen(modality) + 1;
	scan->run.size = 0;
	if (room > scan->run.room) {
		char *bytes = realloc(scan->run.bytes, room);
		if (!bytes)
			return;
		scan->run.bytes = bytes;
		scan->run.room = room;
	}
	scan->run.size = size;
	memcpy(scan->run.bytes, walk->run, size);
	scan->run.association = strcpy(scan->run.bytes + size, association);
	scan->run.modality =
		walk->has_modality
			? strcpy(scan->run.association + association_size, modality)
			: NULL;
}

bool line_scan(struct line_scan *scan, const char *line, size_t size)
{
	/* All texts fit: each has a NUL for its two quotes in the line. */
	if (scan->room <= size) {
		char *buffer = realloc(scan->buffer, size + 1);
		if (!buffer)
			return false;
		scan->buffer = buffer;
		scan->room = size + 1;
	}
	for (size_t i = 0; i < LINE_SCAN_TEXTS; i++)
		scan->texts[i] = "";
	for (size_t i = 0; i < LINE_SCAN_MEMBERS - LINE_SCAN_TEXTS; i++)
		scan->numbers[i] = -1;
	struct walk walk = { .at = (const unsigned char *)line,
			     .end = (const unsigned char *)line + size,
			     .scan = scan };
	if (!take_object(&walk, 1) || walk.at != walk.end)
		return false;
	keep_run(&walk);
	return true;
}

void line_scan_free(struct line_scan *scan)
{
	free(scan->buffer);
	free(scan->run.bytes);
	*scan = (struct line_scan){ .room = 0 };
}
