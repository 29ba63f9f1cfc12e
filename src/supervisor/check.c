#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
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

	(void)!settings_load(&settings, config_path, NULL,
			     NULL); /* the faults are counted */
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

#define GROUPS_MAX 64

/* Whose check counts. */
struct checker {
	const char *name; /* NULL: whoever runs this */
	uid_t user;
	gid_t group, more[GROUPS_MAX];
	size_t count;
};

static void take_user(struct checker *checker, const struct passwd *user)
{
	*checker = (struct checker){ .name = user->pw_name,
				     .user = user->pw_uid,
				     .group = user->pw_gid };
}

static int find_group(const char *name, gid_t *ret)
{
	const struct group *group = getgrnam(name);
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (!group && (*end || number >= UINT32_MAX)) {
		log_error("there is no group \"%s\", which " UNITS_SERVICE
			  " names; make it, or mend the unit",
			  name);
		return -1;
	}
	*ret = group ? group->gr_gid : (gid_t)number;
	return 0;
}

static int take_groups(struct checker *checker, const struct units *units)
{
	char *copy = strdup(units->groups ? units->groups : ""), *rest = copy, *name;
	int result = copy ? 0 : -1;

	if (units->group && units->group[0])
		result = find_group(units->group, &checker->group);
	while (result == 0 && (name = strsep(&rest, " ")))
		if (*name && checker->count < GROUPS_MAX)
			result = find_group(name, &checker->more[checker->count++]);
	free(copy);
	return result;
}

/* -1 after saying why. Root's service has root's check. */
static int find_service(struct checker *checker, const struct units *units)
{
	const struct passwd *user = units_owner(units);

	if (!user) {
		log_error("there is no user \"%s\", which " UNITS_SERVICE
			  " names; make it, mend the unit, or name another with --user",
			  units->user);
		return -1;
	}
	if (!units->user[0])
		return 0;
	take_user(checker, user);
	return take_groups(checker, units);
}

/* For root. Files that are given to the usual user's group are meant for the service,
 * too.
 */
static int find_checker(struct checker *checker, const char *config_path,
			bool is_services, const struct units *units)
{
	const struct passwd *user = getpwnam(UNITS_USER_USUAL);
	struct stat status;

	if (units->is_known)
		return find_service(checker, units);
	if (user && (is_services || (stat(config_path, &status) == 0 &&
				     status.st_gid == user->pw_gid && user->pw_gid != 0)))
		take_user(checker, user);
	return 0;
}

static int find_named(struct checker *checker, const char *name)
{
	const struct passwd *user = getpwnam(name);

	if (user)
		take_user(checker, user);
	else
		log_error("there is no user \"%s\"; name another with --user", name);
	return user ? 0 : -1;
}

/* -1 after saying why. `name` NULL: as the rule has it. */
static int become_checker(const char *config_path, const char *name, bool is_services,
			  const struct units *units, struct checker *checker)
{
	int found = 0;

	if (name)
		found = find_named(checker, name);
	else if (geteuid() == 0)
		found = find_checker(checker, config_path, is_services, units);
	if (found < 0 || !checker->name || checker->user == geteuid())
		return found;
	if (geteuid() != 0) {
		log_error("only root can check as the user %s; run this as root", name);
		return -1;
	}
	if (user_become(checker->name, checker->user, checker->group, checker->more,
			checker->count) == 0)
		return 0;
	log_error("can't become the user %s: %s", checker->name, strerror(errno));
	return -1;
}

int server_check_as(const char *config_path, const char *user)
{
	bool is_services = units_have_config(config_path);
	struct units units = { 0 };
	struct checker checker = { .name = NULL };
	int status = 2;

	if (is_services) {
		units_ask(&units);
		units_lend_credentials();
	}
	if (become_checker(config_path, user, is_services, &units, &checker) == 0)
		status = check(config_path, &units, checker.name);
	units_clear(&units);
	return status;
}
