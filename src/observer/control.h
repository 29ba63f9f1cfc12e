/*
 * The socket of `cathgate status`. A client that may know gets one byte and, with it, a
 * descriptor to read the answer from; then the connection is closed. The observer waits
 * for no client, and a client leaves nothing behind.
 */
#pragma once

#include <stdbool.h>

/* Listens at the path, or with NULL at the usual one, if its folder exists. -1 when there
 * is no socket, after logging if there should be one. Another gateway's is left alone. */
int control_open(const char *path);
void control_close(int listener, const char *path);

/* Accepts one client: *ret_client is its socket. False when none waits, or the next one
 * may not know. */
bool control_accept(int listener, int *ret_client);
/* Answers and hangs up. */
void control_answer(int client, const char *answer);
