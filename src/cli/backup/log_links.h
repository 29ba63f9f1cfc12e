/*
 * The audit log as it is at one moment, while the gateway writes it: hard links of its
 * files in a hidden folder, so that a rotation meanwhile neither hides a line nor gives
 * it twice.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "hidden.h"

/* Makes the hidden folder with CONTENTS_LOG in it. `log`: the path of audit.jsonl. -1
 * with a message. */
MUST_USE int log_links_make(struct hidden *hidden, const char *log);
