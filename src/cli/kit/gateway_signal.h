/*
 * The signal by which a gateway is told to reload, sent to nobody else.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "cathgate/base/must_use.h"

/* Tells the process to reload, as root with the rights of that user only: its PID may
 * come from a process that an attacker has taken over. The errno; 0 when it is done. */
MUST_USE int gateway_signal(const struct ucred *to);

/* The service's main process and its user, by systemd's word, for a service that doesn't
 * answer: the ExecReload= of the unit is told it (MAINPID), and root may ask. Only of the
 * configuration that the service runs with. */
MUST_USE bool gateway_service(const char *config, struct ucred *ret);
