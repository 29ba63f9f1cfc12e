#include "cathgate/base/unreadable.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/ids.h"

#define GROUPS_MAX 256

static bool is_own_group(gid_t group)
{
	gid_t groups[GROUPS_MAX];
	int count = getgroups(GROUPS_MAX, groups);

	if ((group == 0 && geteuid() != 0) || !ids_are_group(group))
		return false;
	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return group == getegid();
}

static void name_group(gid_t group, char *ret, size_t size)
{
	const struct group *found = getgrgid(group);

	if (found)
		snprintf(ret, size, "%s", found->gr_name);
	else
		snprintf(ret, size, "%u", (unsigned)group);
}

/* Whether a folder keeps this process out. */
static bool is_closed(const char *folder)
{
	return strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0 &&
	       access(folder, X_OK) != 0 && errno == EACCES;
}

static void find_cure(const char *path, bool is_key, char *ret, size_t size)
{
	char copy[PATH_MAX], group[64];
	const struct passwd *self = getpwuid(geteuid());
	const char *folder;
	struct stat status;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (is_closed(folder)) {
		find_cure(folder, false, ret, size);
		return;
	}
	if (stat(folder, &status) != 0 || !is_own_group(status.st_gid))
		return;
	name_group(status.st_gid, group, sizeof(group));
	if (is_key && self)
		snprintf(ret, size, "as root: chown %s: %s; chmod 400 %s", self->pw_name,
			 path, path);
	else
		snprintf(ret, size, "as root: chgrp %s %s; chmod %s %s", group, path,
			 stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? "2750"
									     : "640",
			 path);
}

void unreadable_cure(const char *path, bool is_key, char *ret, size_t size)
{
	int error = errno;

	ret[0] = '\0';
	find_cure(path, is_key, ret, size);
	errno = error;
}
