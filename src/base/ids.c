#include "cathgate/base/ids.h"

#include <stdio.h>
#include <unistd.h>

static bool has(const char *map, unsigned id)
{
	unsigned inside, outside, count;
	FILE *from = fopen(map, "re");
	bool has = !from;

	while (from && !has && fscanf(from, "%u %u %u", &inside, &outside, &count) == 3)
		has = id >= inside && id - inside < count;
	if (from)
		fclose(from);
	return has;
}

bool ids_are_user(uid_t user)
{
	return has("/proc/self/uid_map", user);
}

bool ids_are_group(gid_t group)
{
	return has("/proc/self/gid_map", group);
}

bool ids_trust_owner(uid_t owner)
{
	return (owner == 0 || owner == geteuid()) && ids_are_user(owner);
}
