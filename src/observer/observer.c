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

#include "control.h"
#include "follower.h"
#include "snapshot.h"
#include "status.h"
#include "tally.h"
#include "textfile.h"

#define WRITE_MS	15000
#define WRITE_FIRST_MS	500
#define CLIENTS_AT_ONCE 8
#define NICENESS	5

struct state {
	const struct config *config;
	int supervisor, listener;
	bool is_ending;
	struct snapshot snapshot;
	struct tally tally;
	struct textfile textfile;
	int64_t write_ms;

	struct follower log;
};

static void hear_supervisor(struct state *state)
{
	switch (snapshot_receive(&state->snapshot, state->supervisor)) {
	case SNAPSHOT_NEW:
		tally_names(&state->tally, &state->snapshot);
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
	struct pollfd fds[] = {
		{ .fd = state->supervisor, .events = POLLIN },
		{ .fd = state->listener, .events = POLLIN },
		{ .fd = follower_descriptor(&state->log), .events = POLLIN },
	};

	left_ms = follower_wait_ms(&state->log, left_ms);
	if (poll(fds, 3, (int)left_ms) < 0)
		return;
	if (fds[0].revents)
		hear_supervisor(state);
	if (fds[2].revents || follower_is_due(&state->log))
		follower_read(&state->log, &state->tally);
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
		follower_read(&state->log, &state->tally);
	while (state->log.has_more && clock_ms() < end_ms);
	textfile_write(&state->textfile, &state->snapshot, &state->tally, false);
}

int observer_run(int supervisor, const struct config *config)
{
	struct state state = { .config = config,
			       .supervisor = supervisor,
			       .log = { .path = config->audit.file.path,
					.for_whom = "metrics and status" },
			       .write_ms = clock_ms() + WRITE_FIRST_MS };
	int status = 1;

	setpriority(PRIO_PROCESS, 0, NICENESS);
	state.listener = control_open(config->control.socket.path);
	if (tally_open(&state.tally) != 0 ||
	    textfile_open(&state.textfile, config->metrics.textfile.path) != 0) {
		log_error("no memory for the observer");
		goto out;
	}
	follower_read(&state.log, &state.tally);
	observe(&state);
	finish_observing(&state);
	status = 0;
out:
	control_close(state.listener, config->control.socket.path);
	follower_close(&state.log);
	textfile_close(&state.textfile);
	tally_close(&state.tally);
	snapshot_free(&state.snapshot);
	return status;
}
