#include "recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/log.h"
#include "cathgate/log_verify.h"
#include "continuation.h"

#define CHUNK_SIZE 65536

/* One start. */
struct search {
	const char *path;
	const struct signing_key *key;
	struct digest *digest;
	char *buffer; /* of LOG_VERIFY_LINE_MAX bytes */
	struct log_rotated *rotated;
	size_t rotated_count;
	struct checkpoint note;
	bool has_note;
	bool is_live;			/* the live file has something in it */
	char last_time[CLOCK_UTC_SIZE]; /* of the last good line; "" without one */
	char why[ASIDE_WORDS_SIZE];	/* the log is broken; "" when it isn't */
	uint64_t unvouched; /* lines at the end that no checkpoint of ours covers */
	bool lacks_note;    /* there are checkpoints, but not the note of one */
	char missing[ASIDE_WORDS_SIZE]; /* lines that are in no file; "" without any */
	struct recovery *ret;
};

__attribute__((format(printf, 2, 3))) static void set_broken(struct search *search,
							     const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(search->why, sizeof(search->why), format, arguments);
	va_end(arguments);
}

time_t recovery_time(const char text[CLOCK_UTC_SIZE])
{
	struct tm utc = { .tm_year = 0 };
	if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &utc))
		return 0;
	return timegm(&utc);
}

static int cannot_read(const char *path)
{
	log_error("%s: the audit log can't be read: %m; look at the disk and its file "
		  "system",
		  path);
	return -1;
}

/* After a failed sync the cache may show bytes that the disk never got. Let it go, as far
 * as the kernel follows, so that what is read next is what is there. */
