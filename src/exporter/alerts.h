/*
 * Messages about single lines, made as they come: the gateway's start and stop, refusals,
 * alerts, changes, and checkpoints.
 */
#pragma once

#include "cathgate/config/config.h"
#include "log_line.h"
#include "outbox.h"

/* Does nothing with a line of another kind. */
void alerts_take(const struct config *config, const struct log_line *line,
		 struct outbox *outbox);
