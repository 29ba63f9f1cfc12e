#include "cathgate/audit/log_reader.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_back.h"
#include "log_lines.h"
#include "log_listing.h"
#include "log_trace.h"
#include "audit/format/record.h"

#define WATCHED \
	(IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF)
/* Each failed try means that the files changed meanwhile. */
#define TRIES_MAX 100

struct log_reader {
	char *path;  /* of the live file; NULL when one file alone is read */
	int inotify; /* -1 likewise */

	struct log_lines lines; /* of the file that is open; fd -1: none yet */
	char *file;		/* its path */
	struct stat identity;
	uint64_t first_seq; /* of its first line */
	bool knows_first_seq;
	struct log_trace trace;
	off_t settled; /* all up to there is durable */

	bool has_given;
	uint64_t next_seq; /* to be given next; before the first: the least one */
	bool passed_over;  /* something that is no line was, since the last line */
	bool said_gap;
};

enum step { STEP_ON, STEP_END, STEP_FAILED };

static struct log_reader *reader_new(const char *path, uint64_t seq)
{
	struct log_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	reader->lines.fd = reader->inotify = -1;
	reader->next_seq = seq;
	if (path && !(reader->path = strdup(path))) {
		log_reader_close(reader);
		return NULL;
	}
	return reader;
}

static int watch_directory(struct log_reader *reader)
{
	char directory[LOG_NAME_SIZE];
	log_name_directory(reader->path, directory);
	reader->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return reader->inotify >= 0 && inotify_add_watch(reader->inotify, directory,
							 WATCHED | IN_ONLYDIR) >= 0
		       ? 0
		       : -1;
}

/* Goes on behind that line, the newest read one that still stands in the file; at the
 * file's beginning if none does. */
static void go_behind(struct log_reader *reader, const struct log_trace_line *known)
{
	log_trace_cut(&reader->trace, known);
	if (!known)
		reader->knows_first_seq = false;
	log_lines_seek(&reader->lines, known ? known->end : 0, known ? known->number : 0);
	reader->settled = reader->lines.offset;
}

/* Takes fd and path. */
static void change_file(struct log_reader *reader, int fd, char *path,
			const struct stat *identity)
{
	if (reader->lines.fd >= 0)
		close(reader->lines.fd);
	free(reader->file);
	reader->lines.fd = fd;
	reader->file = path;
	reader->identity = *identity;
	/* In a copy of the file before, lines that were read aren't read anew. */
	go_behind(reader, log_trace_find(&reader->trace, fd));
}

struct log_reader *log_reader_open(const char *path, uint64_t seq)
{
	struct log_reader *reader = reader_new(path, seq);
	if (reader && watch_directory(reader)) {
		log_reader_close(reader);
		return NULL;
	}
	return reader;
}

struct log_reader *log_reader_open_file(const char *path)
{
	struct stat identity;
	struct log_reader *reader = reader_new(NULL, 0);
	char *copy = reader ? strdup(path) : NULL;
	int fd = copy ? log_lines_open(path, &identity) : -1;
	if (fd < 0) {
		free(copy);
		log_reader_close(reader);
		return NULL;
	}
	change_file(reader, fd, copy, &identity);
	return reader;
}

void log_reader_close(struct log_reader *reader)
{
	int error = errno;
	if (!reader)
		return;
	if (reader->lines.fd >= 0)
		close(reader->lines.fd);
	if (reader->inotify >= 0)
		close(reader->inotify);
	free(reader->lines.buffer);
	free(reader->file);
	free(reader->path);
	free(reader);
	errno = error;
}

int log_reader_settle(struct log_reader *reader)
{
	const struct log_lines *lines = &reader->lines;
	if (lines->offset > reader->settled) {
		if (fdatasync(lines->fd))
			return -1;
		reader->settled = lines->offset + (off_t)(lines->filled - lines->at);
	}
	return log_trace_newest_stands(&reader->trace, lines->fd) ? 0 : 1;
}

