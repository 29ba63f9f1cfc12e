/*
 * What a line of the audit log says, by its members' names. Every program that reads
 * lines reads them so; cli/log/line_scan.h is a faster way to the same answers.
 *
 * A line with a NUL (\u0000) in a text is no line: the auditor writes none, and a reader
 * that took the text for a C string would miss what stands behind the NUL.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

/* The line without its newline. NULL when it is no JSON object, or memory is short. The
 * caller frees it (json_decref). */
MUST_USE json_t *members_read(const char *line, size_t size);
/* "" where there is no such text. Valid as long as the line. */
const char *members_text(const json_t *line, const char *name);
/* -1 where there is no such number, or it is below 0. */
int64_t members_number(const json_t *line, const char *name);
