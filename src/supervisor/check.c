#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/observer/observer.h"
#include "cathgate/process/user.h"
#include "cathgate/supervisor/server.h"
#include "cathgate/supervisor/units.h"
#include "supervisor/settings/settings.h"

static void check_units(const struct units *units, const struct config *config,
			struct config_faults *faults)
{
	char *trouble = units_trouble(units);

	units_check(units, config, faults);
	for (size_t i = 0; trouble && i < units->count; i++)
		if (units->sockets[i].is_passed && units->sockets[i].has_failed)
			config_fault_add(faults, CONFIG_WARNING, &config->listen[0].place,
					 "%s", trouble);
	free(trouble);
}

static int check(const char *config_path, const struct units *units, const char *as)
{
	struct settings settings;
	size_t wrong;

	(void)!settings_load(&settings, config_path, NULL); /* the faults are counted */
	if (settings.config) {
		observer_check(settings.config, &settings.faults);
		check_units(units, settings.config, &settings.faults);
	}
	settings_print(&settings, true);
	wrong = settings.faults.error_count + settings.faults.calendar_count;
	if (wrong == 0 && settings.config)
		printf("%s: good: %zu listener%s, %zu modalit%s, %zu destination%s",
		       config_path, settings.config->listen_count,
		       settings.config->listen_count == 1 ? "" : "s",
		       settings.config->modality_count,
		       settings.config->modality_count == 1 ? "y" : "ies",
		       settings.config->destination_count,
		       settings.config->destination_count == 1 ? "" : "s");
	else
		printf("%s: %zu error%s", config_path, wrong, wrong == 1 ? "" : "s");
	printf(as ? "; checked as the user %s\n" : "\n", as);
	settings_free(&settings);
	return wrong == 0 ? 0 : 1;
}

int server_check(const char *config_path)
{
	return check(config_path, &(const struct units){ 0 }, NULL);
}

/* The user whose check counts; NULL: whoever runs this. Files that are given to the usual
 * user's group are meant for the service, too. */
static const struct passwd *user_of_service(const char *config_path, bool is_services,
					    const struct units *units)
{
	const struct passwd *user =
		getpwnam(units->is_known ? units->user : UNITS_USER_USUAL);
	struct stat status;

	if (geteuid() != 0 || !user || is_services)
		return geteuid() == 0 ? user : NULL;
	return stat(config_path, &status) == 0 && status.st_gid == user->pw_gid &&
			       user->pw_gid != 0
		       ? user
		       : NULL;
}

/* -1 after saying why. `name` NULL: as the rule has it. */
static int become_checker(const char *config_path, const char *name, bool is_services,
			  const struct units *units, const char **ret_as)
{
	const struct passwd *user =
		name ? getpwnam(name) : user_of_service(config_path, is_services, units);

	*ret_as = user ? user->pw_name : NULL;
	if (name && !user) {
		log_error("there is no user \"%s\"; name another with --user", name);
		return -1;
	}
	if (!user || user->pw_uid == geteuid())
		return 0;
	if (geteuid() != 0) {
		log_error("only root can check as the user %s; run this as root", name);
		return -1;
	}
	if (user_become(user->pw_name, user->pw_uid, user->pw_gid) == 0)
		return 0;
	log_error("can't become the user %s: %s", user->pw_name, strerror(errno));
	return -1;
}

int server_check_as(const char *config_path, const char *user)
{
	bool is_services = units_have_config(config_path);
	struct units units = { 0 };
	const char *as;
	int status = 2;

	if (is_services) {
		units_ask(&units);
		setenv("CREDENTIALS_DIRECTORY", UNITS_CREDENTIALS, 0);
	}
	if (become_checker(config_path, user, is_services, &units, &as) == 0)
		status = check(config_path, &units, as);
	units_clear(&units);
	return status;
}
