#include "cathgate/reason.h"

#include <stddef.h>

static const char *const words[REASON_COUNT] = {
#define X(name, word) [REASON_##name] = word,
	REASONS(X)
#undef X
};

const char *reason_word(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? words[reason] : NULL;
}
