/*
 * One run of alerts.command: a process that nobody waits for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cathgate/config/config.h"

struct alert_command {
	const struct config_strings *words; /* the path, and its arguments */
	pid_t pid;			    /* 0 while none runs */
	int process, output;		    /* descriptors; -1 while none runs */
	bool output_ended;
	int64_t end_ms; /* clock_ms() when it is ended */
	char said[400]; /* the beginning of its output, for the log */
	size_t said_size;
};

enum alert_command_end { ALERT_COMMAND_RUNS, ALERT_COMMAND_DONE, ALERT_COMMAND_FAILED };

/* Takes none that runs. 0, or -1 with errno. */
MUST_USE int alert_command_start(struct alert_command *command, const char *input);
/* Says once how it ended, in the log, too, if it failed; ends one that takes too long. */
enum alert_command_end alert_command_look(struct alert_command *command);
/* Ends one that runs. */
void alert_command_stop(struct alert_command *command);
