#include "cathgate/base/reason.h"

#include <stddef.h>
#include <string.h>

static const char *const names[REASON_COUNT] = {
#define REASON(id, name, place, cause, cure) [REASON_##id] = name,
#include "cathgate/base/reasons.def"
#undef REASON
};

static const struct reason_help helps[REASON_COUNT] = {
#define REASON(id, name, place, cause, cure) \
	[REASON_##id] = { REASON_PLACE_##place, cause, cure },
#include "cathgate/base/reasons.def"
#undef REASON
};

const char *reason_name(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? names[reason] : NULL;
}

enum reason reason_of_name(const char *name)
{
	for (int reason = 1; reason < REASON_COUNT; reason++)
		if (strcmp(names[reason], name) == 0)
			return (enum reason)reason;
	return REASON_NONE;
}

const struct reason_help *reason_help(enum reason reason)
{
	return reason_name(reason) ? &helps[reason] : NULL;
}
