#include "live_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/audit/log_clock.h"

__attribute__((format(printf, 3, 4))) static void keep_finding(
	struct live_log *log, enum live_log_finding_kind kind, const char *format, ...)
{
	va_list arguments;
	/* The first findings are kept: what came later follows from them. */
	if (log->finding_count == LIVE_LOG_FINDINGS_MAX)
		return;
	struct live_log_finding *finding = &log->findings[log->finding_count++];
	finding->kind = kind;
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
	if (kind == LIVE_LOG_HAPPENED)
		log_error("%s: %s", log->file.path, finding->text);
}

static int open_key(struct live_log *log)
{
	const char *error;
	if (!log->audit->signing_key.path)
		return 0;
	log->key = signing_key_open(&log->audit->signing_key, &error);
	if (log->key)
		return 0;
	log_error("the signing key %s %s", log->audit->signing_key.path, error);
	return -1;
}

/* recovery_run moves a broken log aside; then the file is opened once more. */
static int open_live_file(struct live_log *log, int wait_ms, struct recovery *ret)
{
	enum recovery_result result = RECOVERY_MOVED;
	for (int turn = 0; turn < 3 && result == RECOVERY_MOVED; turn++) {
		log_file_close(&log->file);
		if (log_file_open(log->audit->file.path, wait_ms, &log->file))
			return -1;
		result = recovery_run(log->file.fd, log->file.path, log->key, ret);
	}
	if (result == RECOVERY_MOVED)
		log_error("%s: it is there again each time that it is moved aside",
			  log->file.path);
	return result == RECOVERY_DONE ? 0 : -1;
}

/* From now on the file's age goes by clock_ms(). A file that begins in the future, since
 * the clock has been set back, has no known age: it counts as old. */
static void begin_age(struct live_log *log)
{
	bool is_ahead = log->end.first_time > time(NULL) + LOG_CLOCK_LEAP_SECONDS;
	log->end.first_ms =
		clock_ms() - (is_ahead ? log->audit->rotate_hours * INT64_C(3600000) : 0);
}

int live_log_open(const struct config_audit *audit, int wait_ms, struct live_log *ret)
{
	struct live_log log = { .audit = audit, .file = { .fd = -1, .lock = -1 } };
	struct recovery found;
	if (open_key(&log) || open_live_file(&log, wait_ms, &found)) {
		live_log_close(&log);
		return -1;
	}
	log.end = found.end;
	log.found_time = found.last_time;
	begin_age(&log);
	if (log.end.tree.size == 0)
		log.end.first_seq = log.end.chain.next_seq;
	log.file.size = log.file.good_size = found.size;
	if (found.broken[0])
		keep_finding(&log, LIVE_LOG_BROKEN, "%s", found.broken);
	if (found.findings[0])
		keep_finding(&log, LIVE_LOG_FOUND, "%s", found.findings);
	if (found.taken[0])
		keep_finding(&log, LIVE_LOG_TAKEN, "%s", found.taken);
	*ret = log;
	return 0;
}

void live_log_close(struct live_log *log)
{
	log_file_close(&log->file);
	signing_key_free(log->key);
	log->key = NULL;
}

void live_log_told(struct live_log *log)
{
	for (size_t i = 0; i < log->finding_count; i++) {
		if (log->findings[i].kind == LIVE_LOG_BROKEN)
			aside_broken_told(log->file.path);
	}
	log->finding_count = 0;
}

static void rename_note(struct live_log *log, const char *to)
{
	char note[LOG_NAME_SIZE];
	log_name(note, log->file.path, ".checkpoint");
	if (log_rename(note, to) && errno != ENOENT)
		log_warning("%s: it can't be renamed to %s: %m", note, log_name_base(to));
}

/* Keeps the note of a rotated file: it says how many lines that file had. */
static void retire_note(struct live_log *log, const struct log_rotated *rotated)
{
	char to[LOG_NAME_SIZE];
	log_name_rotated(to, log->file.path, rotated, ".checkpoint");
	rename_note(log, to);
	if (!log->is_note_due)
		return;
	/* The note that was renamed is older than the file's last checkpoint. */
	log->late = log->note;
	memcpy(log->late_note, to, sizeof(log->late_note));
	log->is_note_due = false;
}

