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

static const char *text_of(const struct config *config,
			   const struct config_file *certificate)
{
	struct own_ca own;
	const char *text;

	if (own_ca_find(config, certificate, &own) < 0)
		return "";
	if (own.is_itself)
		text = keep_format("trust the gateway's own certificate, %s (%s): it is "
				   "self-signed",
				   certificate->path, own.issuer);
	else if (own.path)
		text = keep_format("trust the CA %s, which signed %s; its certificate is "
				   "in %s",
				   own.issuer, certificate->path, own.path);
	else
		text = keep_format("trust the CA %s, which signed %s; its certificate "
				   "is in no file of the configuration: whoever runs "
				   "that CA has it",
				   own.issuer, certificate->path);
	own_ca_clear(&own);
	return text;
}

const char *own_ca_text(const struct config *config,
			const struct config_files *certificates)
{
	const char *all = "";

	for (size_t i = 0; i < certificates->count; i++) {
		const char *text = text_of(config, &certificates->items[i]);

		if (text[0])
			all = keep_listed(all, "; and ", text);
	}
	return all;
}
