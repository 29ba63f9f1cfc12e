/*
 * Memory that is kept until the tool ends, so that no caller has to free what it gets. A
 * command runs briefly and makes little text. Where there is no memory, the tool ends.
 * Never for secrets: nothing is wiped.
 */
#pragma once

#include <stddef.h>

/* All zeros. */
void *keep_bytes(size_t size);
char *keep_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A copy of `size` bytes, with a NUL behind them. */
char *keep_copy(const char *text, size_t size);
/* A list as text with one more item: "A, B" after "A". The first list is "". */
const char *keep_listed(const char *list, const char *separator, const char *item);
