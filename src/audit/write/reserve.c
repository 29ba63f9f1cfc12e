#include "reserve.h"

#include <sys/statvfs.h>

#define LOOK_MS	       1000
#define PART_OF_SYSTEM 10
#define PART_TO_SPARE  4

bool reserve_look(struct reserve *reserve, int fd, int64_t now_ms)
{
	bool was_reached = reserve->is_reached;
	int64_t size, available, wanted = reserve->bytes;
	struct statvfs system;

	if (wanted == 0 || now_ms - reserve->looked_ms < LOOK_MS)
		return false;
	reserve->looked_ms = now_ms;
	if (fstatvfs(fd, &system) != 0)
		return false;
	size = (int64_t)(system.f_blocks * system.f_frsize);
	available = (int64_t)(system.f_bavail * system.f_frsize);
	if (wanted > size / PART_OF_SYSTEM)
		wanted = size / PART_OF_SYSTEM;
	if (was_reached)
		wanted += wanted / PART_TO_SPARE;
	reserve->is_reached = available < wanted;
	return reserve->is_reached != was_reached;
}
