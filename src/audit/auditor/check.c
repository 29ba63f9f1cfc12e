#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/audit/auditor.h"
#include "cathgate/audit/checkpoint.h"
#include "audit/format/log_names.h"
#include "audit/format/pseudonym.h"

#define ERROR_SIZE 256

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

/* What keeps the lock beside the log from being taken, or NULL. */
static const char *lock_fault(const char *path)
{
	struct stat status;
	if (lstat(path, &status))
		return errno == ENOENT ? NULL : strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "no regular file";
	return may_access(path, R_OK | W_OK) ? NULL : "another user's";
}

static void check_log_file(const struct config_file *file, struct config_faults *faults)
{
	struct stat status;
	char *copy = strdup(file->path), lock[LOG_NAME_SIZE];
	const char *directory = copy ? dirname(copy) : "/";
	const char *fault = directory_fault(directory);
	log_name_lock(lock, file->path);
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
	else if (lock_fault(lock))
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "the audit log's lock %s is %s; remove it", lock,
				 lock_fault(lock));
	free(copy);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat of_a, of_b;
	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
	       of_a.st_ino == of_b.st_ino;
}

/* What is wrong with a directory that the exporter makes if it isn't there, or NULL. */
static const char *messages_fault(const char *path, const char *parent,
				  const char *log_directory)
{
	struct stat status;
	if (stat(path, &status)) {
		if (errno != ENOENT)
			return "can't be reached; let the gateway's user pass the "
			       "directories above it";
		return may_access(parent, W_OK | X_OK) ? NULL
						       : "does not exist and can't be "
							 "made; make it, owned by the "
							 "gateway's user";
	}
	if (!S_ISDIR(status.st_mode))
		return "is no directory; name one, or one that does not exist yet";
	if (!may_access(path, R_OK | W_OK | X_OK))
		return "can't be written to; let the gateway's user own it";
	if (is_same_file(path, log_directory))
		return "is the audit log's own; name one for the messages alone, such as "
		       "/var/log/cathgate/messages";
	return NULL;
}

static void check_messages(const struct config_audit *audit, struct config_faults *faults)
{
	char *copy = strdup(audit->messages.path);
	char *log = strdup(audit->file.path ? audit->file.path : "/");
	const char *fault = copy && log ? messages_fault(audit->messages.path,
							 dirname(copy), dirname(log))
					: "can't be looked at: no memory";
	if (fault)
		config_fault_add(faults, CONFIG_ERROR, &audit->messages.place,
				 "the audit messages' directory %s %s",
				 audit->messages.path, fault);
	free(copy);
	free(log);
}

/* What is wrong with a key, or NULL. */
typedef const char *trial(const struct config_audit *audit);

static const char *open_signing_key(const struct config_audit *audit)
{
	const char *error = NULL;
	struct signing_key *key = signing_key_open(&audit->signing_key, &error);
	signing_key_free(key);
	return key ? NULL : error;
}

static const char *open_pseudonym_key(const struct config_audit *audit)
{
	const char *error = NULL;
	struct pseudonym pseudonym;
	if (pseudonym_open(audit, &pseudonym, &error) == 0)
		pseudonym_close(&pseudonym);
	return error;
}

/* A process of its own tries it, so that what is left of a key ends with it. OpenSSL
 * keeps copies of it. A copy also stays in a vector register, and the dynamic linker
 * saves those on the stack when it looks a function up. */
static const char *try_apart(trial *open_key, const struct config_audit *audit,
			     char ret[ERROR_SIZE])
{
	int ends[2], status = 0;
	ssize_t size = -1;
	if (pipe2(ends, O_CLOEXEC))
		return "can't be tried: no descriptors";
	pid_t pid = fork();
	if (pid == 0) {
		const char *error = open_key(audit);
		size_t length = error ? strlen(error) : 0;
		_exit(write(ends[1], error, length) != (ssize_t)length);
	}
	close(ends[1]);
	if (pid > 0) {
		size = read(ends[0], ret, ERROR_SIZE - 1);
		if (waitpid(pid, &status, 0) != pid || status != 0)
			size = -1;
	}
	close(ends[0]);
	if (size < 0)
		return "can't be tried: no more processes";
	ret[size] = '\0';
	return size > 0 ? ret : NULL;
}

static void check_pseudonym_key(const struct config_audit *audit,
				struct config_faults *faults)
{
	const struct config_file *file = &audit->pseudonym_key;
	char room[ERROR_SIZE];
	const char *error =
		file->path ? try_apart(open_pseudonym_key, audit, room) : NULL;
	if (error)
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "the pseudonym key %s %s", file->path, error);
	if (!file->path && audit->patient_id == CONFIG_PATIENT_PSEUDONYM)
		config_fault_add(
			faults, CONFIG_WARNING, &file->place,
			"there is no pseudonym_key: the audit log leaves the patient "
			"out; make a key with: openssl rand -base64 32, or write "
			"patient_id = \"omit\"");
}

static void check_signing_key(const struct config_audit *audit,
			      struct config_faults *faults)
{
	const struct config_file *file = &audit->signing_key;
	char room[ERROR_SIZE];
	if (!file->path) {
		config_fault_add(faults, CONFIG_WARNING, &file->place,
				 "there is no signing_key: the audit log's checkpoints "
				 "are not signed, and who can write to the log can make "
				 "it anew; make a key with: cathgate audit keygen FILE");
		return;
	}
	const char *error = try_apart(open_signing_key, audit, room);
	if (error)
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "the signing key %s %s", file->path, error);
}

void audit_check(const struct config_audit *audit, struct config_faults *faults)
{
	if (audit->file.path)
		check_log_file(&audit->file, faults);
	else
		config_fault_add(faults, CONFIG_ERROR, &audit->file.place,
				 "there is no audit log; write file = "
				 "\"/var/log/cathgate/audit.jsonl\"");
	check_pseudonym_key(audit, faults);
	check_signing_key(audit, faults);
	if (audit->messages.path)
		check_messages(audit, faults);
}
