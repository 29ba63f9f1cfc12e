/*
 * The exporter: one process that reads the audit log and tells its lines elsewhere, as
 * entries of the systemd journal and as DICOM audit messages.
 *
 * Promises: both get every line of the log, in order. None is left out because one of
 * them, the log or this process fails: the exporter then goes on where it was, and only
 * the journal may get the lines of the last second or so twice. Neither waits for the
 * other. How far they have come stands beside the log in `audit.exported` (the journal;
 * `audit` as the log's name without .jsonl) and `audit.exported-messages`. The exporter
 * knows no key, holds no lock of the log, and nobody waits for it.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"

/* How long the exporter may go on when its control socket has closed. */
#define EXPORTER_FINISH_MS 5000

/* Whether the configuration wants the journal and this machine has one now. To be asked
 * once at start: the exporter waits for a journal that goes away later. */
bool exporter_finds_journal(const struct config_audit *audit);

/* Works until the control socket closes, which must not be before the auditor has ended;
 * then exports what the log still holds, up to its end or EXPORTER_FINISH_MS. Returns
 * the exit status of the process: 0; 1, logged, when there is no memory. */
MUST_USE int exporter_run(int control, const struct config *config, bool journal,
			  const struct sandbox_program *sandbox);
