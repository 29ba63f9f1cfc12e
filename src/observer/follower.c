#include "follower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"
#include "cathgate/audit/log_reader.h"
#include "cathgate/audit/members.h"

#define RETRY_MS      5000
#define LINES_AT_ONCE 256  /* then it is somebody else's turn */
#define HISTORY_LINES 1000 /* for what happened last before a restart */

/* The search for the last lines, from the log's end. */
struct history {
	size_t left;
	uint64_t first, end; /* the number of the first; behind the last */
	uint64_t turn;	     /* behind the last start or reload; 0: there is none */
	uint64_t start;	     /* behind this gateway's start; 0: there is none */
	int64_t started_utc_us;
	const char *file; /* where the first stands; NULL: there is none */
	off_t offset;
};

/* The quotes of a text within a line are escaped. */
#define START  "\"event\":\"start\""
#define RELOAD "\"event\":\"reload\""

static bool is_turn(const struct log_reader_line *line)
{
	return memmem(line->text, line->size, START, strlen(START)) ||
	       memmem(line->text, line->size, RELOAD, strlen(RELOAD));
}

/* A start line from before the gateway started is another's. */
static bool is_own_start(const struct log_reader_line *line, int64_t started_utc_us)
{
	json_t *json;
	int64_t us;
	bool is_own;

	if (started_utc_us == 0 || !memmem(line->text, line->size, START, strlen(START)))
		return false;
	json = members_read(line->text, line->size);
	is_own = json && utc_parse(members_text(json, "time"), &us) == 0 &&
		 us >= started_utc_us;
	json_decref(json);
	return is_own;
}

static bool look_back(void *context, const struct log_reader_line *line, off_t offset)
{
	struct history *history = context;

	if (!history->file)
		history->end = line->seq + 1;
	if (history->turn == 0 && is_turn(line))
		history->turn = line->seq + 1;
	if (history->start == 0 && is_own_start(line, history->started_utc_us))
		history->start = line->seq + 1;
	history->first = line->seq;
	history->file = line->file;
	history->offset = offset;
	return --history->left > 0;
}

static void open_log(struct follower *follower)
{
	const char *path = follower->path;
	struct history history = { .left = HISTORY_LINES,
				   .started_utc_us = follower->started_utc_us };
	char **files = NULL;
	size_t count = 0;

	follower->retry_ms = clock_ms() + RETRY_MS;
	if (log_reader_files(path, &files, &count) != 0)
		count = 0;
	/* A file that can't be read is logged when the reader comes to it. */
	for (size_t at = count; at > 0 && history.left > 0; at--)
		(void)!log_reader_backwards(files[at - 1], look_back, &history);
	follower->history_end = history.start != 0 ? history.start : history.end;
	if (follower->unheard == 0)
		follower->unheard = history.turn;
	/* The log that was heard of is away. */
	if (follower->unheard == 0 || follower->unheard > history.end)
		follower->unheard = history.end;
	follower->reader = history.file ? log_reader_open_at(path, history.first,
							     history.file, history.offset)
					: log_reader_open(path, 0);
	follower->has_more = follower->reader != NULL;
	log_reader_files_free(files, count);
}

static void log_failed(struct follower *follower)
{
	if (!follower->is_failing)
		log_error("the audit log %s can't be read: %s: %s go without what it "
			  "says, until it can",
			  follower->path, strerror(errno), follower->for_whom);
	follower->is_failing = true;
	follower->retry_ms = clock_ms() + RETRY_MS;
	follower->has_more = false;
}

static void take_line(struct follower *follower, struct tally *tally,
		      const struct log_reader_line *line)
{
	json_t *json = members_read(line->text, line->size);

	/* After a broken log the numbers begin anew, and those lines count. */
	if (follower->is_behind_gap && line->seq <= tally->sequence)
		follower->history_end = follower->unheard = 0;
	follower->is_behind_gap = false;
	if (json)
		tally_take(tally, json, line->seq, line->seq >= follower->history_end);
	if (json && follower->on_new && line->seq >= follower->unheard)
		follower->on_new(follower->context, json);
	json_decref(json);
}

void follower_read(struct follower *follower, struct tally *tally)
{
	if (!follower->reader && clock_ms() >= follower->retry_ms)
		open_log(follower);
	if (!follower->reader)
		return;
	follower->has_more = true;
	for (int i = 0; i < LINES_AT_ONCE; i++) {
		struct log_reader_line line;

		switch (log_reader_next(follower->reader, &line)) {
		case LOG_READER_LINE:
			follower->is_failing = false;
			take_line(follower, tally, &line);
			break;
		case LOG_READER_GAP:
			follower->is_behind_gap = true;
			break;
		case LOG_READER_END:
			follower->has_more = false;
			return;
		case LOG_READER_FAILED:
			log_failed(follower);
			return;
		}
	}
}

int follower_descriptor(const struct follower *follower)
{
	return follower->reader && !follower->is_failing
		       ? log_reader_descriptor(follower->reader)
		       : -1;
}

bool follower_is_due(const struct follower *follower)
{
	return follower->has_more ||
	       (follower_descriptor(follower) < 0 && clock_ms() >= follower->retry_ms);
}

int64_t follower_wait_ms(const struct follower *follower, int64_t most_ms)
{
	if (most_ms < 0 || follower->has_more)
		return 0;
	return most_ms < RETRY_MS ? most_ms : RETRY_MS;
}

void follower_close(struct follower *follower)
{
	log_reader_close(follower->reader);
	follower->reader = NULL;
}
