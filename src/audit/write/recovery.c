#include "recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"
#include "continuation.h"
#include "late_note.h"
#include "audit/read/log_listing.h"
#include "search.h"

/* After a failed sync the cache may show bytes that the disk never got. Asks the kernel
 * to drop it, so that what is read next is what the disk holds. */
static void drop_cache(int fd, const char *path)
{
	if (fsync(fd))
		log_warning("%s: the audit log can't be synced: %m", path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* Whether a first line is an alert, which says why the lines before it end where they do.
 * No text of a member can look so: its quotes would bear a backslash. */
static bool is_alert(const char *line, size_t size)
{
	static const char members[] = "\"event\":\"alert\",\"outcome\":\"raised\","
				      "\"reason\":\"audit-unavailable\",";
	return memmem(line, size, members, sizeof(members) - 1) != NULL;
}

static int read_beginning(struct search *search, int fd, struct search_beginning *ret)
{
	ssize_t got = pread(fd, search->buffer, LOG_VERIFY_LINE_MAX, 0);
	if (got < 0)
		return search_cannot_read(search->path);
	const char *newline = memchr(search->buffer, '\n', (size_t)got);
	const char *end = memrchr(search->buffer, '\n', (size_t)got);
	search->is_live = got > 0;
	ret->has_line = newline &&
			chain_read(search->digest, search->buffer,
				   (size_t)(newline - search->buffer), &ret->first) == 0;
	ret->goes_on =
		newline && is_alert(search->buffer, (size_t)(newline - search->buffer));
	ret->head = end ? (size_t)(end - search->buffer) : 0;
	return 0;
}

/* Whether the live file goes on from the newest rotated one. */
static int check_continuation(struct search *search, int fd)
{
	struct search_beginning live;
	char newest[LOG_NAME_SIZE];
	if (search->rotated_count == 0)
		return 0;
	/* Once more: its end may have been mended since. */
	if (read_beginning(search, fd, &live))
		return -1;
	if (!live.has_line)
		return 0;
	log_name_rotated(newest, search->path,
			 &search->rotated[search->rotated_count - 1], ".jsonl");
	struct continuation continuation = {
		.path = search->path,
		.newest = newest,
		.first = &live.first,
		.is_told = live.goes_on,
		.digest = search->digest,
		.buffer = search->buffer,
	};
	return continuation_check(&continuation, search->why, search->missing)
		       ? search_cannot_read(newest)
		       : 0;
}

static struct log_end end_of(const struct log_verify_file *found)
{
	return (struct log_end){
		.chain = found->chain,
		.tree = found->tree,
		.first_seq = found->first_seq,
		.first_time = found->lines ? utc_seconds(found->first_time) : 0,
		.uncovered = found->checkpoints ? found->lines_behind_checkpoint
						: found->lines,
		.has_content = found->lines > 0,
	};
}

static int read_live(struct search *search, int fd, const struct search_beginning *live)
{
	struct log_verify_file found;
	uint64_t note_first = 0;
	bool is_its_note = search->has_note &&
			   checkpoint_first_seq(search->note.origin, &note_first) == 0;
	/* A first line that can't be read is found broken with any note. */
	if (is_its_note && live->has_line && live->first.seq != note_first)
		is_its_note = false;
	if (search_read_file(search, fd, search->path, is_its_note ? &search->note : NULL,
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

/* Without a line in the live file the log ends where its newest rotated file does. */
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
		return search_cannot_read(path);
	drop_cache(fd, path);
	bool has_note = log_get_note(note_path, &note) == 0;
	int result = search_read_file(search, fd, path, has_note ? &note : NULL, &found);
	if (result == 0) {
		search->ret->end.chain = found.chain;
		search->unvouched = found.lines_behind_own;
		memcpy(search->last_time, found.last_time, sizeof(search->last_time));
	}
	close(fd);
	return result;
}

static int search_end(struct search *search, int fd, const struct search_beginning *live)
{
	int result = 0;
	if (search->is_live)
		result = read_live(search, fd, live);
	/* The live file is empty, or held nothing but a torn line. */
	if (result == 0 && search->ret->end.tree.size == 0 && !search->why[0] &&
	    search->rotated_count > 0)
		result = read_newest(search);
	if (result == 0)
		search_check_note(search);
	if (result == 0 && search->ret->end.tree.size == 0 && !search->why[0])
		result = search_check_lost(search);
	return result;
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

/* The log tells of lines that no checkpoint of ours covers before the next one does. */
static void tell_findings(const struct search *search)
{
	char clause[ASIDE_FINDING_SIZE];
	char *findings = search->ret->findings;
	aside_untold_torn(search->path, search->last_time, findings);
	aside_add_clause(findings, search->missing);
	if (search->lacks_note) {
		char note[LOG_NAME_SIZE];
		log_name(note, search->path, ".checkpoint");
		snprintf(clause, sizeof(clause), "%.60s is missing", log_name_base(note));
		aside_add_clause(findings, clause);
	}
	if (search->unvouched == 0)
		return;
	snprintf(search->ret->taken, sizeof(search->ret->taken),
		 "lines before this under no checkpoint%s: %" PRIu64,
		 search->key ? " signed with the key in use" : "", search->unvouched);
	log_warning("%s: %s", search->path, search->ret->taken);
}

static enum recovery_result run_search(struct search *search, int fd)
{
	bool is_moved;
	struct search_beginning live;
	if (open_search(search) || read_beginning(search, fd, &live) ||
	    aside_broken_resume(search->path, search->is_live, search->buffer, live.head,
				&is_moved, search->ret->broken))
		return RECOVERY_FAILED;
	if (is_moved)
		return RECOVERY_MOVED;
	if (log_rotated_list(search->path, &search->rotated, &search->rotated_count)) {
		search_cannot_read(search->path);
		return RECOVERY_FAILED;
	}
	search_read_note(search, &live);
	if (search_end(search, fd, &live))
		return RECOVERY_FAILED;
	if (!search->why[0]) {
		tell_findings(search);
		search->ret->last_time = utc_seconds(search->last_time);
		const struct log_end *end = &search->ret->end;
		late_note_make_good(search->path, search->rotated, search->rotated_count,
				    end->tree.size > 0 ? end->first_seq
						       : end->chain.next_seq,
				    search->key);
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
	enum recovery_result result = run_search(&search, fd);
	digest_free(search.digest);
	free(search.buffer);
	free(search.rotated);
	if (result == RECOVERY_DONE)
		*ret = found;
	return result;
}
