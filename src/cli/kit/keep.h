/*
 * Text made while a command runs: it stays until the tool ends, which is soon, so that
 * nobody has to ask who frees it. Without memory the tool ends. Never for secrets.
 */
#ifndef KEEP_H
#define KEEP_H

#include <stddef.h>

char *keep_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *keep_copy(const char *text, size_t size);

#endif
