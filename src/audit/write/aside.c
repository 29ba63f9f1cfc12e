#include "aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/durable.h"
#include "cathgate/base/log.h"
#include "audit/read/log_listing.h"

#define CHUNK_SIZE 65536
#define FILE_MODE  0640

/* From `at` to the end; `to` may be -1, `digest` NULL. */
static int copy_hashed(int from, off_t at, int to, struct digest *digest, off_t *ret_size)
{
	char chunk[CHUNK_SIZE];
	off_t copied = 0;
	for (;;) {
		ssize_t got = pread(from, chunk, sizeof(chunk), at + copied);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			*ret_size = copied;
			return got == 0 ? 0 : -1;
		}
		if ((to >= 0 && durable_write(to, chunk, (size_t)got)) ||
		    (digest && digest_update(digest, chunk, (size_t)got)))
			return -1;
		copied += got;
	}
}

/* Copies the whole or nothing: half a copy would be mistaken for the whole. */
static int copy_torn(int fd, off_t at, const char *torn)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, FILE_MODE };
	struct durable_draft draft;
	off_t size;
	int result = durable_begin(torn, DURABLE_CREATE, &draft);
	if (result == 0 && copy_hashed(fd, at, draft.fd, NULL, &size)) {
		durable_abandon(&draft);
		result = -1;
	} else if (result == 0) {
		result = durable_finish(&draft, &own);
	}
	if (result)
		log_error("%s: the torn end of the audit log can't be saved here: %m; "
			  "let the gateway's user write in this directory, and free "
			  "space",
			  torn);
	return result;
}

void aside_add_clause(char finding[ASIDE_FINDING_SIZE], const char *clause)
{
	size_t used = strlen(finding);
	if (clause[0])
		snprintf(finding + used, ASIDE_FINDING_SIZE - used, "%s%s",
			 used ? "; " : "", clause);
}

static int hash_from(int fd, off_t at, off_t *ret_size, char ret[DIGEST_HEX_SIZE])
{
	uint8_t sha256[DIGEST_SIZE];
	struct digest *digest = digest_new();
	int result = !digest || copy_hashed(fd, at, -1, digest, ret_size) ||
				     digest_finish(digest, sha256)
			     ? -1
			     : 0;
	if (result == 0)
		digest_hex(sha256, sizeof(sha256), ret);
	digest_free(digest);
	return result;
}

static void describe_torn(const char *torn, off_t size, const char *sha256,
			  char ret[ASIDE_FINDING_SIZE])
{
	snprintf(ret, ASIDE_FINDING_SIZE,
		 "%" PRIdMAX " bytes of a torn line, SHA-256 %s, moved to %s",
		 (intmax_t)size, sha256, log_name_base(torn));
}

/* The name of the newest torn end that is younger than `time` and not named in `finding`;
 * "" when there is none. */
static void find_torn(const char *log_path, const char *time, const char *finding,
		      char ret[LOG_NAME_SIZE])
{
	char begin[LOG_NAME_SIZE], stamp[LOG_STAMP_SIZE], newest[LOG_STAMP_SIZE] = "";
	log_name_stamp_of(time, stamp);
	log_name(begin, log_path, ".torn-");
	size_t length = strlen(log_name_base(begin));
	DIR *directory = log_open_directory(log_path);
	ret[0] = '\0';
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		const char *its_stamp = entry->d_name + length;
		if (strncmp(entry->d_name, log_name_base(begin), length) == 0 &&
		    strlen(its_stamp) < sizeof(newest) && strcmp(its_stamp, stamp) > 0 &&
		    strcmp(its_stamp, newest) > 0 && !strstr(finding, its_stamp))
			snprintf(newest, sizeof(newest), "%s", its_stamp);
	}
	if (directory)
		closedir(directory);
	if (newest[0])
		log_name(ret, log_path, ".torn-%s", newest);
}

