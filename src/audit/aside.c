#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/digest.h"
#include "cathgate/log.h"

#define CHUNK_SIZE 65536
#define FILE_MODE  0640

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

/* From `at` to the end. */
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
		if (write_all(to, chunk, (size_t)got) ||
		    digest_update(digest, chunk, (size_t)got))
			return -1;
		copied += got;
	}
}

static int copy_torn(int fd, off_t at, const char *torn, off_t *ret_size,
		     char ret_sha256[DIGEST_HEX_SIZE])
{
	uint8_t sha256[DIGEST_SIZE];
	struct digest *digest = digest_new();
	int copy = open(torn, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	int result = -1;
	if (!digest || copy < 0 || fchmod(copy, FILE_MODE) ||
	    copy_hashed(fd, at, copy, digest, ret_size) ||
	    digest_finish(digest, sha256) || fsync(copy) || log_sync_directory(torn))
		goto out;
	digest_hex(sha256, sizeof(sha256), ret_sha256);
	result = 0;
out:
	if (result) {
		log_error("%s: the torn end of the audit log can't be saved here: %m; "
			  "let the gateway's user write in this directory, and free "
			  "space",
			  torn);
		/* Half a copy would be mistaken for the whole. */
		if (copy >= 0)
			unlink(torn);
	}
	if (copy >= 0)
		close(copy);
	digest_free(digest);
	return result;
}

int aside_torn(int fd, const char *path, const char *log_path, off_t at,
	       char ret[ASIDE_WORDS_SIZE])
{
	char sha256[DIGEST_HEX_SIZE], stamp[LOG_STAMP_SIZE], torn[LOG_NAME_SIZE];
	off_t size = 0;
	log_name_stamp(stamp);
	log_name(torn, log_path, ".torn-%s", stamp);
	if (copy_torn(fd, at, torn, &size, sha256))
		return -1;
	if (ftruncate(fd, at) || fsync(fd)) {
		log_error("%s: the torn end can't be cut off: %m", path);
		return -1;
	}
	snprintf(ret, ASIDE_WORDS_SIZE,
		 "%" PRIdMAX " bytes of a torn line, SHA-256 %s, moved to %s",
		 (intmax_t)size, sha256, log_name_base(torn));
	log_warning("%s: %s", path, ret);
	return 0;
}

/* One that isn't there needs no moving. */
static int move(const char *from, const char *to)
{
	if (log_rename(from, to) == 0 || errno == ENOENT)
		return 0;
	log_error("%s: it can't be moved aside to %s: %m; let the gateway's user own the "
		  "directory",
		  from, log_name_base(to));
	return -1;
}

static int move_rotated(const char *path, const struct log_rotated *rotated,
			const char *stamp, bool is_newest)
{
	static const char *const suffixes[] = { ".checkpoint", ".jsonl" };
	for (size_t i = 0; i < 2; i++) {
		char from[LOG_NAME_SIZE], to[LOG_NAME_SIZE], number[32] = "";
		if (!is_newest && rotated->again)
			snprintf(number, sizeof(number), "-%" PRIu64 ".%u",
				 rotated->first_seq, rotated->again);
		else if (!is_newest)
			snprintf(number, sizeof(number), "-%" PRIu64, rotated->first_seq);
		log_name_rotated(from, path, rotated, suffixes[i]);
		log_name(to, path, ".broken-%s%s%s", stamp, number, suffixes[i]);
		if (move(from, to))
			return -1;
	}
	return 0;
}

static int move_live(const char *path, const char *stamp)
{
	char note[LOG_NAME_SIZE], to[LOG_NAME_SIZE];
	log_name(note, path, ".checkpoint");
	log_name(to, path, ".broken-%s.checkpoint", stamp);
	if (move(note, to))
		return -1;
	log_name(to, path, ".broken-%s.jsonl", stamp);
	return move(path, to);
}

/* Whatever of the log is not aside yet. */
static int move_all(const char *path, bool is_live, const char *stamp)
{
	struct log_rotated *list;
	size_t count;
	char note[LOG_NAME_SIZE], to[LOG_NAME_SIZE];
	log_name(note, path, ".checkpoint");
	log_name(to, path, ".broken-%s-last.checkpoint", stamp);
	if (log_rotated_list(path, &list, &count)) {
		log_error("%s: its directory can't be read: %m", path);
		return -1;
	}
	int result = is_live ? 0 : move(note, to); /* one without its file */
	for (size_t i = 0; i < count && result == 0; i++)
		result = move_rotated(path, &list[i], stamp, !is_live && i + 1 == count);
	free(list);
	if (result == 0 && is_live)
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
	char text[LOG_STAMP_SIZE + ASIDE_WORDS_SIZE];
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
	return move_all(path, is_live, stamp);
}

int aside_broken_resume(const char *path, bool is_live, bool *ret_is_moved,
			char ret[ASIDE_WORDS_SIZE])
{
	char breaking[LOG_NAME_SIZE], newest[LOG_NAME_SIZE];
	char text[LOG_STAMP_SIZE + ASIDE_WORDS_SIZE], *words;
	*ret_is_moved = false;
	ret[0] = '\0';
	log_name(breaking, path, ".breaking");
	long size = log_get_file(breaking, text, sizeof(text));
	if (size < 0 && errno == ENOENT)
		return 0;
	if (size <= 0 || text[size - 1] != '\n' || !(words = strchr(text, ' '))) {
		log_error("%s: it can't be read; look what is in it, then remove it",
			  breaking);
		return -1;
	}
	text[size - 1] = *words++ = '\0';
	/* The newest goes last: with it all are aside, and what is live is the new chain.
	 */
	log_name(newest, path, ".broken-%s.jsonl", text);
	bool is_done = faccessat(AT_FDCWD, newest, F_OK, 0) == 0;
	if (is_done && is_live) {
		aside_broken_told(path);
		return 0;
	}
	if (!is_done && move_all(path, is_live, text))
		return -1;
	*ret_is_moved = is_live;
	snprintf(ret, ASIDE_WORDS_SIZE, "%s", words);
	return 0;
}

void aside_broken_told(const char *path)
{
	char breaking[LOG_NAME_SIZE];
	log_name(breaking, path, ".breaking");
	if (unlink(breaking) && errno != ENOENT)
		log_warning("%s: it can't be removed: %m; remove it", breaking);
}

int aside_one(const char *path, const char *note, char ret_name[LOG_NAME_SIZE])
{
	char stamp[LOG_STAMP_SIZE], to[LOG_NAME_SIZE];
	log_name_stamp(stamp);
	log_name(ret_name, path, ".broken-%s.jsonl", stamp);
	if (log_rename(path, ret_name))
		return -1;
	if (!note)
		return 0;
	log_name(to, path, ".broken-%s.checkpoint", stamp);
	if (log_rename(note, to) && errno != ENOENT)
		log_warning("%s: it can't be moved aside: %m", note);
	return 0;
}
