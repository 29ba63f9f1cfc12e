#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pseudonym.h"

static bool may_access(const char *path, int how)
{
	return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

/* What is wrong with the directory that holds the log, or NULL. */
static const char *directory_fault(const char *directory)
{
	struct stat status;
	if (stat(directory, &status))
		return "does not exist; make it, owned by the gateway's user";
	if (!S_ISDIR(status.st_mode))
		return "is no directory; write the path of a file within one";
	if (!may_access(directory, W_OK | X_OK))
		return "can't be written to; let the gateway's user own it";
	return NULL;
}

static void check_file(const struct config_file *file, struct config_faults *faults)
{
	struct stat status;
	char *copy = strdup(file->path);
	const char *directory = copy ? dirname(copy) : "/";
	const char *fault = directory_fault(directory);
	if (fault)
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "the audit log's directory %s %s", directory, fault);
	else if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode))
		config_fault_add(
			faults, CONFIG_ERROR, &file->place,
			"the audit log %s is no regular file; name one that is, or "
			"one that does not exist yet",
			file->path);
	else if (may_access(file->path, F_OK) && !may_access(file->path, R_OK | W_OK))
		config_fault_add(
			faults, CONFIG_ERROR, &file->place,
			"the audit log %s can't be written; let the gateway's user "
			"own it",
			file->path);
	free(copy);
}

void audit_check(const struct config_audit *audit, struct config_faults *faults)
{
	const struct config_place *key_place = &audit->pseudonym_key.place;
	struct pseudonym pseudonym;
	const char *error;
	if (audit->file.path)
		check_file(&audit->file, faults);
	else
		config_fault_add(faults, CONFIG_ERROR, &audit->file.place,
				 "there is no audit log; write file = "
				 "\"/var/log/cathgate/audit.jsonl\"");
	if (pseudonym_open(audit, &pseudonym, &error))
		config_fault_add(faults, CONFIG_ERROR, key_place,
				 "the pseudonym key %s %s", audit->pseudonym_key.path,
				 error);
	else
		pseudonym_close(&pseudonym);
	if (!audit->pseudonym_key.path && audit->patient_id == CONFIG_PATIENT_PSEUDONYM)
		config_fault_add(
			faults, CONFIG_WARNING, key_place,
			"there is no pseudonym_key: the audit log leaves the patient "
			"out; make a key with: openssl rand -base64 32, or write "
			"patient_id = \"omit\"");
}
