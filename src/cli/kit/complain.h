/* What went wrong, to standard error: "cathgate: …". */
#ifndef COMPLAIN_H
#define COMPLAIN_H

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
