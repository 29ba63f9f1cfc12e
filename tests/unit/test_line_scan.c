/*
 * Goal: what is scanned of a line is what a JSON parser reads there, or is left to it;
 * also where lines are broken, odd or forged, and one after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/audit/members.h"
#include "cli/log/line_scan.h"

static const char *const texts[LINE_SCAN_TEXTS] = {
	"time",	    "event",	    "outcome", "reason", "association",
	"modality", "sop_instance", "study",   "patient"
};
static const char *const numbers[] = { "bytes", "total_ms" };

#define HEAD                                                                          \
	"{\"seq\":7,\"time\":\"2026-01-31T12:00:01.000000Z\",\"node\":\"cathlab-3\"," \
	"\"event\":\"instance\",\"outcome\":\"failed\",\"reason\":\"internal\","
#define WHO                                                                            \
	"\"association\":\"0123456789abcdef\",\"peer\":\"192.0.2.7:104\",\"subject\":" \
	"\"CN=M\xc3\xbcller\\\\x,O=\\\"\\u00fc\",\"tls\":{\"version\":\"TLSv1.3\"},"   \
	"\"modality\":\"angio\","
#define WHAT                                                                         \
	"\"sop_instance\":\"1.2.3\",\"study\":\"1.9\",\"patient\":\"p5\",\"bytes\":" \
	"524288,"                                                                    \
	"\"total_ms\":90,\"hash\":\"00\"}"

/* True when it was scanned. */
static bool compare(struct line_scan *scan, const char *line, size_t size)
{
	if (!line_scan(scan, line, size))
		return false;
	json_t *read = members_read(line, size);
	if (!read)
		fail_msg("no JSON, but scanned: %.*s", (int)size, line);
	for (size_t i = 0; i < LINE_SCAN_TEXTS; i++) {
		if (strcmp(scan->texts[i], members_text(read, texts[i])) != 0)
			fail_msg("%s is \"%s\": %.*s", texts[i], scan->texts[i],
				 (int)size, line);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (scan->numbers[i] != members_number(read, numbers[i]))
			fail_msg("%s: %.*s", numbers[i], (int)size, line);
	}
	json_decref(read);
	return true;
}

static void what_the_writer_writes_is_scanned(void **state)
{
	(void)state;
	static const char *const lines[] = {
		HEAD WHO WHAT,
		"{\"seq\":0,\"event\":\"start\"}",
		HEAD
		"\"detail\":\"\\u0001\\\"\\\\\xe2\x82\xac\xf0\x9f\x98\x80\"," WHO WHAT,
		HEAD
		"\"tls\":{\"a\":{\"event\":\"x\"}},\"bytes\":0,\"event\":\"twice\"," WHAT,
		/* Beside the run of the line before: */
		HEAD WHO WHAT,
		HEAD "\"modality\":\"first\"," WHO WHAT,
		HEAD "\"association\":\"1\"," WHO WHAT,
		HEAD WHO "\"modality\":\"last\"," WHAT,
		HEAD WHO "\"sop_instance\":\"1\",\"association\":\"2\"," WHAT,
		HEAD "\"modality\":\"echo\",\"association\":\"3\"," WHAT,
		HEAD "\"modality\":\"other\",\"association\":\"3\"," WHAT,
		HEAD "\"association\":\"4\",\"study\":\"1\"," WHAT,
		HEAD "\"association\":\"4\"," WHAT,
		HEAD "\"modality\":\"kept\",\"association\":\"4\"," WHAT,
		HEAD "\"association\":{\"a\":1},\"modality\":7," WHAT,
	};
	struct line_scan scan = { .room = 0 };
	for (int turn = 0; turn < 3; turn++) {
		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
			if (!compare(&scan, lines[i], strlen(lines[i])))
				fail_msg("not scanned: %s", lines[i]);
		}
	}
	line_scan_free(&scan);
}

static void what_is_odd_is_left_to_the_parser(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"",
		"{",
		"{}x",
		"{\"seq\":1,}",
		"{\"a\":1.5}",
		"{\"a\":01}",
		"{\"a\":-1}",
		"{\"a\":1234567890123456789}",
		"{\"a\":true}",
		"{\"a\":[]}",
		"{\"a\" :1}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\q\"}",
		"{\"\\u0061\":1}",
		"{\"study\":\"\\u0031\"}",
		"{\"a\":\"\xc0\x80\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"\xe2\x82\"}",
		"{\"a\":\"\x1f\"}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}",
	};
	struct line_scan scan = { .room = 0 };
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (line_scan(&scan, lines[i], strlen(lines[i])))
			fail_msg("scanned: %s", lines[i]);
	}
	assert_null(members_read("{\"a\":\"1\\u00002\"}", 16)); /* no C string */
	line_scan_free(&scan);
}

static size_t below(size_t limit)
{
	return (size_t)rand() % limit;
}

/* Bytes changed, removed, doubled and put in. */
static size_t mutate(char *line, size_t size, size_t room)
{
	static const char *const pieces[] = {
		"\"",
		"\\",
		"\\u0041",
		"{",
		"}",
		",",
		"\xc3",
		"\xc3\xa9",
		"0",
		"\x01",
		"\"study\":\"2\",",
		"7",
		"\"modality\":\"m\",",
		"\"association\":\"a\",",
		"\"bytes\":5,",
	};
	for (size_t i = below(4); i > 0 && size > 2; i--) {
		size_t at = below(size), length = 1 + below(40);
		const char *piece = pieces[below(sizeof(pieces) / sizeof(*pieces))];
		if (at + length > size)
			length = size - at;
		switch (below(4)) {
		case 0:
			line[at] = (char)below(256);
			break;
		case 1:
			memmove(line + at, line + at + length, size - at - length);
			size -= length;
			break;
		case 2:
			length = strlen(piece);
			/* fall through */
		default:
			if (size + length > room)
				break;
			memmove(line + at + length, line + at, size - at);
			if (length == strlen(piece))
				memcpy(line + at, piece, length);
			size += length;
		}
	}
	return size;
}

static void mutated_lines_are_read_alike(void **state)
{
	(void)state;
	static const char *const seeds[] = { HEAD WHO WHAT,
					     HEAD "\"association\":\"4\"," WHAT };
	struct line_scan scan = { .room = 0 };
	unsigned scanned = 0;
	srand(9);
	for (int i = 0; i < 200000; i++) {
		/* Of its exact size, so that a sanitizer sees who reads beyond. */
		char line[2048];
		const char *seed = seeds[below(2)];
		memcpy(line, seed, strlen(seed));
		size_t size = mutate(line, strlen(seed), sizeof(line));
		char *exact = malloc(size + 1);
		memcpy(exact, line, size);
		char *shrunk = realloc(exact, size ? size : 1);
		scanned += compare(&scan, shrunk, size);
		free(shrunk);
	}
	assert_in_range(scanned, 20000, 199999);
	line_scan_free(&scan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_writer_writes_is_scanned),
		cmocka_unit_test(what_is_odd_is_left_to_the_parser),
		cmocka_unit_test(mutated_lines_are_read_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
