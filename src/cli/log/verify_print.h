/* What came of a verification, for people or for a program. */
#pragma once

#include <stdio.h>

#include "verify_set.h"

void verify_print_text(const struct verify_set *set);
/* One JSON object. `holds`: no fault, and no checkpoint without its file. */
void verify_print_json(const struct verify_set *set, bool holds);
/* Says on standard error of which checkpoints the file is lacking; returns how many. */
size_t verify_print_lacking(const struct verify_set *set);

/* What to do about the fault, whole lines; "" where there is nothing usual. */
const char *verify_print_cure(const struct verify_set *set);
