/* The files in modalities.d. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "modality.h"
#include "sample.h"

#define ENTRY_MAX   (1024UL * 1024)
#define DIGESTS_MAX 32

static const char *quote_all(const struct options_texts *list)
{
	const char *text = "";

	for (size_t i = 0; i < list->count; i++)
		text = keep_listed(text, ", ", sample_quote(list->items[i]));
	return text;
}

const char *modality_list_line(const char *key, const struct options_texts *list)
{
	return list->count == 0 ? ""
				: keep_format("%s = [ %s ];\n", key, quote_all(list));
}

const char *modality_entry_text(const struct modality_options *options,
				const char *binding)
{
	return keep_format(
		"// One modality of the allowlist, made by cathgate modality add on %s. "
		"Change what it\n"
		"// may do here; its certificate with cathgate modality renew. "
		"Every key is explained in\n"
		"// %s\n\n"
		"name = %s;\n%s%scertificate: {\n%s}\n%s%sdestination = %s;\n",
		site_date(time(NULL)), sample_place(), sample_quote(options->name),
		modality_list_line("ae_titles", &options->ae_titles),
		modality_list_line("called_ae_titles", &options->called_ae_titles),
		binding, modality_list_line("addresses", &options->addresses),
		modality_list_line("sop_classes", &options->sop_classes),
		sample_quote(options->destination));
}

const char *modality_entry_rebind(const char *text, const char *key,
				  const struct options_texts *items)
{
	const char *head = keep_format("\n  %s = [", key);
	const char *begin = strstr(text, head);
	const char *end = begin ? strchr(begin, ']') : NULL;

	if (!end || strstr(begin + 1, head))
		return NULL;
	begin += strlen(head);
	return keep_format("%.*s %s %s", (int)(begin - text), text, quote_all(items),
			   end);
}

int modality_entry_must_be_own(const struct site *site, const char *name)
{
	const struct config_modality *entry = site_entry(site, name);

	if (access(site_entry_path(site, name), F_OK) == 0)
		return 0;
	complain("\"%s\" stands in %s, line %d: change it there, or take it out", name,
		 entry->place.file, entry->place.line);
	return -1;
}

static int make_folder(const struct site *site)
{
	const char *path = keep_format("%s/" CONFIG_MODALITIES_FOLDER, site->folder);
	struct durable_owner owner = daemon_user_folder(&site->user);

	if (durable_folder(path, &owner) == 0 || errno == EEXIST)
		return 0;
	return complain_file(path);
}

int modality_entry_create(const struct site *site, const char *name, const char *text)
{
	const char *path = site_entry_path(site, name);
	struct durable_owner owner = daemon_user_file(&site->user);

	if (make_folder(site) < 0)
		return -1;
	return durable_create(path, text, strlen(text), &owner) < 0 ? complain_file(path)
								    : 0;
}

int modality_entry_write(struct site *site, const char *name, const char *text,
			 const char *before)
{
	const char *path = site_entry_path(site, name);
	struct durable_owner owner = daemon_user_file(&site->user);

	if (!before && modality_entry_create(site, name, text) < 0)
		return -1;
	/* A replacement can stand all the same. */
	if (before && durable_replace(path, text, strlen(text), &owner) < 0)
		complain_file(path);
	else if (site_reread(site) == 0)
		return 0;
	/* The fault has been told. */
	modality_entry_put_back(site, name, before);
	return -1;
}

void modality_entry_put_back(const struct site *site, const char *name,
			     const char *before)
{
	const char *path = site_entry_path(site, name);
	struct durable_owner owner = daemon_user_file(&site->user);

	if ((before ? durable_replace(path, before, strlen(before), &owner)
		    : durable_remove(path)) < 0)
		complain("%s: %s: it could not be put back as it was", path,
			 strerror(errno));
	else
		complain("so nothing was changed");
}

struct options_texts modality_entry_digests(const struct config_modality *entry,
					    const char *newest, bool alone)
{
	const struct config_strings *old = &entry->certificate.sha256;
	struct options_texts digests = { .items = keep_bytes(DIGESTS_MAX *
							     sizeof(const char *)) };

	for (size_t i = 0; i < old->count && !alone; i++)
		if (strcmp(old->items[i], newest) != 0 && digests.count + 1 < DIGESTS_MAX)
			digests.items[digests.count++] = keep_format("%s", old->items[i]);
	digests.items[digests.count++] = newest;
	return digests;
}

int modality_entry_bind(struct site *site, const char *name,
			const struct options_texts *digests, char **ret_before)
{
	const char *path = site_entry_path(site, name), *text;
	size_t size;

	*ret_before = NULL;
	if (modality_entry_must_be_own(site, name) < 0)
		return -1;
	if (durable_read(path, ENTRY_MAX, ret_before, &size) < 0)
		return complain_file(path);
	text = modality_entry_rebind(*ret_before, "sha256", digests);
	if (text)
		return modality_entry_write(site, name, text, *ret_before);
	complain("%s has no line \"  sha256 = [ … ];\" of its own: write %s there", path,
		 digests->items[digests->count - 1]);
	return -1;
}
