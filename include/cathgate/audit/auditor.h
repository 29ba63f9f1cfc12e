/*
 * The auditor: the one process that writes the audit log. Every other process tells it
 * what happened (client.h).
 *
 * Promises: lines are only ever appended, whole, each chained to the one before; an
 * instance or association whose process dies without a last word is recorded by the
 * auditor itself; a record that could not be written is kept and written when the disk
 * recovers, but never reported durable. What an auditor finds at its start is read whole
 * and judged: a torn end, or a log that somebody changed, is moved aside and told of,
 * never dropped. A file whose sync failed, or that somebody else moved or changed, is
 * followed by a new one, in which the chain goes on. Signed checkpoints come as
 * configured, and at start, stop and rotation; the note of the last one stands beside the
 * log. Rotated files are removed only whole, covered by a checkpoint, and with a line
 * that says so; their notes stay.
 *
 * Nothing here keeps somebody who has the signing key, or may write to the log without
 * one, from making it anew; checkpoints kept off the host show that.
 */
#ifndef CATHGATE_AUDIT_AUDITOR_H
#define CATHGATE_AUDIT_AUDITOR_H

#include "cathgate/config/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens the log (locked; waits up to 5 s for another's lock) and reads its live file
 * whole, says AUDIT_READY, and works until the control socket and every line have closed.
 * Returns the exit status of the process: 0; or 1, logged with its cure, when the log,
 * the pseudonym key or the signing key can't be opened, or when records were left
 * unwritten.
 *
 * What was found at opening is told in the detail of the first record if that is `start`,
 * else in an alert before it; of a broken log an alert tells in any case. Signals that
 * ask a process to end are ignored. */
int auditor_run(int control, const struct config *config);

/* What is wrong with audit.file and the keys, for --check and start. The signing key is
 * read by a process of its own, none of which is left for associations to inherit. */
void audit_check(const struct config_audit *audit, struct config_faults *faults);

#ifdef __cplusplus
}
#endif

#endif
