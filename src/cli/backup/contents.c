#include "contents.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"

#define FORM	     1
#define MANIFEST_MAX 65536
#define LENGTH(x)    (sizeof(x) / sizeof((x)[0]))

#define UNIT(name)                                 \
	{ CONTENTS_UNITS "/" name, true },         \
	{                                          \
		CONTENTS_UNITS "/" name ".d", true \
	}

const struct contents_place contents_places[] = {
	UNIT("cathgated.socket"),
	UNIT("cathgated.service"),
	UNIT("cathgate-crl.timer"),
	UNIT("cathgate-crl.service"),
	UNIT("cathgate-syslog.service"),
	{ "etc/nftables.conf", false },
	{ "etc/cron.daily/cathgate-crl", false },
	{ CONTENTS_SITE, false },
};
const size_t contents_place_count = LENGTH(contents_places);

int contents_write_manifest(int folder, const struct contents_manifest *manifest)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0600 };
	json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "cathgate-backup",
				 FORM, "gateway", manifest->gateway, "made",
				 manifest->made, "version", manifest->version, "group",
				 manifest->group, "log", manifest->log);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	int result = -1;

	if (!text)
		complain_memory();
	else if ((result = durable_create_at(folder, CONTENTS_MANIFEST, text,
					     strlen(text), &own)) < 0)
		complain_file(CONTENTS_MANIFEST);
	free(text);
	json_decref(json);
	return result;
}

/* A file of a folder that can change places with another. */
static bool is_log(const char *path)
{
	const char *base = durable_base(path);

	return path[0] == '/' && base - path > 1 && base[0] != '\0' &&
	       !strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../");
}

int contents_read_manifest(int folder, struct contents_manifest *ret)
{
	const char *gateway, *made, *version, *group, *log;
	json_t *json = NULL;
	char *text = NULL;
	size_t size;
	int form = 0, result = -1;

	if (durable_read_at(folder, CONTENTS_MANIFEST, MANIFEST_MAX, &text, &size) == 0)
		json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(json, "{s:i, s:s, s:s, s:s, s:s, s:s}", "cathgate-backup", &form,
			"gateway", &gateway, "made", &made, "version", &version, "group",
			&group, "log", &log) == 0 &&
	    form == FORM && (log[0] == '\0' || is_log(log))) {
		*ret = (struct contents_manifest){
			.gateway = keep_format("%s", gateway),
			.made = keep_format("%s", made),
			.version = keep_format("%s", version),
			.group = keep_format("%s", group),
			.log = keep_format("%s", log),
		};
		result = 0;
	} else if (form > FORM) {
		complain("it was made by a newer cathgate: install that one first");
	} else {
		complain("what is sealed in it is no backup of cathgate");
	}
	json_decref(json);
	free(text);
	return result;
}

/* What both lists below are made of: each file that a configuration names. */
struct files {
	const struct config_file **items; /* kept */
	size_t count;
};

static void add_file(struct files *files, const struct config_file *file)
{
	if (file->path)
		files->items[files->count++] = file;
}

static void add_files(struct files *files, const struct config_files *list)
{
	for (size_t i = 0; i < list->count; i++)
		add_file(files, &list->items[i]);
}

static void add_tls(struct files *files, const struct config_tls *tls)
{
	add_files(files, &tls->key);
	add_files(files, &tls->certificate);
	add_file(files, &tls->ca);
	add_files(files, &tls->crl);
}

static size_t most_of(const struct config_tls *tls)
{
	return tls->key.count + tls->certificate.count + 1 + tls->crl.count;
}

static struct files list_files(const struct config *config)
{
	size_t most = 3 + config->spool.key.count;
	struct files files = { 0 };

	for (size_t i = 0; i < config->listen_count; i++)
		most += most_of(&config->listen[i].tls);
	for (size_t i = 0; i < config->destination_count; i++)
		most += most_of(&config->destinations[i].tls);
	files.items = keep_bytes(most * sizeof(*files.items));
	for (size_t i = 0; i < config->listen_count; i++)
		add_tls(&files, &config->listen[i].tls);
	for (size_t i = 0; i < config->destination_count; i++)
		add_tls(&files, &config->destinations[i].tls);
	add_file(&files, &config->audit.signing_key);
	add_file(&files, &config->audit.pseudonym_key);
	add_files(&files, &config->spool.key);
	add_file(&files, &config->spool.public_key);
	return files;
}

static const char **list_texts(size_t most)
{
	return keep_bytes((most + 1) * sizeof(const char *));
}

static void add_text(const char **texts, const char *text)
{
	size_t i = 0;

	while (texts[i] && strcmp(texts[i], text) != 0)
		i++;
	texts[i] = texts[i] ? texts[i] : keep_format("%s", text);
}

const char **contents_credentials(const struct config *config)
{
	struct files files = list_files(config);
	const char **names = list_texts(files.count);

	for (size_t i = 0; i < files.count; i++)
		if (files.items[i]->credential)
			add_text(names, durable_base(files.items[i]->path));
	return names;
}

const char **contents_elsewhere(const struct config *config)
{
	static const char inside[] = "/" CONTENTS_SITE "/";
	struct files files = list_files(config);
	const struct config_strings *command = &config->alerts.command;
	const char **paths = list_texts(files.count + 1);

	for (size_t i = 0; i < files.count; i++)
		if (!files.items[i]->credential &&
		    strncmp(files.items[i]->path, inside, strlen(inside)) != 0)
			add_text(paths, files.items[i]->path);
	if (command->count > 0 && strncmp(command->items[0], inside, strlen(inside)) != 0)
		add_text(paths, command->items[0]);
	return paths;
}
