/* A question before something is done that can't be undone, or to many things at once. */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"

/* -1 to go on: `is_yes`, or somebody at the terminal says so. Else the exit status, after
 * saying why: nobody can be asked, or the answer is no. `what` is a sentence without its
 * end: "Drop 3 objects for good". */
MUST_USE int confirm(bool is_yes, const char *what);
