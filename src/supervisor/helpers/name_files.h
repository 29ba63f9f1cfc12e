/*
 * What the machine's name service reads, by whatever modules it has (nsswitch.conf(5)):
 * libraries, all of /etc but what has our keys, and the places of its well-known helpers.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"

/* Enters the sandbox with those. A file of /etc that was replaced since (resolv.conf) is
 * out of reach: sandbox_is_stale. 0; or -1, logged. */
MUST_USE int name_files_enter(const struct sandbox_program *sandbox,
			      const struct config *config);
