/*
 * Asks the gateway that runs here how it is, over its socket.
 */
#pragma once

#include <jansson.h>

/* The socket that the configuration names; the usual one for a user who can't read it.
 * The caller frees it; NULL without memory. */
char *ask_socket(const char *config);

/* The caller frees it; NULL with errno: EPERM or EACCES when we may not know, EBADMSG for
 * what is no answer. */
json_t *ask_status(const char *path);
/* What to do about that errno. */
const char *ask_cure(int error);
