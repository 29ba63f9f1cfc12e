#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/log.h"

#define CHUNK_SIZE 65536

void search_set_broken(struct search *search, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(search->why, sizeof(search->why), format, arguments);
	va_end(arguments);
}

int search_cannot_read(const char *path)
{
	log_error("%s: the audit log can't be read: %m; look at the disk and its file "
		  "system",
		  path);
	return -1;
}

static int scan_file(const struct search *search, int fd, const char *path,
		     const struct checkpoint *note, struct log_verify_file *ret)
{
	struct log_verify_options options = {
		.checkpoints = note,
		.checkpoint_count = note ? 1 : 0,
		.own = search->key,
	};
	return log_verify_scan(fd, &options, ret) ? search_cannot_read(path) : 0;
}

static bool has_nul(struct search *search, int fd, off_t at)
{
	ssize_t got;
	while ((got = pread(fd, search->buffer, CHUNK_SIZE, at)) > 0) {
		if (memchr(search->buffer, 0, (size_t)got))
			return true;
		at += got;
	}
	return false;
}

/* A file that is no log, and beside which no note or rotated file stands, was named by
 * mistake: it is left as it is. */
static bool is_no_log(struct search *search, int fd, const struct log_verify_file *found)
{
	static const char head[] = "{\"seq\":";
	if (found->lines > 0 || found->fault.is_sound_behind || search->has_note ||
	    search->rotated_count > 0)
		return false;
	/* A first line can have broken off anywhere. */
	ssize_t got = pread(fd, search->buffer, sizeof(head) - 1, 0);
	return got > 0 && memcmp(search->buffer, head, (size_t)got) != 0 &&
	       !has_nul(search, fd, 0);
}

/* The file is open for appending. */
static int add_newline(int fd, const char *path)
{
	if (write(fd, "\n", 1) != 1 || fsync(fd)) {
		log_error("%s: the last line's newline can't be written: %m; free space",
			  path);
		return -1;
	}
	log_warning("%s: its last line lacked its newline, and got it", path);
	return 0;
}

/* A last line that lacks only its newline is whole, whatever the note says. */
static int lacks_newline_only(const struct search *search, int fd, const char *path,
			      const struct log_verify_file *found, bool *ret)
{
	struct log_verify_file alone = { .lines = 0 };
	bool is_short = found->fault.kind == LOG_VERIFY_TRUNCATED;
	if (is_short && scan_file(search, fd, path, NULL, &alone))
		return -1;
	const struct log_verify_fault *fault = is_short ? &alone.fault : &found->fault;
	*ret = fault->kind == LOG_VERIFY_TORN && fault->lacks_newline_only;
	return 0;
}

/* Whether a crash can have left what stands behind the good lines. */
static bool can_be_torn(struct search *search, int fd,
			const struct log_verify_file *found)
{
	switch (found->fault.kind) {
	case LOG_VERIFY_TORN:
		return true;
	case LOG_VERIFY_TRUNCATED:
	case LOG_VERIFY_CHECKPOINT:
		return false;
	default:
		/* After a crash, whole lines that are no log's stand behind a good line,
		 * if at all. */
		return has_nul(search, fd, (off_t)found->size) ||
		       (found->lines > 0 && !found->fault.is_sound_behind);
	}
}

/* Judges and mends the end of a file. 1: mended, scan it again; 0: nothing to mend, or
 * `why` is set; -1 logged. */
static int mend_end(struct search *search, int fd, const char *path,
		    const struct checkpoint *note, const struct log_verify_file *found)
{
	const struct log_verify_fault *fault = &found->fault;
	const char *base = log_name_base(path);
	bool is_newline = false;
	if (fault->kind == LOG_VERIFY_NO_FAULT)
		return 0;
	if (lacks_newline_only(search, fd, path, found, &is_newline))
		return -1;
	if (is_newline)
		return add_newline(fd, path) ? -1 : 1;
	if (fault->kind != LOG_VERIFY_TRUNCATED && !can_be_torn(search, fd, found))
		search_set_broken(search, "line %" PRIu64 " of %.60s: %s", fault->line,
				  base, log_verify_kind_name(fault->kind));
	else if (note && found->lines <= note->size)
		search_set_broken(search,
				  "%.60s ends with line %" PRIu64
				  ", its checkpoint is line "
				  "%" PRIu64,
				  base, found->lines, note->size + 1);
	if (search->why[0])
		return 0;
	return aside_torn(fd, path, search->path, found->last_time, (off_t)found->size,
			  search->ret->findings)
		       ? -1
		       : 1;
}

int search_read_file(struct search *search, int fd, const char *path,
		     const struct checkpoint *note, struct log_verify_file *ret)
{
	for (int turn = 0; turn < 3; turn++) {
		if (scan_file(search, fd, path, note, ret))
			return -1;
		if (path == search->path && ret->fault.kind != LOG_VERIFY_NO_FAULT &&
		    is_no_log(search, fd, ret)) {
			log_error("%s: it is no audit log; move the file aside, or name "
				  "another in audit.file",
				  path);
			return -1;
		}
		int mended = mend_end(search, fd, path, note, ret);
		if (mended <= 0)
			return mended;
	}
	log_error("%s: another program writes to the audit log; find out which", path);
	return -1;
}
