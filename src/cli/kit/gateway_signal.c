#include "gateway_signal.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/supervisor/units.h"

int gateway_signal(const struct ucred *to)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (geteuid() == 0 && (setgroups(0, NULL) != 0 ||
				       setresgid(to->gid, to->gid, to->gid) != 0 ||
				       setresuid(to->uid, to->uid, to->uid) != 0))
			_exit(errno);
		_exit(kill(to->pid, SIGHUP) == 0 ? 0 : errno);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

/* The variable may be that of another unit. The unit hides the supervisor, which isn't
 * dumpable, from what it starts (ProtectProc=), so who that process is can't be seen. */
static bool told_by_systemd(struct ucred *ret)
{
	const char *text = getenv("MAINPID");
	long pid = text ? strtol(text, NULL, 10) : 0;

	if (pid <= 1 || pid > INT32_MAX || !units_have_this_process())
		return false;
	*ret = (struct ucred){ .pid = (pid_t)pid, .uid = geteuid(), .gid = getegid() };
	return true;
}

static bool asked_of_systemd(struct ucred *ret)
{
	const struct passwd *owner;
	struct units units;

	units_ask(&units);
	owner = units.main_pid > 1 ? units_owner(&units) : NULL;
	if (owner)
		*ret = (struct ucred){ .pid = units.main_pid,
				       .uid = owner->pw_uid,
				       .gid = owner->pw_gid };
	units_clear(&units);
	return owner != NULL;
}

bool gateway_service(const char *config, struct ucred *ret)
{
	if (!units_have_config(config))
		return false;
	return geteuid() == 0 ? asked_of_systemd(ret) : told_by_systemd(ret);
}
