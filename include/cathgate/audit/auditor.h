/*
 * The auditor: the one process that writes the audit log. Every other process tells it
 * what happened (client.h).
 *
 * Promises: lines are only ever appended, whole, each chained to the one before; an
 * instance or association whose process dies without telling its end is recorded by the
 * auditor itself; a record that could not be written is kept and written when the disk
 * recovers, but never reported durable. What an auditor finds at its start is read whole
 * and judged: a torn end, or a log that was changed, is moved aside and told of, never
 * dropped. A file whose sync failed, or that another program moved or changed, is
 * followed by a new one, in which the chain goes on. Signed checkpoints come as
 * configured, and at start, stop and rotation; the note of the last one stands beside the
 * log. Rotated files are removed only whole, covered by a checkpoint, and with a line
 * that says so; their notes stay.
 *
 * Nothing here keeps a thief of the signing key, or without such a key a user who may
 * write to the log, from making it anew; checkpoints kept off the host show that.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"

/* Opens the log (locked; waits up to 5 s for another's lock), reads its live file whole,
 * sends AUDIT_READY (client.h) on `control` and works until the control socket and every
 * channel have closed. Returns the exit status of the process: 0; or 1, logged with its
 * cure, when the log, the pseudonym key or the signing key can't be opened, or when
 * records were left unwritten.
 *
 * What the auditor finds at opening goes into the detail of the first record if that is
 * `start`, else into an alert before it; a broken log always gets an alert. The auditor
 * ignores signals that ask a process to end. Once it has opened all that, it enters its
 * sandbox, which leaves it the log's folder. */
MUST_USE int auditor_run(int control, const struct config *config,
			 const struct sandbox_program *sandbox);

/* Adds what is wrong with audit.file and the keys, for --check and start. A process of
 * its own reads the signing key, so that no scraps of it stay in memory. */
void audit_check(const struct config_audit *audit, struct config_faults *faults);