/* Keeps the note of a file that is gone, until another takes its place. */
static void leave_note(struct live_log *log)
{
	struct log_rotated gone = { .first_seq = log->end.first_seq };
	log_name_rotated(log->gone_note, log->file.path, &gone, ".checkpoint");
}

static void begin_end(struct live_log *log)
{
	log->end = (struct log_end){ .chain = log->end.chain,
				     .first_seq = log->end.chain.next_seq };
	log->is_note_due = false;
}

static int move_aside(struct live_log *log, const char *what,
		      char ret_name[LOG_NAME_SIZE])
{
	if (aside_one(log->file.path, ret_name))
		return -1;
	keep_finding(log, LIVE_LOG_HAPPENED,
		     "%s; it is now %.80s, and line %" PRIu64 " is the next here", what,
		     log_name_base(ret_name), log->end.chain.next_seq);
	return 0;
}

/* Makes a new file in place of one that is retired or gone. */
static int begin_file(struct live_log *log, bool is_gone)
{
	char name[LOG_NAME_SIZE];
	int result = log_file_begin(&log->file);
	if (result && errno == EEXIST &&
	    move_aside(log, "another file stood in the log's place", name) == 0)
		result = log_file_begin(&log->file);
	if (result)
		return -1;
	if (is_gone) {
		keep_finding(log, LIVE_LOG_HAPPENED,
			     "the log was moved or removed in use, with the lines before "
			     "%" PRIu64,
			     log->end.chain.next_seq);
		leave_note(log);
	}
	begin_end(log);
	return 0;
}

/* logrotate's copytruncate, say, has emptied the file. */
static void follow_emptied(struct live_log *log)
{
	keep_finding(log, LIVE_LOG_HAPPENED,
		     "the log was emptied in use, with the lines before %" PRIu64
		     "; what emptied it may have a copy",
		     log->end.chain.next_seq);
	log->file.size = log->file.good_size = 0;
	leave_note(log);
	begin_end(log);
}

static int follow_changed(struct live_log *log)
{
	char name[LOG_NAME_SIZE];
	if (move_aside(log, "another program changed the log's file", name))
		return -1;
	log_name(log->gone_note, name, ".checkpoint");
	log->file.is_retired = true;
	return 0;
}

static bool has_happened(const struct live_log *log)
{
	for (size_t i = 0; i < log->finding_count; i++) {
		if (log->findings[i].kind == LIVE_LOG_HAPPENED)
			return true;
	}
	return false;
}

/* Renames the file that couldn't be synced. A file in which nothing is durable is no file
 * of the log; one that held nothing but what is being written anew is removed. */
static int rename_failed(struct live_log *log, char ret_name[LOG_NAME_SIZE])
{
	const char *path = log->file.path;
	char stamp[LOG_STAMP_SIZE];
	struct log_rotated rotated;
	if (log->end.tree.size > 0) {
		if (log_rename_rotated(path, log->end.first_seq, &rotated))
			return -1;
		retire_note(log, &rotated);
		log_name_rotated(ret_name, path, &rotated, ".jsonl");
		return 0;
	}
	log_name_stamp(stamp);
	log_name(ret_name, path, ".torn-%s", stamp);
	return has_happened(log) ? unlink(path) : log_rename(path, ret_name);
}

static int retire_failed(struct live_log *log)
{
	char name[LOG_NAME_SIZE] = "a file that was moved";
	char durable[64] = "no line is durable";
	bool is_told = log->end.tree.size == 0 && has_happened(log);
	if (log_file_look(&log->file) == LOG_FILE_GONE)
		leave_note(log);
	else if (rename_failed(log, name))
		return -1;
	log->is_failed = false;
	log->file.is_retired = true;
	if (is_told)
		return 0; /* the finding about the file before it says enough */
	if (log->end.tree.size > 0)
		snprintf(durable, sizeof(durable), "%" PRIu64 " is the last durable line",
			 log->end.chain.next_seq - 1);
	keep_finding(log, LIVE_LOG_HAPPENED,
		     "the log could not be made durable: %s; it is closed as %.80s, of "
		     "which %s",
		     log->failure, log_name_base(name), durable);
	return 0;
}

