#include "cathgate/process/user.h"

#include <grp.h>
#include <unistd.h>

int user_become(const char *name, uid_t user, gid_t group)
{
	if (initgroups(name, group) < 0 || setresgid(group, group, group) < 0 ||
	    setresuid(user, user, user) < 0)
		return -1;
	return 0;
}
