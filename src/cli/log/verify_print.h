/* What came of a verification, for people or for a program. */
#pragma once

#include <stdio.h>

#include "verify_set.h"

void verify_print_text(const struct verify_set *set);
/* One JSON object. `holds`: no fault, and no checkpoint without its file. */
void verify_print_json(const struct verify_set *set, bool holds);
/* Says on standard error of which checkpoints the file is lacking; returns how many. */
size_t verify_print_lacking(const struct verify_set *set);

/* A bar on standard error; nothing where that is no terminal or the log is small. */
struct verify_bar {
	uint64_t total, done;
	int shown; /* percent; -1: never */
};
struct verify_bar verify_bar_start(const struct verify_set *set);
void verify_bar_move(void *bar, uint64_t bytes);
void verify_bar_end(struct verify_bar *bar);

/* What to do about the fault, whole lines; "" where there is nothing usual. */
const char *verify_print_cure(const struct verify_set *set);