static int hash_file(const char *path, off_t *ret_size, char ret[DIGEST_HEX_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = fd >= 0 ? hash_from(fd, 0, ret_size, ret) : -1;
	if (fd >= 0)
		close(fd);
	return result;
}

void aside_untold_torn(const char *log_path, const char *time,
		       char finding[ASIDE_FINDING_SIZE])
{
	char torn[LOG_NAME_SIZE], sha256[DIGEST_HEX_SIZE];
	off_t size;
	find_torn(log_path, time, finding, torn);
	if (torn[0] && !finding[0] && hash_file(torn, &size, sha256) == 0)
		describe_torn(torn, size, sha256, finding);
	for (;;) {
		size_t used = strlen(finding);
		find_torn(log_path, time, finding, torn);
		if (!torn[0] ||
		    used + strlen(log_name_base(torn)) + 8 > ASIDE_FINDING_SIZE)
			return;
		snprintf(finding + used, ASIDE_FINDING_SIZE - used, ", before %s",
			 log_name_base(torn));
	}
}

int aside_torn(int fd, const char *path, const char *log_path, const char *time, off_t at,
	       char ret[ASIDE_FINDING_SIZE])
{
	char sha256[DIGEST_HEX_SIZE], copied[DIGEST_HEX_SIZE];
	char stamp[LOG_STAMP_SIZE], torn[LOG_NAME_SIZE];
	off_t size, copied_size;
	if (hash_from(fd, at, &size, sha256)) {
		log_error("%s: the torn end can't be read: %m", path);
		return -1;
	}
	/* A crash may have come between the copy and the cut. */
	find_torn(log_path, time, "", torn);
	if (!torn[0] || hash_file(torn, &copied_size, copied) ||
	    strcmp(copied, sha256) != 0) {
		log_name_stamp(stamp);
		log_name(torn, log_path, ".torn-%s", stamp);
		if (copy_torn(fd, at, torn))
			return -1;
	}
	if (ftruncate(fd, at) || fsync(fd)) {
		log_error("%s: the torn end can't be cut off: %m", path);
		return -1;
	}
	describe_torn(torn, size, sha256, ret);
	log_warning("%s: %s", path, ret);
	return 0;
}

/* 0 also when nothing is there to be moved. */
static int move_file(const char *from, const char *to)
{
	if (log_rename(from, to) == 0 || errno == ENOENT)
		return 0;
	log_error("%s: it can't be moved aside to %s: %m; let the gateway's user own the "
		  "directory",
		  from, log_name_base(to));
	return -1;
}

static int move_rotated(const char *path, const struct log_rotated *rotated,
			const char *stamp, const char *suffix, bool is_newest)
{
	char from[LOG_NAME_SIZE], to[LOG_NAME_SIZE], number[32] = "";
	if (!is_newest && rotated->again)
		snprintf(number, sizeof(number), "-%" PRIu64 ".%u", rotated->first_seq,
			 rotated->again);
	else if (!is_newest)
		snprintf(number, sizeof(number), "-%" PRIu64, rotated->first_seq);
	log_name_rotated(from, path, rotated, suffix);
	log_name(to, path, ".broken-%s%s%s", stamp, number, suffix);
	return move_file(from, to);
}

static int move_live(const char *path, const char *stamp)
{
	char note[LOG_NAME_SIZE], to[LOG_NAME_SIZE];
	log_name(note, path, ".checkpoint");
	log_name(to, path, ".broken-%s.checkpoint", stamp);
	if (move_file(note, to))
		return -1;
	log_name(to, path, ".broken-%s.jsonl", stamp);
	return move_file(path, to);
}

/* Moves the note beside a live file that isn't there. */
static int move_last_note(const char *path, const char *stamp)
{
	char note[LOG_NAME_SIZE], to[LOG_NAME_SIZE];
	log_name(note, path, ".checkpoint");
	log_name(to, path, ".broken-%s-last.checkpoint", stamp);
	return move_file(note, to);
}

/* Moves the notes whose files are gone: beside the new chain they would tell of lines
 * that it never had. */
static int move_notes(const char *path, bool is_live, const struct log_rotated *rotated,
		      size_t count, const char *stamp)
{
	struct log_rotated *list;
	size_t stray_count;
	if (log_stray_notes(path, rotated, count, &list, &stray_count)) {
		log_error("%s: its directory can't be read: %m", path);
		return -1;
	}
	int result = is_live ? 0 : move_last_note(path, stamp);
	for (size_t i = 0; i < stray_count && result == 0; i++)
		result = move_rotated(path, &list[i], stamp, ".checkpoint", false);
	free(list);
	return result;
}

/* Moves whatever of the log is not aside yet. `is_done`: all but notes is. */
static int move_all(const char *path, bool is_live, bool is_done, const char *stamp)
{
	struct log_rotated *list;
	size_t count;
	if (log_rotated_list(path, &list, &count)) {
		log_error("%s: its directory can't be read: %m", path);
		return -1;
	}
	int result = move_notes(path, is_live, list, count, stamp);
	for (size_t i = 0; i < count && result == 0 && !is_done; i++) {
		bool is_newest = !is_live && i + 1 == count;
		result = move_rotated(path, &list[i], stamp, ".checkpoint", is_newest);
		if (result == 0)
			result = move_rotated(path, &list[i], stamp, ".jsonl", is_newest);
	}
	free(list);
	if (result == 0 && is_live && !is_done)
		result = move_live(path, stamp);
	if (result == 0 && log_sync_directory(path)) {
		log_error("%s: its directory can't be synced: %m", path);
		result = -1;
	}
	return result;
}

int aside_broken(const char *path, bool is_live, const char *why)
{
	char breaking[LOG_NAME_SIZE], aside[LOG_NAME_SIZE], stamp[LOG_STAMP_SIZE];
	char text[LOG_STAMP_SIZE + ASIDE_FINDING_SIZE];
	log_name_stamp(stamp);
	log_name(breaking, path, ".breaking");
	log_name(aside, path, ".broken-%s", stamp);
	int size = snprintf(text, sizeof(text),
			    "%s the log was broken: %.110s; all of it is now %.80s*\n",
			    stamp, why, log_name_base(aside));
	log_error("%s: the audit log was broken: %s; all of it is moved to %s*, and a "
		  "new chain begins: find out who changed it",
		  path, why, log_name_base(aside));
	if (log_put_file(breaking, text, (size_t)size)) {
		log_error("%s: it can't be written: %m; free space, and let the "
			  "gateway's user own the directory",
			  breaking);
		return -1;
	}
	return move_all(path, is_live, false, stamp);
}

/* Whether among the lines is an alert that names that time. */
static bool tells_of(const char *head, size_t size, const char *stamp)
{
	static const char mark[] = ",\"reason\":\"audit-broken\",";
	for (const char *end = head + size, *at = head;
	     (at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)); at++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (memmem(at, (size_t)((newline ? newline : end) - at), stamp,
			   strlen(stamp)))
			return true;
	}
	return false;
}

