#include "cathgate/base/reason.h"

#include <stddef.h>
#include <string.h>

static const char *const words[REASON_COUNT] = {
#define REASON(name, word, place, cause, cure) [REASON_##name] = word,
#include "cathgate/base/reasons.def"
#undef REASON
};

static const struct reason_help helps[REASON_COUNT] = {
#define REASON(name, word, place, cause, cure) \
	[REASON_##name] = { REASON_PLACE_##place, cause, cure },
#include "cathgate/base/reasons.def"
#undef REASON
};

const char *reason_name(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? words[reason] : NULL;
}

enum reason reason_of_name(const char *word)
{
	for (int reason = 1; reason < REASON_COUNT; reason++)
		if (strcmp(words[reason], word) == 0)
			return (enum reason)reason;
	return REASON_NONE;
}

const struct reason_help *reason_help(enum reason reason)
{
	return reason_name(reason) ? &helps[reason] : NULL;
}
