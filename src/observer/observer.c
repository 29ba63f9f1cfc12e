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
#include "cathgate/process/process.h"

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
	bool is_stale; /* a folder that it wants is another than it may reach */
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
		if ((state->textfile.is_failing || state->log.is_failing) &&
		    sandbox_is_stale())
			state->is_ending = state->is_stale = true;
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

/* It may look at the log, write the metrics, and remove its socket at the end. */
MUST_USE static int enter_sandbox(const struct config *config,
				  const struct sandbox_program *sandbox)
{
	const char *metrics = config->metrics.textfile.path;
	const char *control = config->control.socket.path;
	char *log = sandbox_folder_of(config->audit.file.path);
	char *socket = sandbox_folder_of(control ? control : OBSERVER_CONTROL_USUAL);
	char *written = metrics ? sandbox_folder_of(metrics) : NULL;
	const struct sandbox_path paths[] = { { log, SANDBOX_READ },
					      { "/dev/urandom", SANDBOX_READ },
					      { socket, SANDBOX_REMOVE },
					      { written, SANDBOX_CHANGE } };
	int result = -1;

	if (log && socket && (written || !metrics))
		result = sandbox_enter(sandbox, paths, written ? 4 : 3);
	free(log);
	free(socket);
	free(written);
	return result;
}

int observer_run(int supervisor, const struct config *config, int64_t started_utc_us,
		 const struct sandbox_program *sandbox)
{
	struct state state = { .config = config,
			       .supervisor = supervisor,
			       .log = { .path = config->audit.file.path,
					.for_whom = "metrics and status",
					.started_utc_us = started_utc_us },
			       .write_ms = clock_ms() + WRITE_FIRST_MS };
	int status = 1;

	setpriority(PRIO_PROCESS, 0, NICENESS);
	state.listener = control_open(config->control.socket.path);
	if (tally_open(&state.tally) != 0 ||
	    textfile_open(&state.textfile, config->metrics.textfile.path) != 0) {
		log_error("no memory for the observer");
		goto out;
	}
	if (enter_sandbox(config, sandbox) != 0)
		goto out;
	follower_read(&state.log, &state.tally);
	observe(&state);
	finish_observing(&state);
	status = state.is_stale ? ROLE_ANEW : 0;
out:
	control_close(state.listener, config->control.socket.path);
	follower_close(&state.log);
	textfile_close(&state.textfile);
	tally_close(&state.tally);
	snapshot_free(&state.snapshot);
	return status;
}
