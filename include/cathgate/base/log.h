/*
 * The program's own log: standard error, one line a message, with sd-daemon's <N> level
 * prefix when the service manager reads it and plain otherwise.
 *
 * Four verbs tell whose fault it is: log_error, the world refused us something and
 * somebody must act; log_warning, it still works, but not as it should; log_info, what
 * an operator wants to know on a good day; log_debug, what a developer wants. log_bug
 * is for what cannot happen: our own mistake.
 *
 * Never a patient's name, ID or the text of a PACS's error comment. What a peer sent is
 * printed with what can't be seen, or would steer a terminal, escaped (visible.h).
 */
#ifndef CATHGATE_LOG_H
#define CATHGATE_LOG_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Plain lines when `plain`; else <N> prefixes when JOURNAL_STREAM says that standard
 * error is the journal's. Debug messages only with CATHGATE_DEBUG in the environment. */
void log_open(bool plain);

/* Puts `name` before each later message of this process, as in "association 1a2b…: ";
 * copied; NULL for none. */
void log_context(const char *name);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_bug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

#endif
