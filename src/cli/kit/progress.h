/*
 * How far a long reading has come: a bar on standard error, where that is a terminal and
 * somebody would wait.
 */
#pragma once

#include <stdint.h>

struct progress {
	uint64_t total, done;
	int shown; /* percent; -1: never */
};

struct progress progress_start(uint64_t total_bytes);
/* `progress` is a struct progress. */
void progress_move(void *progress, uint64_t bytes);
/* Takes the bar away. */
void progress_end(const struct progress *progress);
