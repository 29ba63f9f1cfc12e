/*
 * Text that grows, and how it is written into XML 1.0: for the audit messages.
 *
 * Without memory the process logs that and ends: the supervisor starts another exporter,
 * which goes on where the files end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes; /* not terminated; NULL while there is no room */
	size_t size, room;
};

void text_free(struct text *text);
void text_add(struct text *text, const char *bytes, size_t size);
void text_put(struct text *text, const char *string);
void text_put_number(struct text *text, uint64_t number);
/* Ends the text with a NUL that isn't counted, and returns it. */
const char *text_string(struct text *text);

/* UTF-8 as an attribute's value or as character data. Characters that XML 1.0 doesn't
 * allow or that can't be seen (visible.h) are written as the audit log writes controls,
 * \u001b: so a message is one line, and holds nothing that a terminal would obey. */
void text_put_xml(struct text *text, const char *utf8);
/* Base64 (RFC 4648) of a string's bytes. */
void text_put_base64(struct text *text, const char *string);
/* As a HOSTNAME of RFC 5424: printable ASCII, at most 255 of it, `-` for any other byte
 * and for an empty one. */
void text_put_host(struct text *text, const char *name);

/* As reallocarray and strdup, but they end the process on failure. NULL's copy is "". */
void *memory_resize(void *old, size_t count, size_t size);
char *memory_copy(const char *string);
