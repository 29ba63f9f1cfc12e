/*
 * How the tool shows things to people. What stands in a log came from peers, and the log
 * itself perhaps by mail: none of it may steer a terminal or pass for something else.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes text with \u00xx for what is no visible character: controls, marks that change
 * the direction of writing, characters without width, what is not UTF-8; and \\ for a
 * backslash. Returns how many characters that are. */
size_t shown_text(FILE *to, const char *text);
size_t shown_bytes_of(FILE *to, const char *text, size_t size);

/* Text that came from elsewhere, a file's name say, for JSON: what isn't UTF-8, for which
 * JSON has no place, becomes \u00xx as on a terminal. */
json_t *shown_json(const char *text);

/* A message of our own with others' text in it: lines, tabs and backslashes stay. */
void shown_message(FILE *to, const char *text);

/* Like shown_text, with spaces behind it up to `width`. */
void shown_column(FILE *to, const char *text, size_t width);

/* How many characters shown_text writes of it; `is_shown`: it has done so already. */
size_t shown_length(const char *text, size_t size, bool is_shown);

/* Text as lines of at most `width` columns, the first behind `head`, the others as far
 * in; below the head, if that takes more than half of the width. No word is broken. The
 * head is ours: ASCII, with colours. */
void shown_wrapped(FILE *to, const char *head, const char *text, size_t width);
/* The same where the first line has come to `column`, and the others begin at `margin`;
 * without a newline at its end. Returns the column that this comes to. */
size_t shown_flow(FILE *to, const char *text, bool is_shown, size_t column, size_t margin,
		  size_t width);

#define SHOWN_SIZE_SIZE 32
/* "512.0 KiB"; "-" below 0. */
void shown_size(int64_t bytes, char ret[SHOWN_SIZE_SIZE]);

/* How many columns the terminal has: COLUMNS, or as it says itself; 0: it is none. */
size_t shown_width(FILE *to);

/* Whether it is a terminal that shows colours, and NO_COLOR isn't set. */
bool shown_in_colour(FILE *to);

/* Green for what went well, red for what did not, yellow for the unknown; "" else. */
const char *shown_colour_of(const char *outcome);
#define SHOWN_GREEN  "\033[32m"
#define SHOWN_RED    "\033[31m"
#define SHOWN_YELLOW "\033[33m"
#define SHOWN_PLAIN  "\033[0m"
