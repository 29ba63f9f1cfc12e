#include "happening.h"

#include <stdio.h>

#include "cathgate/audit/members.h"

#define PUT(name)                                                \
	snprintf(happening->name, sizeof(happening->name), "%s", \
		 members_text(line, #name))

void happening_note(struct happening *happening, const json_t *line)
{
	PUT(time);
	PUT(outcome);
	PUT(reason);
	PUT(detail);
	PUT(modality);
	PUT(calling_ae);
	PUT(peer);
}
