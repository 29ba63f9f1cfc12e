/*
 * What the auditor's process is held to, and what doesn't end it.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"

void process_ignore_signals(void);
/* Once all is open. 0; or -1, logged. */
MUST_USE int process_enter_sandbox(const struct config_audit *audit,
				   const struct sandbox_program *sandbox);
