#include "supervisor/helpers/name_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/log.h"
#include "cathgate/tls/key_file.h"

#define ETC "/etc"

static const char *const usual[] = {
	"/lib",
	"/lib64",
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/lib",
	"/usr/share",
	"/dev/null",
	"/dev/urandom",
	"/var/lib/extrausers",
	"/var/lib/sss",
	"/run/NetworkManager",
	"/run/avahi-daemon",
	"/run/connman",
	"/run/nscd",
	"/run/nslcd",
	"/run/resolvconf",
	"/run/samba",
	"/run/systemd/machines",
	"/run/systemd/netif",
	"/run/systemd/resolve",
	"/run/systemd/userdb",
};

#define USUAL_COUNT (sizeof(usual) / sizeof(usual[0]))

struct paths {
	struct sandbox_path *items;
	size_t count, room;
};

static int add(struct paths *paths, char *path)
{
	if (path && paths->count == paths->room) {
		size_t room = paths->room + 64;
		struct sandbox_path *items =
			reallocarray(paths->items, room, sizeof(*items));

		if (!items) {
			free(path);
			return -1;
		}
		paths->items = items;
		paths->room = room;
	}
	if (!path)
		return -1;
	paths->items[paths->count++] = (struct sandbox_path){ path, SANDBOX_READ };
	return 0;
}

static bool leads_to(const char *path, const char *file)
{
	size_t length = strlen(path);

	return file && strncmp(path, file, length) == 0 &&
	       (file[length] == '/' || file[length] == '\0');
}

/* As it is named, and where symbolic links lead. */
static bool leads_to_secret(const char *path, const char *file)
{
	char *real = file ? realpath(file, NULL) : NULL;
	bool ret = leads_to(path, file) || leads_to(path, real);

	free(real);
	return ret;
}

/* The key's file; of a key in a token the PIN's. */
static bool leads_to_key(const char *path, const struct config_file *key)
{
	char *pin;
	bool ret;

	if (!key->in_token)
		return leads_to_secret(path, key->path);
	pin = tls_key_pin_file(key->path);
	ret = leads_to_secret(path, pin);
	free(pin);
	return ret;
}

static bool leads_to_keys(const char *path, const struct config_tls *tls)
{
	for (size_t i = 0; i < tls->key.count; i++)
		if (leads_to_key(path, &tls->key.items[i]))
			return true;
	return false;
}

/* Whether it is, or holds, something that isn't for the resolver. */
static bool is_ours(const char *path, const char *configuration,
		    const struct config *config)
{
	bool ret = leads_to(path, configuration) ||
		   leads_to_secret(path, config->audit.signing_key.path) ||
		   leads_to_secret(path, config->audit.pseudonym_key.path);

	for (size_t i = 0; i < config->listen_count; i++)
		ret = ret || leads_to_keys(path, &config->listen[i].tls);
	for (size_t i = 0; i < config->destination_count; i++)
		ret = ret || leads_to_keys(path, &config->destinations[i].tls);
	return ret;
}

/* A symbolic link leads into one of the usual places, or to another entry. */
MUST_USE static int add_etc(struct paths *paths, const struct config *config)
{
	char *configuration = realpath(config->path, NULL);
	DIR *folder = opendir(ETC);
	const struct dirent *entry;
	int result = 0;

	while (folder && result == 0 && (entry = readdir(folder))) {
		char *path = NULL;

		if (entry->d_name[0] == '.' || entry->d_type == DT_LNK)
			continue;
		if (asprintf(&path, ETC "/%s", entry->d_name) < 0)
			path = NULL;
		if (path && is_ours(path, configuration, config))
			free(path);
		else
			result = add(paths, path);
	}
	if (folder)
		closedir(folder);
	free(configuration);
	return result;
}

int name_files_enter(const struct sandbox_program *sandbox, const struct config *config)
{
	struct paths paths = { 0 };
	int result = 0;

	for (size_t i = 0; i < USUAL_COUNT && result == 0; i++)
		result = add(&paths, strdup(usual[i]));
	if (result == 0)
		result = add_etc(&paths, config);
	if (result != 0)
		log_error("no memory for the resolver's sandbox");
	else
		result = sandbox_enter(sandbox, paths.items, paths.count);
	for (size_t i = 0; i < paths.count; i++)
		free((char *)paths.items[i].path);
	free(paths.items);
	return result;
}