int log_reader_descriptor(const struct log_reader *reader)
{
	return reader->inotify;
}

static void drain_events(const struct log_reader *reader)
{
	char events[4096];
	while (read(reader->inotify, events, sizeof(events)) > 0) {
	}
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether the open file is the live one. */
static bool is_live(const struct log_reader *reader)
{
	struct stat status;
	return stat(reader->path, &status) == 0 &&
	       is_same_file(&status, &reader->identity);
}

/* Whether the writer took back a line while it was skipped as too long. */
static bool skips_beyond_end(const struct log_lines *lines)
{
	struct stat status;
	return lines->is_skipping && fstat(lines->fd, &status) == 0 &&
	       status.st_size < lines->offset;
}

static enum step fill_lines(struct log_reader *reader)
{
	struct log_lines *lines = &reader->lines;
	if (lines->fd < 0)
		return STEP_END;
	const struct log_trace_line *known = log_trace_find(&reader->trace, lines->fd);
	if (log_trace_cut(&reader->trace, known) || skips_beyond_end(lines))
		go_behind(reader, known);
	int filled = log_lines_fill(lines);
	return filled < 0 ? STEP_FAILED : filled == 0 ? STEP_END : STEP_ON;
}

/* Of a file's first line: 1 when it is whole, its number in *ret, or UINT64_MAX where it
 * has none; 0 when it isn't whole; -1 with errno. */
static int read_first_seq(int fd, uint64_t *ret)
{
	struct log_lines lines = { .fd = fd };
	const char *line;
	size_t size;
	int filled = log_lines_fill(&lines);
	if (filled <= 0 || log_lines_peek(&lines, &line, &size) != LOG_LINES_LINE ||
	    record_seq(line, size, ret))
		*ret = UINT64_MAX;
	free(lines.buffer);
	return filled;
}

#define NONE ((size_t)-1)

/* Where a reader begins: the file that may hold the line asked for. */
static size_t choose_first(const struct log_reader *reader,
			   const struct log_listing *listing)
{
	size_t chosen = listing->count > 0 ? 0 : NONE;
	for (size_t i = 0; i < listing->count; i++) {
		if (!listing->files[i].is_live &&
		    listing->files[i].first_seq <= reader->next_seq)
			chosen = i;
	}
	return chosen;
}

static size_t find_current(const struct log_reader *reader,
			   const struct log_listing *listing)
{
	struct stat status;
	for (size_t i = 0; i < listing->count; i++) {
		if (stat(listing->files[i].path, &status) == 0 &&
		    is_same_file(&status, &reader->identity))
			return i;
	}
	return NONE;
}

/* Whether the live file goes on behind the one that was read, or is a copy of it. If not,
 * a new chain has begun. */
static bool live_goes_on(const struct log_reader *reader, const char *path)
{
	struct stat identity;
	uint64_t seq = 0;
	int fd = log_lines_open(path, &identity);
	if (fd < 0)
		return true; /* change_to opens it again and says why */
	bool result = read_first_seq(fd, &seq) <= 0 || seq > reader->first_seq ||
		      log_trace_find(&reader->trace, fd);
	close(fd);
	return result;
}

/* Opens that file of the log as the one to begin with. */
static int begin_in(struct log_reader *reader, const char *file)
{
	struct stat identity;
	char *path = strdup(file);
	int fd = path ? log_lines_open(path, &identity) : -1;
	if (fd < 0) {
		free(path);
		return -1;
	}
	change_file(reader, fd, path, &identity);
	return 0;
}

/* As if no file were open yet. */
static void begin_nowhere(struct log_reader *reader)
{
	if (reader->lines.fd >= 0)
		close(reader->lines.fd);
	reader->lines.fd = -1;
	log_lines_seek(&reader->lines, 0, 0);
	log_trace_cut(&reader->trace, NULL);
	reader->knows_first_seq = false;
}

/* Whether a reader that began at the log's beginning would find the line there, too. */
static bool is_expected_in(const struct log_reader *reader)
{
	struct log_listing listing;
	if (log_listing_read(reader->path, &listing))
		return false;
	size_t at = find_current(reader, &listing);
	size_t chosen = choose_first(reader, &listing);
	bool result = at != NONE &&
		      (at == chosen || (listing.files[at].is_live && at == chosen + 1));
	log_listing_free(&listing);
	return result;
}

/* Goes to that place if the wanted line stands there, or the line before it ends there.
 * The trace remembers the line before: if that is taken back, the place is lost. */
static bool go_to(struct log_reader *reader, off_t offset)
{
	struct log_back back;
	const char *line;
	size_t size;
	off_t start;
	uint64_t seq;
	int whole = read_first_seq(reader->lines.fd, &reader->first_seq);
	reader->knows_first_seq = whole > 0 && reader->first_seq != UINT64_MAX;
	bool is_behind = log_back_begin(&back, reader->lines.fd, offset) == 0 &&
			 log_back_next(&back, &line, &size, &start) == 1 &&
			 record_seq(line, size, &seq) == 0;
	if (is_behind)
		log_trace_add(&reader->trace, line, size, start + (off_t)size + 1, 0);
	log_back_end(&back);
	log_lines_seek(&reader->lines, offset, 0);
	if (is_behind && seq + 1 == reader->next_seq && start + (off_t)size + 1 == offset)
		return true;
	return log_lines_fill(&reader->lines) == 1 &&
	       log_lines_peek(&reader->lines, &line, &size) == LOG_LINES_LINE &&
	       record_seq(line, size, &seq) == 0 && seq == reader->next_seq;
}

struct log_reader *log_reader_open_at(const char *path, uint64_t seq, const char *file,
				      off_t offset)
{
	struct log_reader *reader = log_reader_open(path, seq);
	if (reader &&
	    (begin_in(reader, file) || !is_expected_in(reader) || !go_to(reader, offset)))
		begin_nowhere(reader);
	return reader;
}

struct log_reader *log_reader_open_from(const char *path, uint64_t seq, const char *file)
{
	uint64_t first;
	struct log_reader *reader = log_reader_open(path, 0);
	if (!reader || (begin_in(reader, file) == 0 &&
			read_first_seq(reader->lines.fd, &first) > 0 && first == seq))
		return reader;
	log_reader_close(reader);
	return log_reader_open(path, seq);
}

/* The file behind the open one, which is no more the live one. */
static size_t choose_next(const struct log_reader *reader,
			  const struct log_listing *listing)
{
	if (reader->lines.fd < 0)
		return choose_first(reader, listing);
	size_t current = find_current(reader, listing);
	if (current != NONE)
		return current + 1 < listing->count ? current + 1 : NONE;
	/* It was removed or moved elsewhere. */
	if (listing->count == 0)
		return NONE;
	if (!reader->knows_first_seq)
		return choose_first(reader, listing);
	const struct log_listed *files = listing->files;
	if (!files[0].is_live && files[0].first_seq == 0 && reader->first_seq == 0)
		return 0; /* another beginning: the whole log was moved aside */
	for (size_t i = 0; i < listing->count; i++) {
		if (files[i].is_live ? live_goes_on(reader, files[i].path)
				     : files[i].first_seq > reader->first_seq)
			return i;
	}
	return files[listing->count - 1].is_live ? 0 : NONE;
}

/* Opens that file and goes on there once all of the file before has been read. Nothing
 * more comes in that one when the next has a line. */
static enum step change_to(struct log_reader *reader, const struct log_listed *file)
{
	struct stat identity;
	uint64_t seq;
	char *path = strdup(file->path);
	int fd = path ? log_lines_open(path, &identity) : -1;
	enum step step = fd < 0 ? STEP_FAILED : STEP_ON;
	if (fd >= 0 && reader->lines.fd >= 0) {
		int whole = file->is_live ? read_first_seq(fd, &seq) : 1;
		step = whole < 0 ? STEP_FAILED : whole == 0 ? STEP_END : STEP_ON;
		if (step == STEP_ON && fill_lines(reader) == STEP_ON)
			goto keep;
	}
	if (step == STEP_ON) {
		change_file(reader, fd, path, &identity);
		return STEP_ON;
	}
keep:;
	int error = errno;
	if (fd >= 0)
		close(fd);
	free(path);
	errno = error;
	return step;
}

static enum step next_file(struct log_reader *reader)
{
	for (int try = 0; try < TRIES_MAX; try++) {
		struct log_listing listing;
		if (log_listing_read(reader->path, &listing))
			return STEP_FAILED;
		size_t chosen = choose_next(reader, &listing);
		enum step step = chosen == NONE
					 ? STEP_END
					 : change_to(reader, &listing.files[chosen]);
		log_listing_free(&listing);
		/* Renamed or removed since it was listed. */
		if (step != STEP_FAILED || errno != ENOENT)
			return step;
	}
	return STEP_FAILED;
}

/* There is no whole line in the buffer: finds one, here or in the next file. */
static enum step find_line(struct log_reader *reader)
{
	enum step step = fill_lines(reader);
	if (step != STEP_END || !reader->path)
		return step;
	/* Whatever happens from here on makes the descriptor readable again. */
	drain_events(reader);
	step = fill_lines(reader);
	if (step != STEP_END || (reader->lines.fd >= 0 && is_live(reader)))
		return step;
	return next_file(reader);
}

static void pass_line(struct log_reader *reader, const char *line, size_t size)
{
	log_lines_pass(&reader->lines, size);
	log_trace_add(&reader->trace, line, size, reader->lines.offset,
		      reader->lines.number);
}

/* Gives the line, says that it isn't the one that was to come, or passes it. */
static enum log_reader_result offer_line(struct log_reader *reader, const char *line,
					 size_t size, struct log_reader_line *ret)
{
	uint64_t seq;
	if (record_seq(line, size, &seq)) {
		pass_line(reader, line, size);
		reader->passed_over = true;
		return LOG_READER_END;
	}
	if (reader->has_given && !reader->said_gap &&
	    (seq != reader->next_seq || reader->passed_over)) {
		reader->said_gap = true;
		return LOG_READER_GAP;
	}
	pass_line(reader, line, size);
	if (!reader->knows_first_seq) {
		reader->knows_first_seq = true;
		reader->first_seq = seq;
	}
	if (!reader->has_given && seq < reader->next_seq)
		return LOG_READER_END;
	reader->has_given = true;
	reader->said_gap = reader->passed_over = false;
	reader->next_seq = seq + 1;
	*ret = (struct log_reader_line){
		.text = line,
		.size = size,
		.seq = seq,
		.file = reader->file,
		.number = reader->lines.number,
	};
	return LOG_READER_LINE;
}

enum log_reader_result log_reader_next(struct log_reader *reader,
				       struct log_reader_line *ret)
{
	for (;;) {
		const char *line;
		size_t size;
		enum log_reader_result result = LOG_READER_END;
		enum step step = STEP_ON;
		switch (log_lines_peek(&reader->lines, &line, &size)) {
		case LOG_LINES_LINE:
			result = offer_line(reader, line, size, ret);
			break;
		case LOG_LINES_TOO_LONG:
			pass_line(reader, line, size);
			reader->passed_over = true;
			break;
		case LOG_LINES_NONE:
			step = find_line(reader);
			break;
		}
		if (result != LOG_READER_END)
			return result;
		if (step != STEP_ON)
			return step == STEP_END ? LOG_READER_END : LOG_READER_FAILED;
	}
}
