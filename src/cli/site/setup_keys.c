/* The keys and certificates of a gateway that is set up. */
#include "setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/audit/checkpoint.h"
#include "cathgate/config/config.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"

#define CA_DAYS	      3653 /* ten years */
#define CA_FILE_MAX   (1024UL * 1024)
#define RANDOM_LETTER 4 /* of a UUID, behind "urn:uuid:", to tell CAs apart */

/* What is made, and who signs it. Without a CA each certificate signs itself, until the
 * hospital's comes. */
struct work {
	const struct setup_plan *plan;
	const struct staging *to;
	struct pki_key *ca_key;
	struct pki_certificate *ca;
	const char *hosts[HOSTS_MAX];
	size_t host_count;
};

static const char *answer(const struct work *work, enum setup_question which)
{
	return work->plan->answers[which].value;
}

/* Takes the text; frees it. */
static int write_text(const struct work *work, const char *name, struct pki_text *text,
		      struct durable_owner owner)
{
	int result = staging_write(work->to, name, text->bytes, text->size, &owner);

	pki_text_free(text);
	return result;
}

static int make_folder(const struct work *work, const char *name,
		       const struct durable_owner *owner)
{
	int fd = durable_folder_at(work->to->folder, name, owner);

	if (fd < 0) {
		complain("%s/%s: %s", work->to->path, name, strerror(errno));
		return -1;
	}
	close(fd);
	return 0;
}

static int make_folders(const struct work *work)
{
	struct durable_owner readable = daemon_user_folder(&work->plan->user);
	struct durable_owner closed = daemon_user_none(0700);

	return make_folder(work, "tls", &readable) < 0 ||
			       make_folder(work, CONFIG_MODALITIES_FOLDER, &readable) <
				       0 ||
			       make_folder(work, SETUP_CA_FOLDER, &closed) < 0 ||
			       make_folder(work, SETUP_KNOWN, &closed) < 0
		       ? -1
		       : 0;
}

/* Writes the CA's own file, and a copy that the gateway can read. */
static int write_twice(const struct work *work, const char *own, const char *copy,
		       struct pki_text *text)
{
	struct durable_owner private = daemon_user_none(0600);
	int result = staging_write(work->to, own, text->bytes, text->size, &private);

	return write_text(work, copy, text, daemon_user_file(&work->plan->user)) | result;
}

/* A CA that is set up again must not have the name of an earlier one with another key. */
static const char *ca_name(const char *gateway)
{
	char uuid[PKI_UUID_SIZE];

	if (pki_uuid_make(uuid) < 0)
		return NULL;
	return keep_format("%.40s modality CA %.*s", gateway, RANDOM_LETTER,
			   uuid + strlen("urn:uuid:"));
}

static int make_ca(struct work *work)
{
	const char *organization = answer(work, SETUP_ORGANIZATION);
	struct pki_wish wish = {
		.role = PKI_CA,
		.common_name = ca_name(answer(work, SETUP_NAME)),
		.organization = organization[0] != '\0' ? organization : NULL,
		.days = CA_DAYS,
	};
	struct durable_owner own = daemon_user_none(0600);
	struct pki_text text;

	work->ca_key = pki_key_new(work->plan->algorithm);
	if (work->ca_key && wish.common_name)
		work->ca = pki_issue(&wish, work->ca_key, NULL, NULL);
	if (!work->ca || pki_key_write(work->ca_key, &text) < 0)
		return complain_openssl();
	if (write_text(work, SETUP_CA_KEY, &text, own) < 0)
		return -1;
	if (pki_certificate_write(work->ca, &text) < 0)
		return complain_openssl();
	if (write_twice(work, SETUP_CA_CERT, SETUP_MODALITIES_CA, &text) < 0)
		return -1;
	if (pki_crl_write(NULL, NULL, 0, work->ca, work->ca_key, 0, &text) < 0)
		return complain_openssl();
	return write_twice(work, SETUP_CA_CRL, SETUP_CRL, &text);
}

/* Copies a file of the site's. PEM stays as it is, since it can hold several
 * certificates; another form becomes PEM. */
static int copy_certificates(const struct work *work, const char *from, const char *name)
{
	struct durable_owner owner = daemon_user_file(&work->plan->user);
	struct pki_certificate *certificate;
	struct pki_text text = { 0 };
	const char *error = "holds no certificate";
	char *bytes;
	size_t size;
	int result = -1;

	if (durable_read(from, CA_FILE_MAX, &bytes, &size) < 0)
		return complain_file(from);
	if (strstr(bytes, "-----BEGIN ")) {
		result = staging_write(work->to, name, bytes, size, &owner);
		free(bytes);
		return result;
	}
	free(bytes);
	certificate = pki_certificate_read(from, &error);
	if (!certificate || pki_certificate_write(certificate, &text) < 0)
		complain("%s %s", from, error);
	else
		result = write_text(work, name, &text, owner);
	pki_certificate_free(certificate);
	return result;
}

