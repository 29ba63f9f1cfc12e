#include "cathgate/process/user.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int join(const gid_t *more, size_t count)
{
	int own = getgroups(0, NULL), result = -1;
	gid_t *all = own < 0 ? NULL : calloc((size_t)own + count, sizeof(*all));

	if (all && getgroups(own, all) == own) {
		memcpy(all + own, more, count * sizeof(*all));
		result = setgroups((size_t)own + count, all);
	}
	free(all);
	return result;
}

int user_become(const char *name, uid_t user, gid_t group, const gid_t *more,
		size_t count)
{
	if (initgroups(name, group) < 0 || (count > 0 && join(more, count) < 0) ||
	    setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
		return -1;
	return 0;
}
