#include "daemon_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cathgate/process/user.h"
#include "cathgate/supervisor/server.h"
#include "cathgate/supervisor/units.h"
#include "complain.h"

static int refuse_name(const char *what, const char *name)
{
	complain("there is no %s \"%s\"; make it, or name another one", what, name);
	return -1;
}

int daemon_user_find(const char *user, const char *group, struct daemon_user *ret)
{
	struct daemon_user result = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	const char *name = !user && geteuid() == 0 ? UNITS_USER_USUAL : user;
	const struct passwd *found = name ? getpwnam(name) : NULL;
	const struct group *named = group ? getgrnam(group) : NULL;

	if (user && !found)
		return refuse_name("user", user);
	if (group && !named)
		return refuse_name("group", group);
	if (found) {
		result.name = name;
		result.uid = found->pw_uid;
		result.gid = found->pw_gid;
	}
	if (named)
		result.gid = named->gr_gid;
	if (result.uid != (uid_t)-1 && result.uid != geteuid() && geteuid() != 0) {
		complain("only root can give files to %s; run this as root", name);
		return -1;
	}
	*ret = result;
	return 0;
}

struct durable_owner daemon_user_key(const struct daemon_user *user)
{
	return (struct durable_owner){ user->uid, user->gid, 0600 };
}

struct durable_owner daemon_user_file(const struct daemon_user *user)
{
	return (struct durable_owner){ (uid_t)-1, user->gid, 0640 };
}

struct durable_owner daemon_user_folder(const struct daemon_user *user)
{
	return (struct durable_owner){ (uid_t)-1, user->gid, 02750 };
}

struct durable_owner daemon_user_none(mode_t mode)
{
	return (struct durable_owner){ (uid_t)-1, (gid_t)-1, mode };
}

static int become_user(const struct daemon_user *user)
{
	if (geteuid() != 0 || !user->name)
		return 0;
	return user_become(user->name, user->uid, user->gid, NULL, 0);
}

static void run_check(const struct daemon_user *user, const char *config_path, int output)
{
	sigset_t none;
	int status = 2;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0) {
		if (become_user(user) < 0)
			complain("can't become %s: %s", user->name, strerror(errno));
		else
			status = server_check(config_path);
	}
	fflush(stdout);
	_exit(status);
}

static void show_output(int output)
{
	char bytes[4096];
	ssize_t size;

	lseek(output, 0, SEEK_SET);
	while ((size = read(output, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)size, stderr);
}

int daemon_user_check(const struct daemon_user *user, const char *config_path)
{
	int output = memfd_create("check", MFD_CLOEXEC), status = 0;
	pid_t child;

	fflush(NULL);
	child = output >= 0 ? fork() : -1;
	if (child == 0)
		run_check(user, config_path, output);
	if (child < 0 || waitpid(child, &status, 0) != child) {
		complain("the configuration can't be checked: %s", strerror(errno));
		status = -1;
	} else {
		status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (status != 0)
			show_output(output);
	}
	if (output >= 0)
		close(output);
	return status;
}