int live_log_give_up(struct live_log *log, int error)
{
	snprintf(log->failure, sizeof(log->failure), "%s", strerror(error));
	log->is_failed = true;
	/* What isn't durable is cut off, if that still works. If not, the next file's
	 * first line shows from where on it goes on. */
	if (ftruncate(log->file.fd, log->file.good_size) || fsync(log->file.fd))
		log_warning("%s: what is not durable can't be cut off for good: %m",
			    log->file.path);
	return retire_failed(log);
}

int live_log_prepare(struct live_log *log)
{
	bool is_gone = false;
	if (log->is_failed && retire_failed(log))
		return -1;
	if (!log->file.is_retired) {
		enum log_file_state state = log_file_look(&log->file);
		/* Without the lock's file another gateway may have done it. */
		if (state != LOG_FILE_HERE && log_file_keep_lock(&log->file))
			return -1;
		switch (state) {
		case LOG_FILE_HERE:
			return 0;
		case LOG_FILE_EMPTIED:
			follow_emptied(log);
			return 0;
		case LOG_FILE_CHANGED:
			if (follow_changed(log))
				return -1;
			break;
		case LOG_FILE_GONE:
			is_gone = true;
		}
	}
	return begin_file(log, is_gone);
}

bool live_log_has_note(const struct live_log *log)
{
	return log->is_note_due || log->late_note[0];
}

static int put_note_file(struct live_log *log, const char *path,
			 const struct checkpoint *note)
{
	char text[CHECKPOINT_TEXT_SIZE];
	if (log_put_file(path, text, checkpoint_note(note, text)) == 0)
		return 0;
	if (!log->has_said_note)
		log_error("%s: the checkpoint's note can't be written: %m; free "
			  "space, and let the gateway's user own the directory",
			  path);
	log->has_said_note = true;
	return -1;
}

int live_log_put_note(struct live_log *log)
{
	char path[LOG_NAME_SIZE];
	if (log->late_note[0] && put_note_file(log, log->late_note, &log->late) == 0)
		log->late_note[0] = '\0';
	if (log->is_note_due) {
		/* The lock is looked at with each note, not for each line. A second
		 * gateway that started meanwhile is noticed by its change of the log. */
		(void)log_file_keep_lock(&log->file);
		if (log->gone_note[0])
			rename_note(log, log->gone_note);
		log->gone_note[0] = '\0';
		log_name(path, log->file.path, ".checkpoint");
		if (put_note_file(log, path, &log->note) == 0)
			log->is_note_due = false;
	}
	if (live_log_has_note(log))
		return -1;
	log->has_said_note = false;
	return 0;
}

int live_log_rotate(struct live_log *log)
{
	struct log_rotated rotated;
	live_log_put_note(log);
	if (log_file_look(&log->file) != LOG_FILE_HERE)
		return -1; /* live_log_prepare sees to that before the next line */
	if (log_rename_rotated(log->file.path, log->end.first_seq, &rotated)) {
		if (!log->has_said_rotation)
			log_error("%s: the log can't be rotated: %m; let the gateway's "
				  "user own its directory",
				  log->file.path);
		log->has_said_rotation = true;
		return -1;
	}
	log->has_said_rotation = false;
	log->file.is_retired = true;
	if (rotated.again)
		keep_finding(log, LIVE_LOG_HAPPENED,
			     "the name of the rotated file that begins with line %" PRIu64
			     " was taken: it is number %u of that name",
			     rotated.first_seq, rotated.again);
	retire_note(log, &rotated);
	return begin_file(log, false);
}
