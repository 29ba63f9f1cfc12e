/*
 * The audit log as it is at one moment, while the gateway writes it: hard links of its
 * files in a hidden folder, so that a rotation meanwhile neither hides a line nor gives
 * it twice.
 *
 * How far the exporter has come (audit.exported…) is left out. The journal is in no
 * backup, and neither are the audit messages, a folder below: a gateway that was told
 * that both have all lines would never tell those that were lost.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"
#include "hidden.h"

/* Makes the hidden folder with CONTENTS_LOG in it. `log`: the path of audit.jsonl.
 * *ret_size: of all its files. -1 with a message. */
MUST_USE int log_links_make(struct hidden *hidden, const char *log, off_t *ret_size);

/* Whether that file beside the log says how far it was exported. */
bool log_links_is_position(const char *log, const char *name);
/* Whether it is a lock or a draft, which are of no use elsewhere. */
bool log_links_is_passing(const char *name);
/* Links a regular file, of a folder that another user may change meanwhile. The file's
 * size; 0 when it is none, or gone; -1 with errno. */
MUST_USE off_t log_links_link(int from, int to, const char *name);
