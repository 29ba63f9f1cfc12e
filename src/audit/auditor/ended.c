#include "ended.h"

#include <string.h>

#include "cathgate/base/log.h"

void ended_note(struct ended *ended, const char *association)
{
	size_t at = ended->next++ % ENDED_MAX;

	ended->items[at].is_logged = false;
	memcpy(ended->items[at].association, association,
	       sizeof(ended->items[at].association));
}

bool ended_has(struct ended *ended, const char *association)
{
	for (size_t i = 0; i < ENDED_MAX; i++) {
		if (strcmp(ended->items[i].association, association) != 0)
			continue;
		if (!ended->items[i].is_logged)
			log_error("association %s: it asked for a new channel after its "
				  "last one had ended; it gets none",
				  association);
		ended->items[i].is_logged = true;
		return true;
	}
	return false;
}