int aside_broken_resume(const char *path, bool is_live, const char *head,
			size_t head_size, bool *ret_is_moved,
			char ret[ASIDE_FINDING_SIZE])
{
	char breaking[LOG_NAME_SIZE], newest[LOG_NAME_SIZE];
	char text[LOG_STAMP_SIZE + ASIDE_FINDING_SIZE], *finding;
	*ret_is_moved = false;
	ret[0] = '\0';
	log_name(breaking, path, ".breaking");
	long size = log_get_file(breaking, text, sizeof(text));
	if (size < 0 && errno == ENOENT)
		return 0;
	if (size <= 0 || text[size - 1] != '\n' || !(finding = strchr(text, ' '))) {
		log_error("%s: it can't be read; look what is in it, then remove it",
			  breaking);
		return -1;
	}
	text[size - 1] = *finding++ = '\0';
	if (tells_of(head, head_size, text)) {
		aside_broken_told(path);
		return 0;
	}
	/* The newest file goes last: once it is aside, all are, and the live file is the
	 * new chain's. */
	log_name(newest, path, ".broken-%s.jsonl", text);
	bool is_done = faccessat(AT_FDCWD, newest, F_OK, 0) == 0;
	if (move_all(path, is_live, is_done, text))
		return -1;
	*ret_is_moved = !is_done && is_live;
	snprintf(ret, ASIDE_FINDING_SIZE, "%s", finding);
	return 0;
}

void aside_broken_told(const char *path)
{
	char breaking[LOG_NAME_SIZE];
	log_name(breaking, path, ".breaking");
	if (unlink(breaking) && errno != ENOENT)
		log_warning("%s: it can't be removed: %m; remove it", breaking);
}

int aside_one(const char *path, char ret_name[LOG_NAME_SIZE])
{
	char stamp[LOG_STAMP_SIZE];
	log_name_stamp(stamp);
	log_name(ret_name, path, ".broken-%s.jsonl", stamp);
	return log_rename(path, ret_name);
}
