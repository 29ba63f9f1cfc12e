/*
 * That somebody reads the audit log: a DICOM audit message (PS3.15 A.5.3.2, Audit Log
 * Used) for the hospital's audit repository. The gateway's own tools call this when they
 * read the live log of a configuration that has audit.messages.
 */
#ifndef CATHGATE_AUDIT_USED_H
#define CATHGATE_AUDIT_USED_H

#ifdef __cplusplus
extern "C" {
#endif

struct audit_log_used {
	const char *log;      /* audit.file */
	const char *messages; /* audit.messages */
	const char *node;     /* gateway.name, or the host's */
	const char *program;  /* as in "cathgate audit" */
};

/* Leaves a message in the directory, a file of its own, durably: which user read the log
 * and with what. 0; -1 with errno when it can't be left there, EACCES when the user may
 * not: for the tool to say, and no reason not to show the log. */
int audit_log_used_note(const struct audit_log_used *used);

#ifdef __cplusplus
}
#endif

#endif
