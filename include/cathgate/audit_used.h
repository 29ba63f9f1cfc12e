/*
 * That somebody reads the audit log: a DICOM audit message (PS3.15 A.5.3.2, Audit Log
 * Used) for the hospital's audit repository. The gateway's own tools call this when they
 * read the live log of a configuration that has audit.messages.
 */
#ifndef CATHGATE_AUDIT_USED_H
#define CATHGATE_AUDIT_USED_H

#include "cathgate/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Leaves a message in audit.messages, a file of its own, durably: which user read the log
 * and with which program, as in "cathgate audit verify". 0, also when the configuration
 * wants no messages; -1 with errno when it can't be left there, EACCES when the user may
 * not: for the tool to say, and no reason not to show the log. */
int audit_log_used_note(const struct config *config, const char *program);

#ifdef __cplusplus
}
#endif

#endif