/* Of several files one in PEM, one after the other. */
static int copy_crls(const struct work *work, const char *list)
{
	struct durable_owner owner = daemon_user_file(&work->plan->user);
	const char *all = "", *from;

	while ((from = setup_next(&list))) {
		const char *error = NULL;
		struct pki_crl *crl = NULL;
		struct pki_text text;
		char *bytes;
		size_t size;

		if (durable_read(from, 16 * CA_FILE_MAX, &bytes, &size) < 0)
			return complain_file(from);
		if (strstr(bytes, "-----BEGIN ")) {
			all = keep_format("%s%s\n", all, bytes);
			free(bytes);
			continue;
		}
		free(bytes);
		crl = pki_crl_read(from, &error);
		if (!crl || pki_crl_text(crl, &text) < 0) {
			complain("%s %s", from, error ? error : pki_failure());
			pki_crl_free(crl);
			return -1;
		}
		all = keep_format("%s%s", all, text.bytes);
		pki_text_free(&text);
		pki_crl_free(crl);
	}
	return staging_write(work->to, SETUP_CRL, all, strlen(all), &owner);
}

static void split_hosts(struct work *work)
{
	const char *value = answer(work, SETUP_HOSTS);

	while (*value != '\0' && work->host_count < HOSTS_MAX) {
		size_t length = strcspn(value, ", ");

		if (length > 0)
			work->hosts[work->host_count++] = keep_copy(value, length);
		value += length;
		value += strspn(value, ", ");
	}
}

/* Makes a pair of the gateway's own, `name`.key and `name`.crt, and a request for it. */
static int make_pair(const struct work *work, enum pki_role role, const char *name)
{
	const char *organization = answer(work, SETUP_ORGANIZATION);
	struct pki_wish wish = {
		.role = role,
		.common_name = strlen(work->hosts[0]) <= 64 ? work->hosts[0]
							    : answer(work, SETUP_NAME),
		.organization = organization[0] != '\0' ? organization : NULL,
		.names = work->hosts,
		.name_count = work->host_count,
		.days = work->plan->days,
	};
	struct durable_owner readable = daemon_user_file(&work->plan->user);
	struct pki_key *key = pki_key_new(work->plan->algorithm);
	struct pki_certificate *certificate =
		key ? pki_issue(&wish, key, work->ca, work->ca_key) : NULL;
	struct pki_text text;
	int result = -1;

	if (!certificate || pki_key_write(key, &text) < 0) {
		complain_openssl();
		goto out;
	}
	result = write_text(work, keep_format("tls/%s.key", name), &text,
			    daemon_user_key(&work->plan->user));
	if (result == 0 && pki_certificate_write(certificate, &text) == 0)
		result = write_text(work, keep_format("tls/%s.crt", name), &text,
				    readable);
	if (result == 0 && work->plan->wants_requests &&
	    pki_request_write(&wish, key, &text) == 0)
		result = write_text(work, keep_format("tls/%s.csr", name), &text,
				    readable);
out:
	pki_certificate_free(certificate);
	pki_key_free(key);
	return result;
}

/* The gateway signs checkpoints; verifying them takes the public half only. */
static int make_audit_keys(const struct work *work)
{
	struct durable_owner key = daemon_user_key(&work->plan->user);
	struct durable_owner readable = daemon_user_file(&work->plan->user);
	struct signing_key_text text;
	struct pki_text secret;
	int result;

	if (signing_key_new(&text) < 0) {
		complain("OpenSSL makes no key to sign the audit log with");
		return -1;
	}
	if (pki_secret_make(&secret) < 0)
		return complain_openssl();
	result = staging_write(work->to, "tls/audit.key", text.private_half,
			       strlen(text.private_half), &key);
	if (result == 0)
		result = staging_write(work->to, "tls/audit.key.pub", text.public_half,
				       strlen(text.public_half), &readable);
	explicit_bzero(&text, sizeof(text));
	return write_text(work, "tls/pseudonym.key", &secret, key) | result;
}

static int make_all(struct work *work)
{
	const char *site_ca = answer(work, SETUP_MODALITY_CA);
	const char *site_crl = answer(work, SETUP_MODALITY_CRL);
	const char *pacs_ca = answer(work, SETUP_PACS_CA);

	if (make_folders(work) < 0)
		return -1;
	if (site_ca[0] == '\0' && make_ca(work) < 0)
		return -1;
	if (site_ca[0] != '\0' &&
	    copy_certificates(work, site_ca, SETUP_MODALITIES_CA) < 0)
		return -1;
	if (site_crl[0] != '\0' && copy_crls(work, site_crl) < 0)
		return -1;
	if (make_pair(work, PKI_SERVER, "gateway") < 0)
		return -1;
	if (strcmp(pacs_ca, "none") != 0 &&
	    (copy_certificates(work, pacs_ca, "tls/pacs-ca.crt") < 0 ||
	     make_pair(work, PKI_CLIENT, "gateway-client") < 0))
		return -1;
	return make_audit_keys(work);
}

int setup_write_keys(const struct setup_plan *plan, const struct staging *to)
{
	struct work work = { .plan = plan, .to = to };
	int result;

	split_hosts(&work);
	result = make_all(&work);
	pki_certificate_free(work.ca);
	pki_key_free(work.ca_key);
	return result;
}
