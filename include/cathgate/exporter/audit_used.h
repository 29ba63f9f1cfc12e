/*
 * Tells the hospital's audit repository that somebody reads the audit log, by a DICOM
 * audit message (PS3.15 A.5.3.2, Audit Log Used). The gateway's own tools do so when they
 * read the live log of a configuration that has audit.messages.
 */
#pragma once

#include "cathgate/base/must_use.h"

struct audit_log_used {
	const char *log;      /* audit.file */
	const char *messages; /* audit.messages */
	const char *node;     /* gateway.name, or the host's */
	const char *program;  /* as in "cathgate audit" */
};

/* Leaves a message in the directory, a file of its own, durably: which user read the log
 * and with which program. 0; -1 with errno when it can't be left there, EACCES when the
 * user may not. The tool says so then, and shows the log all the same. */
MUST_USE int audit_log_used_note(const struct audit_log_used *used);
