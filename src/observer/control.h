/*
 * The socket of `cathgate status`. Whoever connects and may know gets one byte and, with
 * it, a descriptor to read the answer from; then the connection is closed. No client is
 * ever waited for, and none leaves anything behind.
 */
#ifndef OBSERVER_CONTROL_H
#define OBSERVER_CONTROL_H

#include <stdbool.h>

/* The listening socket; -1 when there is none, logged if it should be. Another gateway's
 * is left alone. NULL: at the usual place, if that exists. */
int control_open(const char *path);
void control_close(int listener, const char *path);

/* Takes one client. *ret_client is his; false when there is none now, or none that may
 * know. */
bool control_accept(int listener, int *ret_client);
/* Answers and hangs up. */
void control_answer(int client, const char *answer);

#endif
