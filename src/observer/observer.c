#include "cathgate/observer/observer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/audit/log_reader.h"
#include "cathgate/audit/members.h"

#include "control.h"
#include "snapshot.h"
#include "status.h"
#include "tally.h"
#include "textfile.h"

#define WRITE_MS	15000
#define WRITE_FIRST_MS	500
#define RETRY_MS	5000
#define LINES_AT_ONCE	256 /* then it is the supervisor's and the clients' turn */
#define CLIENTS_AT_ONCE 8
#define HISTORY_LINES	1000 /* for what happened last before a restart */
#define NICENESS	5

struct state {
	const struct config *config;
	int supervisor, listener;
	bool is_ending;
	struct snapshot snapshot;
	struct tally tally;
	struct textfile textfile;
	int64_t write_ms;

	struct log_reader *reader;
	uint64_t history_end; /* lines before this one aren't counted */
	int64_t retry_ms;
	bool has_more, is_failing, is_behind_gap;
};

/* The search for the last lines, from the log's end. */
struct history {
	size_t left;
	uint64_t first, end; /* the number of the first; behind the last */
	const char *file;    /* where the first stands; NULL: there is none */
	off_t offset;
};

static bool look_back(void *context, const struct log_reader_line *line, off_t offset)
{
	struct history *history = context;

	if (!history->file)
		history->end = line->seq + 1;
	history->first = line->seq;
	history->file = line->file;
	history->offset = offset;
	return --history->left > 0;
}

static void open_log(struct state *state)
{
	const char *path = state->config->audit.file.path;
	struct history history = { .left = HISTORY_LINES };
	char **files = NULL;
	size_t count = 0;

	state->retry_ms = clock_ms() + RETRY_MS;
	if (log_reader_files(path, &files, &count) != 0)
		count = 0;
	/* A file that can't be read is logged when the reader comes to it. */
	for (size_t at = count; at > 0 && history.left > 0; at--)
		(void)!log_reader_backwards(files[at - 1], look_back, &history);
	state->history_end = history.end;
	state->reader = history.file ? log_reader_open_at(path, history.first,
							  history.file, history.offset)
				     : log_reader_open(path, 0);
	state->has_more = state->reader != NULL;
	log_reader_files_free(files, count);
}

static void log_failed(struct state *state)
{
	if (!state->is_failing)
		log_error("the audit log %s can't be read: %s: metrics and status go "
			  "without what it says, until it can",
			  state->config->audit.file.path, strerror(errno));
	state->is_failing = true;
	state->retry_ms = clock_ms() + RETRY_MS;
	state->has_more = false;
}

static void count_log_line(struct state *state, const struct log_reader_line *line)
{
	json_t *json = members_read(line->text, line->size);

	/* After a broken log the numbers begin anew, and those lines count. */
	if (state->is_behind_gap && line->seq <= state->tally.sequence)
		state->history_end = 0;
	state->is_behind_gap = false;
	if (json)
		tally_take(&state->tally, json, line->seq,
			   line->seq >= state->history_end);
	json_decref(json);
}

static void read_log(struct state *state)
{
	if (!state->reader && clock_ms() >= state->retry_ms)
		open_log(state);
	if (!state->reader)
		return;
	state->has_more = true;
	for (int i = 0; i < LINES_AT_ONCE; i++) {
		struct log_reader_line line;

		switch (log_reader_next(state->reader, &line)) {
		case LOG_READER_LINE:
			state->is_failing = false;
			count_log_line(state, &line);
			break;
		case LOG_READER_GAP:
			state->is_behind_gap = true;
			break;
		case LOG_READER_END:
			state->has_more = false;
			return;
		case LOG_READER_FAILED:
			log_failed(state);
			return;
		}
	}
}

static void take_names(struct state *state)
{
	const struct snapshot *snapshot = &state->snapshot;

	for (uint32_t i = 0; i < snapshot->head.modality_count; i++)
		tally_modality(&state->tally, snapshot->modalities[i].text);
	for (uint32_t i = 0; i < snapshot->head.destination_count; i++)
		tally_destination(&state->tally, snapshot->destinations[i].text);
}

static void hear_supervisor(struct state *state)
{
	switch (snapshot_receive(&state->snapshot, state->supervisor)) {
	case SNAPSHOT_NEW:
		take_names(state);
		break;
	case SNAPSHOT_HUNG_UP:
		state->is_ending = true;
		break;
	case SNAPSHOT_NONE:
		break;
	}
}

static void serve_clients(struct state *state)
{
	char *answer = NULL;
	int client;

	for (int i = 0; i < CLIENTS_AT_ONCE && control_accept(state->listener, &client);
	     i++) {
		if (!answer)
			answer = status_compose(state->config, &state->snapshot,
						&state->tally);
		control_answer(client, answer);
	}
	free(answer);
}

static void wait_and_serve(struct state *state)
{
	int64_t left_ms = state->write_ms - clock_ms();
	bool reads = state->reader && !state->is_failing;
	struct pollfd fds[] = {
		{ .fd = state->supervisor, .events = POLLIN },
		{ .fd = state->listener, .events = POLLIN },
		{ .fd = reads ? log_reader_descriptor(state->reader) : -1,
		  .events = POLLIN },
	};

	if (left_ms < 0 || state->has_more)
		left_ms = 0;
	if (left_ms > RETRY_MS)
		left_ms = RETRY_MS;
	if (poll(fds, 3, (int)left_ms) < 0)
		return;
	if (fds[0].revents)
		hear_supervisor(state);
	if (fds[2].revents || state->has_more ||
	    (!reads && clock_ms() >= state->retry_ms))
		read_log(state);
	if (fds[1].revents)
		serve_clients(state);
}

static void observe(struct state *state)
{
	while (!state->is_ending) {
		wait_and_serve(state);
		if (clock_ms() < state->write_ms)
			continue;
		state->write_ms = clock_ms() + WRITE_MS;
		textfile_write(&state->textfile, &state->snapshot, &state->tally, true);
	}
}

/* The auditor has ended, so that the log is complete now. */
static void finish_observing(struct state *state)
{
	int64_t end_ms = clock_ms() + OBSERVER_FINISH_MS;

	do
		read_log(state);
	while (state->has_more && clock_ms() < end_ms);
	textfile_write(&state->textfile, &state->snapshot, &state->tally, false);
}

int observer_run(int supervisor, const struct config *config)
{
	struct state state = { .config = config,
			       .supervisor = supervisor,
			       .write_ms = clock_ms() + WRITE_FIRST_MS };
	int status = 1;

	setpriority(PRIO_PROCESS, 0, NICENESS);
	state.listener = control_open(config->control.socket.path);
	if (tally_open(&state.tally) != 0 ||
	    textfile_open(&state.textfile, config->metrics.textfile.path) != 0) {
		log_error("no memory for the observer");
		goto out;
	}
	read_log(&state);
	observe(&state);
	finish_observing(&state);
	status = 0;
out:
	control_close(state.listener, config->control.socket.path);
	log_reader_close(state.reader);
	textfile_close(&state.textfile);
	tally_close(&state.tally);
	snapshot_free(&state.snapshot);
	return status;
}
