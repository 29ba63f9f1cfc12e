/* The passphrase of a backup: from a file, or from the terminal. */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/pki/sealed.h"

/* `file` NULL: asks, where there is a terminal. -1 with a message. The caller wipes it.
 */
MUST_USE int secret_read(const char *file, bool is_new, char ret[PKI_PASSPHRASE_SIZE]);
