/* What went wrong, to standard error: "cathgate: …". */
#pragma once

/* What in the text isn't visible, is shown as \u00xx. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on each complaint begins with what it is about, as "list.csv:4"; NULL: it
 * doesn't. Kept by the caller. */
void complain_about(const char *what);

/* That memory is short. Returns -1. */
int complain_memory(void);

/* "PATH: why", of errno. Returns -1. */
int complain_file(const char *path);

/* What to do where a file or folder can't be written, by errno. Root isn't told to be
 * root. */
const char *complain_cure(int error);

/* Why OpenSSL has refused something. Returns -1. */
int complain_openssl(void);
