#include "own_ca.h"

#include <string.h>

#include "keep.h"

#define PRIVATE_CA "ca/ca.crt"

/* Where the CA may be, beside the certificate's own file. Kept. */
static const char **list_files(const struct config *config, size_t *ret_count)
{
	const char *slash = strrchr(config->path, '/');
	const char **files = keep_bytes(
		(config->listen_count + config->destination_count + 1) * sizeof(*files));
	size_t count = 0;

	files[count++] =
		keep_format("%.*s" PRIVATE_CA,
			    slash ? (int)(slash + 1 - config->path) : 0, config->path);
	for (size_t i = 0; i < config->listen_count; i++)
		if (!config->listen[i].tls.none)
			files[count++] = config->listen[i].tls.ca.path;
	for (size_t i = 0; i < config->destination_count; i++)
		if (!config->destinations[i].tls.none)
			files[count++] = config->destinations[i].tls.ca.path;
	*ret_count = count;
	return files;
}

static int read_facts(const char *path, struct pki_facts *ret)
{
	const char *error;
	struct pki_certificate *certificate = pki_certificate_read(path, &error);
	int result = certificate ? pki_certificate_facts(certificate, ret) : -1;

	pki_certificate_free(certificate);
	return result;
}

int own_ca_find(const struct config *config, const struct config_file *certificate,
		struct own_ca *ret)
{
	size_t count, file = 0;
	const char **files = list_files(config, &count);
	struct own_ca own = { .ca = NULL };
	char issuer[PKI_NAME_SIZE];
	const char *error;

	if (read_facts(certificate->path, &own.certificate) < 0)
		return -1;
	switch (pki_root_find(certificate->path, files, count, &own.ca, &file, issuer)) {
	case PKI_ROOT_FOUND:
		own.path = file == 0 ? certificate->path : files[file - 1];
		break;
	case PKI_ROOT_ITSELF:
		own.is_itself = true;
		own.path = certificate->path;
		own.ca = pki_certificate_read(certificate->path, &error);
		break;
	case PKI_ROOT_AWAY:
		break;
	case PKI_ROOT_FAILED:
		return -1;
	}
	own.issuer = keep_format("%s", issuer);
	*ret = own;
	return 0;
}

void own_ca_clear(struct own_ca *own)
{
	pki_certificate_free(own->ca);
	own->ca = NULL;
}

/* One CA, and the gateway's own certificates below it. */
struct listed {
	struct own_ca own;	      /* without the CA itself */
	char sha256[DIGEST_HEX_SIZE]; /* of the CA; "" where it isn't at hand */
	const char *signed_by_it;
};

struct list {
	struct listed *items;
	size_t count;
};

static struct listed *find_listed(const struct list *list, const struct listed *sought)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].sha256, sought->sha256) == 0 &&
		    strcmp(list->items[i].own.issuer, sought->own.issuer) == 0)
			return &list->items[i];
	return NULL;
}

/* Both certificates of a gateway, EC and RSA, are mostly of one CA. */
static void list_ca(const struct config *config, const struct config_file *file,
		    struct list *list)
{
	struct listed sought = { .signed_by_it = file->path }, *found;
	struct pki_facts facts;

	if (own_ca_find(config, file, &sought.own) < 0)
		return;
	if (sought.own.ca && pki_certificate_facts(sought.own.ca, &facts) == 0)
		strcpy(sought.sha256, facts.sha256);
	own_ca_clear(&sought.own);
	found = find_listed(list, &sought);
	if (found)
		found->signed_by_it =
			keep_listed(found->signed_by_it, " and ", file->path);
	else
		list->items[list->count++] = sought;
}

static const char *text_of(const struct listed *listed)
{
	if (listed->own.is_itself)
		return keep_format("import %s, the gateway's own certificate, which is "
				   "self-signed (%s)",
				   listed->own.path, listed->own.issuer);
	if (listed->own.path)
		return keep_format("import the CA %s, which signed %s; its certificate "
				   "is in %s",
				   listed->own.issuer, listed->signed_by_it,
				   listed->own.path);
	return keep_format("import the CA %s, which signed %s; its certificate is in no "
			   "file of the configuration: whoever runs that CA has it",
			   listed->own.issuer, listed->signed_by_it);
}

/* The certificates of all listeners, each file once. */
static const struct config_file **list_own(const struct config *config, size_t *ret_count)
{
	const struct config_file **files;
	size_t count = 0, room = 0, at;

	for (size_t i = 0; i < config->listen_count; i++)
		room += config->listen[i].tls.certificate.count;
	files = keep_bytes((room + 1) * sizeof(*files));
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_tls *tls = &config->listen[i].tls;

		for (size_t k = 0; !tls->none && k < tls->certificate.count; k++) {
			const struct config_file *file = &tls->certificate.items[k];

			for (at = 0; at < count; at++)
				if (strcmp(files[at]->path, file->path) == 0)
					break;
			files[at] = file;
			count += at == count;
		}
	}
	*ret_count = count;
	return files;
}

const char *own_ca_text(const struct config *config, bool *ret_is_away)
{
	size_t count;
	const struct config_file **files = list_own(config, &count);
	struct list list = { .items = keep_bytes((count + 1) * sizeof(*list.items)) };
	const char *all = "";

	for (size_t i = 0; i < count; i++)
		list_ca(config, files[i], &list);
	*ret_is_away = false;
	for (size_t i = 0; i < list.count; i++) {
		all = keep_listed(all, "; and ", text_of(&list.items[i]));
		*ret_is_away |= !list.items[i].own.path;
	}
	return all;
}
