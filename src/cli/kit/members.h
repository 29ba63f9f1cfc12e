/*
 * What a line of the log says, by its members' names.
 */
#ifndef CLI_MEMBERS_H
#define CLI_MEMBERS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when the line is no JSON object. The caller frees it (json_decref). */
json_t *members_read(const char *line, size_t size);
/* "" where there is no such text. */
const char *members_text(const json_t *line, const char *name);
/* -1 where there is no such number. */
int64_t members_number(const json_t *line, const char *name);
/* Text that came from elsewhere, a file's name say: JSON has no place for what isn't
 * UTF-8, which becomes \u00xx as on a terminal. */
json_t *members_shown(const char *text);
/* When it was written: MOMENT_NONE where it doesn't say. */
int64_t members_moment(const json_t *line);

#endif
