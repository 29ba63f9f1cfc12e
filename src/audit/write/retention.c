#include "retention.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"
#include "cathgate/audit/log_clock.h"
#include "cathgate/audit/log_verify.h"
#include "audit/read/log_listing.h"

#define SECONDS_A_DAY 86400
#define TAIL_SIZE     65536

void retention_keep(struct retention *retention, uint64_t first_seq)
{
	retention->has_kept = true;
	retention->kept = first_seq;
}

void retention_begin(struct retention *retention, time_t newest)
{
	*retention = (struct retention){ .known = newest ? newest : time(NULL),
					 .known_ms = clock_ms() };
}

void retention_resume(struct retention *retention, const char *path)
{
	struct log_clock clock;
	if (log_clock_read(path, &clock))
		return;
	retention->known = clock.known;
	retention->ahead_ms = clock.ahead_ms ? clock_ms() - clock.ahead_ms : 0;
}

static void save_clock(struct retention *retention, const char *path)
{
	int64_t now_ms = clock_ms();
	struct log_clock clock = {
		.known = retention->known +
			 (time_t)((now_ms - retention->known_ms) / 1000),
		.ahead_ms = retention->ahead_ms ? now_ms - retention->ahead_ms : 0
	};
	if (now_ms < retention->save_ms)
		return;
	retention->save_ms = now_ms + LOG_CLOCK_SAVE_MS;
	if (log_clock_write(path, &clock) == 0 || retention->has_said_clock)
		return;
	retention->has_said_clock = true;
	log_warning("%s: the time that is believed can't be written down beside it: %m; "
		    "let the gateway's user own the directory",
		    path);
}

/* The time that files' ages are judged by. */
static time_t believed_time(struct retention *retention)
{
	time_t now = time(NULL);
	int64_t now_ms = clock_ms();
	time_t expected =
		retention->known + (time_t)((now_ms - retention->known_ms) / 1000);
	bool is_ahead = now > expected + LOG_CLOCK_LEAP_SECONDS;
	if (is_ahead && retention->ahead_ms == 0) {
		retention->ahead_ms = now_ms;
		log_info("the clock is %jd s ahead of the audit log: by that time no old "
			 "file of it is removed for a day",
			 (intmax_t)(now - expected));
	}
	if (is_ahead && now_ms - retention->ahead_ms < SECONDS_A_DAY * INT64_C(1000))
		return expected;
	retention->known = now;
	retention->known_ms = now_ms;
	retention->ahead_ms = 0;
	return now;
}

/* Why a checkpoint doesn't cover the whole file; NULL when one does. The scan has proved
 * the root of each of its checkpoint lines, and the note's where one was given. */
static const char *not_covered(const struct log_verify_file *found,
			       const struct signing_key *key)
{
	if (found->fault.kind != LOG_VERIFY_NO_FAULT)
		return log_verify_kind_name(found->fault.kind);
	if (found->checkpoints == 0 || found->lines_behind_checkpoint > 0)
		return "no checkpoint covers its last lines";
	if (key &&
	    checkpoint_verify_own(&found->last_checkpoint, key) != CHECKPOINT_HOLDS)
		return "its last checkpoint is not signed with the key in use";
	return NULL;
}

/* Goes by what the file's last line says, without proof: the scan comes later. */
static bool is_old(const char *path, time_t before)
{
	char end[TAIL_SIZE + 1], time[UTC_TEXT_SIZE] = "";
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t at = fd >= 0 && fstat(fd, &status) == 0 && status.st_size > TAIL_SIZE
			   ? status.st_size - TAIL_SIZE
			   : 0;
	ssize_t got = fd >= 0 ? pread(fd, end, TAIL_SIZE, at) : -1;
	if (fd >= 0)
		close(fd);
	if (got <= 1)
		return false;
	end[got] = '\0';
	const char *newline = memrchr(end, '\n', (size_t)got - 1);
	const char *line = newline ? newline + 1 : end;
	return sscanf(line, "{\"seq\":%*u,\"time\":\"%27[^\"]", time) != 1 ||
	       utc_seconds(time) < before;
}

static int scan_file(const char *path, const struct checkpoint *note,
		     struct log_verify_file *ret)
{
	struct log_verify_options options = { .checkpoints = note,
					      .checkpoint_count = note ? 1 : 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result = fd >= 0 ? log_verify_scan(fd, &options, ret) : -1;
	if (fd >= 0)
		close(fd);
	return result;
}

static void write_detail(const struct log_verify_file *found, const char *path,
			 unsigned keep_days, char ret[ASIDE_FINDING_SIZE])
{
	char hash[DIGEST_HEX_SIZE];
	digest_hex(found->chain.last_hash, DIGEST_SIZE, hash);
	snprintf(ret, ASIDE_FINDING_SIZE,
		 "%.60s: %" PRIu64 " lines from %" PRIu64 " on, the last of %s, hash %s; "
		 "older than %u days",
		 log_name_base(path), found->lines, found->first_seq, found->last_time,
		 hash, keep_days);
}

static bool is_removable(struct retention *retention, const char *log_path,
			 const struct log_rotated *rotated, unsigned keep_days,
			 const struct signing_key *key,
			 char ret_detail[ASIDE_FINDING_SIZE])
{
	time_t before = believed_time(retention) - (time_t)keep_days * SECONDS_A_DAY;
	char file[LOG_NAME_SIZE], note_path[LOG_NAME_SIZE];
	struct checkpoint note;
	struct log_verify_file found;
	log_name_rotated(file, log_path, rotated, ".jsonl");
	log_name_rotated(note_path, log_path, rotated, ".checkpoint");
	bool is_kept = retention->has_kept && retention->kept == rotated->first_seq;
	if (is_kept || !is_old(file, before))
		return false;
	bool has_note = log_get_note(note_path, &note) == 0;
	const char *fault = "it can't be read";
	if (scan_file(file, has_note ? &note : NULL, &found) == 0) {
		if (found.lines > 0 && utc_seconds(found.last_time) >= before)
			return false;
		fault = not_covered(&found, key);
	}
	if (fault) {
		log_warning("%s: older than keep_days, but kept, and all that is younger "
			    "with it: %s; look at it with cathgate audit verify, and "
			    "remove it by hand",
			    file, fault);
		retention_keep(retention, rotated->first_seq);
		return false;
	}
	write_detail(&found, file, keep_days, ret_detail);
	return true;
}

bool retention_find(struct retention *retention, const char *path, unsigned keep_days,
		    const struct signing_key *key, struct log_rotated *ret,
		    char ret_detail[ASIDE_FINDING_SIZE])
{
	struct log_rotated *list;
	size_t count;
	believed_time(retention);
	save_clock(retention, path);
	if (log_rotated_list(path, &list, &count)) {
		log_warning("%s: its directory can't be read: %m", path);
		return false;
	}
	bool is_found = count > 0 && is_removable(retention, path, &list[0], keep_days,
						  key, ret_detail);
	if (is_found)
		*ret = list[0];
	free(list);
	return is_found;
}
