#include "cathgate/base/polls.h"

#include <stdlib.h>

void polls_clear(struct polls *polls)
{
	polls->count = 0;
}

bool polls_add(struct polls *polls, int fd)
{
	if (polls->count == polls->room) {
		size_t room = polls->room + 64;
		struct pollfd *fds = reallocarray(polls->fds, room, sizeof(*fds));

		if (!fds)
			return false;
		polls->fds = fds;
		polls->room = room;
	}
	polls->fds[polls->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return true;
}
