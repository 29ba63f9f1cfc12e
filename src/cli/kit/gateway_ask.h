/*
 * The gateway that runs here, asked on its control socket.
 */
#pragma once

#include <jansson.h>
#include <sys/socket.h>

#include "cathgate/base/must_use.h"

/* Where to ask, as the configuration says. The caller frees it; NULL without memory. */
MUST_USE char *gateway_socket(const char *config);
/* The same, but NULL where the configuration names none, or can't be read. */
MUST_USE char *gateway_socket_named(const char *config);

/* The answer, JSON, which the caller frees; NULL with errno, EPERM when we may not know.
 * *ret_peer (may be NULL): who answers. */
MUST_USE char *gateway_ask(const char *path, struct ucred *ret_peer);

/* Why systemd may not run the gateway of that configuration, and what to do. Kept; NULL
 * when it is another's, or nothing is known to be wrong. */
const char *gateway_trouble(const char *config);

/* The same, read; EBADMSG for what is no JSON. The caller frees it. */
MUST_USE json_t *gateway_status(const char *path);

/* What to do about that errno. `config` (may be NULL): of the gateway that was asked. */
const char *gateway_cure(int error, const char *config);
/* Says, by errno, why there may be no answer, and the cure. */
void gateway_complain_silence(const char *path, const char *config);
