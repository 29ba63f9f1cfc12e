#include "supervisor/settings/settings.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cathgate/tls/key_file.h"

MUST_USE static int load_key(const struct config_file *file, struct spool_public *ret,
			     struct config_faults *faults)
{
	struct evp_pkey_st *key = tls_key_load(file, faults);

	if (!key)
		return -1;
	if (spool_public_of(key, ret) != 0)
		ret->suite = 0;
	tls_key_free(key);
	return 0;
}

/* The key may be away for a moment only, and is read again by the spool keeper. */
static void judge_key(struct settings *settings, size_t i, const struct tls_keys *keys)
{
	const struct config_file *file = &settings->config->spool.key.items[i];
	const char *public_path = settings->config->spool.public_key.path;
	struct spool_public public = { .suite = 0 };
	size_t faults = settings->faults.count;
	int rc = keys ? keys->judge(keys->context, file, &public, &settings->faults)
		      : load_key(file, &public, &settings->faults);

	if (rc != 0 && settings->faults.count == faults)
		config_fault_add(&settings->faults, CONFIG_ERROR, &file->place,
				 "what key %s holds can't be found out; try again",
				 file->path);
	if (rc != 0)
		return;
	if (public.suite == 0)
		config_fault_add(&settings->faults, CONFIG_ERROR, &file->place,
				 "%s holds no key of the spool's kind (" SPOOL_KINDS
				 "); cathgate spool keygen makes one",
				 file->path);
	else if (i == 0 && memcmp(&public, &settings->spool, sizeof(public)) != 0)
		config_fault_add(
			&settings->faults, CONFIG_ERROR, &file->place,
			"%s and the public key %s don't belong together; write the "
			"public half anew with: cathgate spool keygen --public --key %s "
			">%s.new && mv %s.new %s",
			file->path, public_path, file->path, public_path, public_path,
			public_path);
	else
		memcpy(settings->spool_keys[i], public.id, sizeof(public.id));
}

static void check_folder(struct settings *settings)
{
	const struct config_file *folder = &settings->config->spool.directory;
	struct stat status;
	int parent;

	if (stat(folder->path, &status) != 0 && errno == ENOENT) {
		parent = durable_open_parent(folder->path);
		if (parent < 0)
			config_fault_add(&settings->faults, CONFIG_ERROR, &folder->place,
					 "%s can't be made: the folder that it is to be "
					 "in: %s",
					 folder->path, strerror(errno));
		else
			close(parent);
	} else if (stat(folder->path, &status) != 0) {
		config_fault_add(&settings->faults, CONFIG_ERROR, &folder->place,
				 "%s: %s", folder->path, strerror(errno));
	} else if (!S_ISDIR(status.st_mode)) {
		config_fault_add(&settings->faults, CONFIG_ERROR, &folder->place,
				 "%s is no folder; write another path", folder->path);
	} else {
		if ((status.st_mode & 077) != 0)
			config_fault_add(&settings->faults, CONFIG_ERROR, &folder->place,
					 "%s can be read or changed by others than its "
					 "owner (mode %04o); chmod 0700 it",
					 folder->path, (unsigned)status.st_mode & 07777);
		config_check_owner(&settings->faults, &folder->place, folder->path,
				   status.st_uid);
	}
}

void settings_load_spool(struct settings *settings, const struct tls_keys *keys)
{
	const struct config *config = settings->config;

	if (!config_has_spool(config))
		return;
	if (!config->spool.public_key.path) {
		config_fault_add(&settings->faults, CONFIG_ERROR, &config->spool.place,
				 "a key that is a credential has no public half beside "
				 "it; write public_key = \"tls/spool.key.pub\"");
		return;
	}
	if (spool_public_load(&config->spool.public_key, &settings->spool,
			      &settings->faults) != 0)
		return;
	if (config->spool.key.count > SPOOL_KEYS_MAX)
		config_fault_add(&settings->faults, CONFIG_ERROR, &config->spool.place,
				 "key names more than %d keys; remove those of which no "
				 "object waits any more",
				 SPOOL_KEYS_MAX);
	for (size_t i = 0; i < config->spool.key.count && i < SPOOL_KEYS_MAX; i++)
		judge_key(settings, i, keys);
	check_folder(settings);
}
