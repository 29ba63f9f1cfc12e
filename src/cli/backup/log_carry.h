/*
 * What lies beside the audit log and is in no backup, above all the folder of audit
 * messages that wait for their repository, and how far the exporter has come: restore
 * takes it along into the folder that takes the log's place.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "staged.h"

/* Links into the staged folder what that lacks of the one that is there now, but the log
 * itself. -1 with a message, also for what can't be linked. */
MUST_USE int log_carry(const struct staged *staged);
