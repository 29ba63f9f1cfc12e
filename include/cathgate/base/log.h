/*
 * The program's own log: standard error, one line a message, with sd-daemon's <N> level
 * prefix when the service manager reads it and plain otherwise.
 *
 * log_error: something failed, and an operator must act. log_warning: the program still
 * works, but not as it should. log_info: what is normal, and an operator wants to see.
 * log_debug: for developers. log_bug: a state that only a mistake of this program brings
 * about, or one of its processes that was taken over.
 *
 * Callers never pass a patient's name or ID, or the text of a PACS's error comment.
 * Characters that can't be seen, or that would steer a terminal, are escaped (visible.h).
 */
#pragma once

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes plain lines when `plain`, or when standard error isn't the journal's socket that
 * JOURNAL_STREAM names. Debug messages only with CATHGATE_DEBUG in the environment. */
void log_open(bool plain);

/* Puts a copy of `name` before each later message of this process, as in "association
 * 1a2b…: "; NULL: nothing. */
void log_context(const char *name);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_bug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For a signal's handler: a line made of these pieces, up to NULL. Async-signal-safe. */
enum log_pieces { LOG_PIECES_WARNING, LOG_PIECES_BUG };
void log_pieces(enum log_pieces verb, const char *first, ...) __attribute__((sentinel));

#ifdef __cplusplus
}
#endif