static void drop_cache(int fd, const char *path)
{
	if (fsync(fd))
		log_warning("%s: the audit log can't be synced: %m", path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int scan(const struct search *search, int fd, const char *path,
		const struct checkpoint *note, struct log_verify_file *ret)
{
	struct log_verify_options options = {
		.checkpoints = note,
		.checkpoint_count = note ? 1 : 0,
		.own = search->key,
	};
	return log_verify_scan(fd, &options, ret) ? cannot_read(path) : 0;
}

/* The first line of the live file, with its newline; its length, 0 when it has none. */
static long read_first_line(struct search *search, int fd)
{
	ssize_t got = pread(fd, search->buffer, LOG_VERIFY_LINE_MAX, 0);
	if (got < 0)
		return cannot_read(search->path);
	const char *newline = memchr(search->buffer, '\n', (size_t)got);
	return newline ? newline - search->buffer + 1 : 0;
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

/* A file that is no log, and beside which nothing speaks of one, was named by mistake: it
 * is left as it is. */
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

/* A last line without its newline is whole, whatever the note says. */
static int lacks_newline_only(const struct search *search, int fd, const char *path,
			      const struct log_verify_file *found, bool *ret)
{
	struct log_verify_file alone = { .lines = 0 };
	bool is_short = found->fault.kind == LOG_VERIFY_TRUNCATED;
	if (is_short && scan(search, fd, path, NULL, &alone))
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
		/* Of whole lines that are none, with nothing good before, at least one
		 * was good once. */
		return has_nul(search, fd, (off_t)found->size) ||
		       (found->lines > 0 && !found->fault.is_sound_behind);
	}
}

/* Judges and mends the end of a file. 1: mended, scan it again; 0: nothing to mend, or
 * `why` is set; -1 logged. */
static int mend(struct search *search, int fd, const char *path,
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
		set_broken(search, "line %" PRIu64 " of %.60s: %s", fault->line, base,
			   log_verify_word(fault->kind));
	else if (note && found->lines <= note->size)
		set_broken(search,
			   "%.60s ends with line %" PRIu64 ", its checkpoint is line "
			   "%" PRIu64,
			   base, found->lines, note->size + 1);
	if (search->why[0])
		return 0;
	return aside_torn(fd, path, search->path, found->last_time, (off_t)found->size,
			  search->ret->words)
		       ? -1
		       : 1;
}

/* A file to its end, mended. */
static int read_file(struct search *search, int fd, const char *path,
		     const struct checkpoint *note, struct log_verify_file *ret)
{
	for (int turn = 0; turn < 3; turn++) {
		if (scan(search, fd, path, note, ret))
			return -1;
		if (path == search->path && ret->fault.kind != LOG_VERIFY_NO_FAULT &&
		    is_no_log(search, fd, ret)) {
			log_error("%s: it is no audit log; move the file aside, or name "
				  "another in audit.file",
				  path);
			return -1;
		}
		int mended = mend(search, fd, path, note, ret);
		if (mended <= 0)
			return mended;
	}
	log_error("%s: another program writes to the audit log; find out which", path);
	return -1;
}

/* Whether it is told, in the first line itself, why the lines before it end where they
 * do. No text of a member can look so: its quotes would bear a backslash. */
static bool is_alert(const char *line, size_t size)
{
	static const char words[] = "\"event\":\"alert\",\"outcome\":\"raised\","
				    "\"reason\":\"audit-unavailable\",";
	return memmem(line, size, words, sizeof(words) - 1) != NULL;
}

/* Whether the live file goes on from the newest rotated one. */
static int check_continuation(struct search *search, int fd)
{
	struct chain_line first;
	char newest[LOG_NAME_SIZE];
	if (search->rotated_count == 0)
		return 0;
	long size = read_first_line(search, fd);
	if (size <= 0)
		return (int)size;
	if (chain_read(search->digest, search->buffer, (size_t)size - 1, &first))
		return 0;
	log_name_rotated(newest, search->path,
			 &search->rotated[search->rotated_count - 1], ".jsonl");
	struct continuation continuation = {
		.path = search->path,
		.newest = newest,
		.first = &first,
		.is_told = is_alert(search->buffer, (size_t)size),
		.digest = search->digest,
		.buffer = search->buffer,
	};
	return continuation_check(&continuation, search->why, search->missing)
		       ? cannot_read(newest)
		       : 0;
}

static struct log_end end_of(const struct log_verify_file *found)
{
	return (struct log_end){
		.chain = found->chain,
		.tree = found->tree,
		.first_seq = found->first_seq,
		.first_time = found->lines ? recovery_time(found->first_time) : 0,
		.uncovered = found->checkpoints ? found->lines_behind_checkpoint
						: found->lines,
		.has_content = found->lines > 0,
	};
}

static int read_live(struct search *search, int fd)
{
	struct log_verify_file found;
	uint64_t note_first = 0;
	bool is_its_note = search->has_note &&
			   checkpoint_first_seq(search->note.origin, &note_first) == 0;
	long size = read_first_line(search, fd);
	struct chain_line first;
	if (size < 0)
		return -1;
	/* A first line that can't be read is found broken with any note. */
	if (is_its_note && size > 0 &&
	    chain_read(search->digest, search->buffer, (size_t)size - 1, &first) == 0 &&
	    first.seq != note_first)
		is_its_note = false;
	if (read_file(search, fd, search->path, is_its_note ? &search->note : NULL,
		      &found))
		return -1;
	if (search->why[0])
		return 0;
	if (found.lines > 0 && check_continuation(search, fd))
		return -1;
	search->ret->end = end_of(&found);
	search->unvouched = found.lines_behind_own;
	search->lacks_note = found.checkpoints > 0 && !search->has_note;
	memcpy(search->last_time, found.last_time, sizeof(search->last_time));
	search->ret->size = (off_t)found.size;
	return 0;
}

/* With nothing live, the log ends where its newest rotated file does. */
static int read_newest(struct search *search)
{
	char path[LOG_NAME_SIZE], note_path[LOG_NAME_SIZE];
	struct checkpoint note;
	struct log_verify_file found;
	const struct log_rotated *newest = &search->rotated[search->rotated_count - 1];
	log_name_rotated(path, search->path, newest, ".jsonl");
	log_name_rotated(note_path, search->path, newest, ".checkpoint");
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return cannot_read(path);
	drop_cache(fd, path);
	bool has_note = log_get_note(note_path, &note) == 0;
	int result = read_file(search, fd, path, has_note ? &note : NULL, &found);
	if (result == 0) {
		search->ret->end.chain = found.chain;
		search->unvouched = found.lines_behind_own;
		memcpy(search->last_time, found.last_time, sizeof(search->last_time));
	}
	close(fd);
	return result;
}

static bool is_rotated(const struct search *search, uint64_t first_seq,
		       char ret_note[LOG_NAME_SIZE])
{
	for (size_t i = search->rotated_count; i-- > 0;) {
		if (search->rotated[i].first_seq != first_seq)
			continue;
		log_name_rotated(ret_note, search->path, &search->rotated[i],
				 ".checkpoint");
		return true;
	}
	return false;
}

/* What the live file begins with. */
struct beginning {
	bool has_line;
	bool is_told; /* that the log before it was broken */
	bool goes_on; /* of a file that was lost in use it tells, and goes on from it */
	uint64_t first_seq;
};

/* Whether the note is that of an earlier file: one that is rotated, or of whose loss in
 * use the live one tells. */
static bool is_earlier_note(const struct search *search, const struct beginning *live,
			    uint64_t first_seq, char ret_name[LOG_NAME_SIZE])
{
	struct log_rotated gone = { .first_seq = first_seq };
	if (live->has_line && first_seq == live->first_seq)
		return false;
	if (is_rotated(search, first_seq, ret_name))
		return true;
	log_name_rotated(ret_name, search->path, &gone, ".checkpoint");
	return live->has_line && live->goes_on && first_seq < live->first_seq;
}

/* Reads the note, and brings it behind its file where a crash came in between. */
static void read_note(struct search *search, const struct beginning *live)
{
	char path[LOG_NAME_SIZE], earlier[LOG_NAME_SIZE];
	uint64_t first_seq = 0;
	log_name(path, search->path, ".checkpoint");
	if (log_get_note(path, &search->note)) {
		if (errno != ENOENT)
			log_warning("%s: it holds no checkpoint: %m; the log is not "
				    "compared with it",
				    path);
		return;
	}
	search->has_note = true;
	if (checkpoint_first_seq(search->note.origin, &first_seq)) {
		log_warning("%s: its origin is none of a gateway's log", path);
		search->has_note = false;
	} else if (is_earlier_note(search, live, first_seq, earlier)) {
		if (rename(path, earlier))
			log_warning("%s: it can't be renamed: %m", path);
		search->has_note = false;
	}
}

static void check_note(struct search *search)
{
	uint64_t first_seq = 0;
	if (!search->has_note || search->why[0])
		return;
	if (search->key &&
	    checkpoint_verify_own(&search->note, search->key) == CHECKPOINT_FORGED)
		set_broken(search, "the signature of its checkpoint is forged");
	checkpoint_first_seq(search->note.origin, &first_seq);
	const struct log_end *end = &search->ret->end;
	if (end->tree.size == 0 || end->first_seq != first_seq)
		set_broken(search,
			   "the %" PRIu64 " lines from number %" PRIu64
			   " on, of which its checkpoint tells, are gone",
			   search->note.size, first_seq);
}

static int look(struct search *search, int fd)
{
	int result = 0;
	if (search->is_live)
		result = read_live(search, fd);
	/* Also where all that was live was torn. */
	if (result == 0 && search->ret->end.tree.size == 0 && !search->why[0] &&
	    search->rotated_count > 0)
		result = read_newest(search);
	if (result == 0)
		check_note(search);
	return result;
}

/* What the next checkpoint will cover although nothing vouches for it is said first. */
static void tell_what_was_found(const struct search *search)
{
	char clause[ASIDE_WORDS_SIZE];
	char *words = search->ret->words;
	aside_untold_torn(search->path, search->last_time, words);
	aside_add_words(words, search->missing);
	if (search->lacks_note) {
		char note[LOG_NAME_SIZE];
		log_name(note, search->path, ".checkpoint");
		snprintf(clause, sizeof(clause), "%.60s is missing", log_name_base(note));
		aside_add_words(words, clause);
	}
	if (search->unvouched == 0)
		return;
	snprintf(search->ret->taken, sizeof(search->ret->taken),
		 "lines before this under no checkpoint%s: %" PRIu64,
		 search->key ? " signed with the key in use" : "", search->unvouched);
	log_warning("%s: %s", search->path, search->ret->taken);
}

static int open_search(struct search *search)
{
	search->digest = digest_new();
	search->buffer = malloc(LOG_VERIFY_LINE_MAX);
	if (!search->digest || !search->buffer) {
		log_error("%s: no memory to read the audit log: give the gateway more",
			  search->path);
		return -1;
	}
	return 0;
}

static int read_beginning(struct search *search, int fd, struct beginning *ret)
{
	static const char told[] = ",\"reason\":\"audit-broken\",";
	struct chain_line first = { .seq = 0 };
	ssize_t got = pread(fd, search->buffer, LOG_VERIFY_LINE_MAX, 0);
	if (got < 0)
		return cannot_read(search->path);
	const char *newline = memchr(search->buffer, '\n', (size_t)got);
	const char *end = memrchr(search->buffer, '\n', (size_t)got);
	search->is_live = got > 0;
	ret->has_line =
		newline && chain_read(search->digest, search->buffer,
				      (size_t)(newline - search->buffer), &first) == 0;
	ret->first_seq = first.seq;
	ret->goes_on =
		newline && is_alert(search->buffer, (size_t)(newline - search->buffer));
	ret->is_told = end && memmem(search->buffer, (size_t)(end - search->buffer), told,
				     sizeof(told) - 1);
	return 0;
}

static enum recovery_result run(struct search *search, int fd)
{
	bool is_moved;
	struct beginning live;
	if (open_search(search) || read_beginning(search, fd, &live) ||
	    aside_broken_resume(search->path, search->is_live, live.is_told, &is_moved,
				search->ret->broken))
		return RECOVERY_FAILED;
	if (is_moved)
		return RECOVERY_MOVED;
	if (log_rotated_list(search->path, &search->rotated, &search->rotated_count)) {
		cannot_read(search->path);
		return RECOVERY_FAILED;
	}
	read_note(search, &live);
	if (look(search, fd))
		return RECOVERY_FAILED;
	if (!search->why[0]) {
		tell_what_was_found(search);
		search->ret->last_time = recovery_time(search->last_time);
		return RECOVERY_DONE;
	}
	return aside_broken(search->path, search->is_live, search->why) ? RECOVERY_FAILED
									: RECOVERY_MOVED;
}

enum recovery_result recovery_run(int fd, const char *path, const struct signing_key *key,
				  struct recovery *ret)
{
	struct recovery found = { .size = 0 };
	struct search search = { .path = path, .key = key, .ret = &found };
	drop_cache(fd, path);
	enum recovery_result result = run(&search, fd);
	digest_free(search.digest);
	free(search.buffer);
	free(search.rotated);
	if (result == RECOVERY_DONE)
		*ret = found;
	return result;
}
