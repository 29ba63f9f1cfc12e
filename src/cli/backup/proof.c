#include "proof.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/audit/log_reader.h"
#include "cathgate/base/lock_file.h"
#include "cathgate/config/config.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"

#define SITE  "/" CONTENTS_SITE
#define UNITS "cathgated.socket cathgated.service cathgate-syslog.service"
#define STOP  "systemctl stop " UNITS

/* -1 where there is nothing to lock; -2 with a message when it can't be had: `held` where
 * another process has it. */
static int take(const char *path, const char *held)
{
	int lock = lock_file_take(path, 0);

	if (lock >= 0 || errno == ENOENT)
		return lock;
	if (errno == EWOULDBLOCK)
		complain("%s", held);
	else
		complain("%s: it can't be locked: %s; see whose it is, and remove it if "
			 "no gateway runs",
			 path, strerror(errno));
	return -2;
}

/* The lock of the log that the gateway has by the configuration which is there now. */
static int take_log(void)
{
	struct config_faults faults = { 0 };
	const char *path;
	char *log = NULL;
	size_t length;
	int lock = -1;

	if (config_audit_file(SITE "/cathgate.conf", &log, &faults) == 0) {
		length = strlen(log);
		path = length > 6 && strcmp(log + length - 6, ".jsonl") == 0
			       ? keep_copy(log, length - 6)
			       : log;
		lock = take(keep_format("%s.lock", path),
			    "a gateway runs and has the audit log open: stop it, as "
			    "with " STOP);
	}
	config_faults_clear(&faults);
	free(log);
	return lock;
}

int proof_stopped(struct proof_locks *ret)
{
	*ret = (struct proof_locks){ -1, -1 };
	if (system("systemctl --quiet is-active " UNITS " 2>/dev/null") == 0) {
		complain("the gateway runs, its socket waits for the next modality, or "
			 "cathgate-syslog reads its audit messages: stop all three "
			 "with " STOP);
		return -1;
	}
	ret->site = take(SITE "/.lock", "another cathgate command is at work in " SITE
					"; try again when it has ended");
	ret->log = ret->site == -2 ? -2 : take_log();
	if (ret->log != -2)
		return 0;
	proof_locks_release(ret);
	return -1;
}

void proof_locks_release(const struct proof_locks *locks)
{
	if (locks->site >= 0)
		close(locks->site);
	if (locks->log >= 0)
		close(locks->log);
}

/* In a mount namespace of its own the staged folder stands where it will be, so that
 * absolute paths in the configuration lead into it, too. Where this machine lets nobody
 * have one, relative paths do all the same. */
static const char *config_to_check(const struct staged *staged)
{
	const char *site = keep_format("%s/" CONTENTS_SITE, staged->etc.path);

	if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount(site, SITE, NULL, MS_BIND, NULL) == 0)
		return SITE "/cathgate.conf";
	return keep_format("%s/cathgate.conf", site);
}

int proof_config(const struct staged *staged, const struct daemon_user *user)
{
	const struct durable_owner passable = { (uid_t)-1, user->gid, 0710 };
	const struct durable_owner closed = { (uid_t)-1, (gid_t)-1, 0700 };
	int status = -1;
	pid_t child;

	if (durable_settle_at(staged->etc.folder, ".", &passable) < 0)
		return complain_file(staged->etc.path);
	child = fork();
	if (child == 0) {
		setenv("CREDENTIALS_DIRECTORY",
		       keep_format("%s/" CONTENTS_CREDENTIALS, staged->etc.path), 1);
		_exit(daemon_user_check(user, config_to_check(staged)) == 0 ? 0 : 1);
	}
	if (child > 0 && waitpid(child, &status, 0) != child)
		status = -1;
	/* Root may refuse what is there, keys with it, and think it over before. */
	if (durable_settle_at(staged->etc.folder, ".", &closed) < 0)
		return complain_file(staged->etc.path);
	if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	complain("so nothing was restored; with --unchecked it is, for you to mend");
	return -1;
}

struct last_line {
	uint64_t seq;
	char *text; /* NULL: there is none */
};

static bool keep_line(void *context, const struct log_reader_line *line, off_t offset)
{
	struct last_line *last = context;

	(void)offset;
	last->seq = line->seq;
	last->text = keep_copy(line->text, line->size);
	return false;
}

static int find_last(const char *log, struct last_line *ret)
{
	size_t count;
	char **files;
	int result = log_reader_files(log, &files, &count);

	if (result < 0)
		return errno == ENOENT ? 0 : -1;
	for (size_t i = count; result == 0 && i-- > 0 && !ret->text;)
		result = log_reader_backwards(files[i], keep_line, ret);
	log_reader_files_free(files, count);
	return result;
}

static bool has_line(const char *log, const struct last_line *wanted)
{
	struct log_reader *reader = log_reader_open(log, wanted->seq);
	struct log_reader_line line;
	enum log_reader_result result = LOG_READER_GAP;
	bool has = false;

	while (reader && result == LOG_READER_GAP)
		result = log_reader_next(reader, &line);
	if (reader && result == LOG_READER_LINE)
		has = line.seq == wanted->seq && line.size == strlen(wanted->text) &&
		      memcmp(line.text, wanted->text, line.size) == 0;
	if (reader)
		log_reader_close(reader);
	return has;
}

int proof_log(const struct staged *staged)
{
	const char *log = staged->manifest.log;
	struct last_line last = { 0 };

	if (find_last(log, &last) < 0)
		return complain_file(log);
	if (!last.text || has_line(keep_format("%s/" CONTENTS_LOG "/%s", staged->log.path,
					       durable_base(log)),
				   &last))
		return 0;
	complain("%s has lines that the backup has not, up to seq %" PRIu64
		 ": restore all else with --without-log; or, if the backup's log is to "
		 "go on, first move that folder away and keep it",
		 log, last.seq);
	return -1;
}
