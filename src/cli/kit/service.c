#include "service.h"

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

#include "cathgate/supervisor/server.h"
#include "complain.h"

#define USER_USUAL "cathgate"

static int refuse(const char *what, const char *name)
{
	complain("there is no %s \"%s\"; make it, or name another one", what, name);
	return -1;
}

int service_find(const char *user, const char *group, struct service *ret)
{
	struct service service = { .user = (uid_t)-1, .group = (gid_t)-1 };
	const char *name = user == NULL && geteuid() == 0 ? USER_USUAL : user;
	const struct passwd *found = name != NULL ? getpwnam(name) : NULL;
	const struct group *named = group != NULL ? getgrnam(group) : NULL;

	if (user != NULL && found == NULL)
		return refuse("user", user);
	if (group != NULL && named == NULL)
		return refuse("group", group);
	if (found != NULL) {
		service.name = name;
		service.user = found->pw_uid;
		service.group = found->pw_gid;
	}
	if (named != NULL)
		service.group = named->gr_gid;
	if (service.user != (uid_t)-1 && service.user != geteuid() && geteuid() != 0) {
		complain("only root can give files to %s; run this as root", name);
		return -1;
	}
	*ret = service;
	return 0;
}

struct durable_owner service_key(const struct service *service)
{
	return (struct durable_owner){ service->user, service->group, 0600 };
}

struct durable_owner service_file(const struct service *service)
{
	return (struct durable_owner){ (uid_t)-1, service->group, 0640 };
}

struct durable_owner service_folder(const struct service *service)
{
	return (struct durable_owner){ (uid_t)-1, service->group, 0750 };
}

struct durable_owner service_private(mode_t mode)
{
	return (struct durable_owner){ (uid_t)-1, (gid_t)-1, mode };
}

static int become(const struct service *service)
{
	if (geteuid() != 0 || service->name == NULL)
		return 0;
	if (initgroups(service->name, service->group) < 0 ||
	    setresgid(service->group, service->group, service->group) < 0 ||
	    setresuid(service->user, service->user, service->user) < 0)
		return -1;
	return 0;
}

static void run_check(const struct service *service, const char *config_path, int output)
{
	sigset_t none;
	int status = 2;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0) {
		if (become(service) < 0)
			complain("can't become %s: %s", service->name, strerror(errno));
		else
			status = server_check(config_path);
	}
	fflush(stdout);
	_exit(status);
}

static void show(int output)
{
	char bytes[4096];
	ssize_t size;

	lseek(output, 0, SEEK_SET);
	while ((size = read(output, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)size, stderr);
}

int service_check(const struct service *service, const char *config_path)
{
	int output = memfd_create("check", MFD_CLOEXEC), status = 0;
	pid_t child;

	fflush(NULL);
	child = output >= 0 ? fork() : -1;
	if (child == 0)
		run_check(service, config_path, output);
	if (child < 0 || waitpid(child, &status, 0) != child) {
		complain("the configuration can't be checked: %s", strerror(errno));
		status = -1;
	} else {
		status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (status != 0)
			show(output);
	}
	if (output >= 0)
		close(output);
	return status;
}
