/* The files in modalities.d. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "modality.h"
#include "sample.h"

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

const char *modality_entry_rebind(const char *text, const struct options_texts *digests)
{
	static const char key[] = "\n  sha256 = [";
	const char *begin = strstr(text, key);
	const char *end = begin ? strchr(begin, ']') : NULL;

	if (!end || strstr(begin + 1, key))
		return NULL;
	begin += strlen(key);
	return keep_format("%.*s %s %s", (int)(begin - text), text, quote_all(digests),
			   end);
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

	if (durable_replace(path, text, strlen(text), &owner) < 0)
		return complain_file(path);
	if (site_reread(site) == 0)
		return 0;
	/* The configuration's own fault has been told. */
	if (durable_replace(path, before, strlen(before), &owner) < 0)
		complain("%s: %s: it could not be put back as it was", path,
			 strerror(errno));
	else
		complain("so nothing was changed");
	return -1;
}
