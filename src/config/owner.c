#include <stdio.h>
#include <unistd.h>

#include "cathgate/base/ids.h"
#include "cathgate/config/config.h"

void config_check_owner(struct config_faults *faults, const struct config_place *place,
			const char *path, uid_t owner)
{
	char user[32] = "another user";

	if (ids_trust_owner(owner))
		return;
	if (ids_are_user(owner))
		snprintf(user, sizeof(user), "user %u", (unsigned)owner);
	/* Root may be checking on behalf of the user that the service runs as. */
	config_fault_add(faults, geteuid() == 0 ? CONFIG_WARNING : CONFIG_ERROR, place,
			 "%s belongs to %s, who could replace it; chown it to root or to "
			 "the user that cathgated runs as",
			 path, user);
}
