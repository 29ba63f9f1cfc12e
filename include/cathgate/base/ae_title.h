/*
 * AE titles (PS3.5 6.2, VR AE; PS3.8 7.1.1.3): 1 to 16 characters of the default
 * repertoire without backslash and control characters; leading and trailing spaces do
 * not count, case does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AE_TITLE_MAX 16

struct ae_title {
	char text[AE_TITLE_MAX + 1]; /* without surrounding spaces; "" is no AE title */
};

/* Takes `size` bytes as they stand in a PDU, a command set or the configuration, trims
 * them and checks them. 0, or -1 with *ret untouched when it is no AE title. */
MUST_USE int ae_title_parse(const char *bytes, size_t size, struct ae_title *ret);

bool ae_title_equal(const struct ae_title *a, const struct ae_title *b);

#ifdef __cplusplus
}
#endif
