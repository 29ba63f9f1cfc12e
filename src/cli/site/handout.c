#include "handout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/own_ca.h"
#include "setup.h"

#define PASSWORD_MAX 128
#define SHOWN_MAX    (64UL * 1024)

int handout_write(const struct handout *handout, const char *name, const char *bytes,
		  size_t size)
{
	struct durable_owner own = daemon_user_none(0600);

	if (!handout->shelf)
		return staging_write(&handout->staging, name, bytes, size, &own);
	return staging_write(handout->shelf,
			     keep_format("%s/%s", handout->asked->name, name), bytes,
			     size, &own);
}

static int write_file(const struct handout *handout, const char *name, const char *ending,
		      struct pki_text *text)
{
	int result = handout_write(handout, keep_format("%s%s", name, ending),
				   text->bytes, text->size);

	pki_text_free(text);
	return result;
}

/* The first line of the file that was named; else one that is made up. */
static int choose_password(struct handout *handout, char ret[PASSWORD_MAX])
{
	char *text;
	size_t size;

	if (!handout->asked->password_file) {
		if (pki_password_make(handout->password) < 0)
			return complain_openssl();
		strcpy(ret, handout->password);
		return 0;
	}
	/* It can be a pipe: --password-file <(…). */
	if (durable_read_fd(open(handout->asked->password_file, O_RDONLY | O_CLOEXEC),
			    PASSWORD_MAX - 1, &text, &size) < 0)
		return complain_file(handout->asked->password_file);
	size = strcspn(text, "\r\n");
	memcpy(ret, text, size);
	ret[size] = '\0';
	explicit_bzero(text, size);
	free(text);
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)ret[i] < 0x20 || (unsigned char)ret[i] > 0x7E)
			size = 0;
	if (size >= 8)
		return 0;
	complain("%s: its first line is no password; write 8 to 127 ASCII characters "
		 "there",
		 handout->asked->password_file);
	return -1;
}

/* The CA of the modality's certificate, and those that it is to trust. Kept. */
static const struct pki_certificate **list_cas(const struct handout *handout,
					       const struct site *site, size_t *ret_count)
{
	const struct pki_certificate **list =
		keep_bytes((handout->root_count + 1) * sizeof(*list));

	list[0] = site->ca;
	*ret_count = 1;
	for (size_t i = 0; i < handout->root_count; i++)
		if (handout->roots[i] && !pki_is_same(handout->roots[i], site->ca))
			list[(*ret_count)++] = handout->roots[i];
	return list;
}

static int write_pkcs12(struct handout *handout, const struct site *site,
			const struct pki_key *key)
{
	size_t ca_count;
	const struct pki_certificate **cas = list_cas(handout, site, &ca_count);
	char password[PASSWORD_MAX];
	struct pki_text text;
	int result = choose_password(handout, password);

	if (result == 0 && pki_pkcs12_write(key, handout->certificate, cas, ca_count,
					    handout->asked->name, password,
					    handout->asked->legacy, &text) < 0)
		result = complain_openssl();
	else if (result == 0)
		result = write_file(handout, handout->asked->name, ".p12", &text);
	explicit_bzero(password, sizeof(password));
	return result;
}

const char *handout_ca_name(size_t at)
{
	return at == 0 ? "ca" : keep_format("ca-%zu", at + 1);
}

static int write_certificate(const struct handout *handout, const char *name,
			     const struct pki_certificate *certificate)
{
	struct pki_text text;

	if (pki_certificate_write(certificate, &text) < 0)
		return complain_openssl();
	return write_file(handout, name, ".crt", &text);
}

/* NULL, with a message, on failure. */
static struct pki_key *issue_certificate(struct handout *handout, const struct site *site)
{
	const struct modality_options *asked = handout->asked;
	enum pki_algorithm algorithm =
		asked->legacy || asked->rsa ? PKI_RSA_2048 : PKI_EC_P256;
	struct pki_wish wish = { .role = PKI_CLIENT,
				 .common_name = asked->name,
				 .uri = handout->uri,
				 .days = asked->days ? asked->days
						     : MODALITY_DAYS_USUAL };
	const char *error = NULL;
	struct pki_key *key = asked->request ? pki_request_read(asked->request, &error)
					     : pki_key_new(algorithm);

	if (key)
		handout->certificate = pki_issue(&wish, key, site->ca, site->ca_key);
	if (handout->certificate)
		return key;
	if (error)
		complain("%s %s", asked->request, error);
	else
		complain_openssl();
	pki_key_free(key);
	return NULL;
}

static int write_issued(struct handout *handout, const struct site *site,
			const struct pki_key *key)
{
	const struct modality_options *asked = handout->asked;
	struct pki_text text;

	if (!asked->request && write_pkcs12(handout, site, key) < 0)
		return -1;
	if ((asked->pem || asked->request) &&
	    write_certificate(handout, asked->name, handout->certificate) < 0)
		return -1;
	if (!asked->pem || asked->request)
		return 0;
	return pki_key_write(key, &text) < 0
		       ? complain_openssl()
		       : write_file(handout, asked->name, ".key", &text);
}

/* The certificate as its owner shows it: with the intermediate CAs of its file. Kept;
 * NULL without memory. */
static const char *shown_pem(const struct handout *handout)
{
	const char *path = handout->asked->certificate, *kept = NULL;
	struct pki_text text;
	char *bytes;
	size_t size;

	if (path && durable_read(path, SHOWN_MAX, &bytes, &size) == 0) {
		if (strstr(bytes, "-----BEGIN "))
			kept = keep_copy(bytes, size);
		free(bytes);
	}
	if (!kept && pki_certificate_write(handout->certificate, &text) == 0) {
		kept = keep_copy(text.bytes, text.size);
		pki_text_free(&text);
	}
	return kept;
}

static const char *cure_of_distrust(const struct handout *handout,
				    const struct site *site)
{
	if (modality_is_issued(handout->asked))
		return keep_format("; append %s/" SETUP_CA_CERT
				   " to the file in `ca` of the listener, and name its "
				   "CRL in `crl`",
				   site->folder);
	return "; put its intermediate CAs behind it in that file, and its root "
	       "into " SETUP_MODALITIES_CA
	       " (`ca` of the listener); a self-signed one goes there "
	       "itself";
}

const struct config_listen *handout_listener(const struct handout *handout,
					     const struct site *site)
{
	const struct config *config = site->config;

	return &config->listen[handout->listener < config->listen_count
				       ? handout->listener
				       : 0];
}

/* Proves the certificate against the listener that its owner will meet. */
static int find_listener(struct handout *handout, const struct site *site)
{
	const char *path = handout->asked->certificate;
	const char *shown = handout->certificate ? shown_pem(handout) : "";
	const struct config_listen *listener;
	struct tls_failure failure;

	if (!shown)
		return complain_openssl();
	listener = site_listener_for(site, shown, &failure);
	if (listener)
		handout->listener = (size_t)(listener - site->config->listen);
	if (failure.reason == REASON_NONE)
		return 0;
	complain("%s%sthe gateway %s (%s): %s%s", path ? path : "", path ? ": " : "",
		 listener ? "doesn't accept it yet" : "would refuse it",
		 reason_name(failure.reason), failure.detail,
		 failure.reason == REASON_TLS_UNTRUSTED ? cure_of_distrust(handout, site)
							: "");
	return listener ? 0 : -1;
}

static bool knows_root(const struct handout *handout, const struct pki_certificate *root)
{
	for (size_t i = 0; i < handout->root_count; i++)
		if (handout->roots[i] && pki_is_same(handout->roots[i], root))
			return true;
	return false;
}

/* Takes the root over. */
static void add_root(struct handout *handout, struct pki_certificate *root)
{
	if (root && knows_root(handout, root))
		pki_certificate_free(root);
	else
		handout->roots[handout->root_count++] = root;
}

/* The root above one of the gateway's own certificates. */
static int find_root(struct handout *handout, const struct site *site,
		     const struct config_file *file)
{
	const char *name = handout_ca_name(handout->root_count), *away = "";
	struct own_ca own;

	if (own_ca_find(site->config, file, &own) < 0) {
		complain("%s: its certificate can't be read", file->path);
		return -1;
	}
	if (own.is_itself)
		own_ca_clear(&own); /* it will be replaced, and with it all trust in it */
	add_root(handout, own.ca);
	if (own.is_itself)
		away = keep_format(
			"No CA has signed the gateway's certificate yet (%s): when the "
			"hospital's CA has, put the root of that CA into the folder as "
			"%s.crt.",
			file->path, name);
	else if (!own.ca)
		away = keep_format(
			"The CA that the modality must trust isn't at hand: %s, of the "
			"chain of %s. Get its certificate, up to the root, from who has "
			"signed; put the root into the folder as %s.crt, and the "
			"intermediate ones behind the gateway's own.",
			own.issuer, file->path, name);
	if (away[0] != '\0')
		handout->root_away = keep_listed(handout->root_away, "\n", away);
	return 0;
}

/* The roots above the gateway's own certificates, which may be of two CAs. */
static int find_roots(struct handout *handout, const struct site *site)
{
	const struct config_files *files =
		&handout_listener(handout, site)->tls.certificate;

	if (files->count == 0) {
		complain(
			"no listener of the configuration has TLS: give one certificates "
			"in `tls`");
		return -1;
	}
	handout->roots = keep_bytes((CONFIG_PAIRS_MAX + handout->asked->trusted.count) *
				    sizeof(struct pki_certificate *));
	handout->root_away = "";
	for (size_t i = 0; i < files->count; i++)
		if (find_root(handout, site, &files->items[i]) < 0)
			return -1;
	return 0;
}

/* Several files, since many devices import one certificate of a file alone. */
static int write_roots(struct handout *handout, const struct site *site)
{
	const struct options_texts *trusted = &handout->asked->trusted;
	int result = find_roots(handout, site);
	const char *error;

	for (size_t i = 0; i < trusted->count && result == 0; i++) {
		struct pki_certificate *root =
			pki_certificate_read(trusted->items[i], &error);

		if (!root) {
			complain("%s %s", trusted->items[i], error);
			return -1;
		}
		add_root(handout, root);
	}
	for (size_t i = 0; i < handout->root_count && result == 0; i++)
		if (handout->roots[i])
			result = write_certificate(handout, handout_ca_name(i),
						   handout->roots[i]);
	return result;
}

static int read_own(struct handout *handout)
{
	const char *error = NULL;

	handout->certificate = pki_certificate_read(handout->asked->certificate, &error);
	if (handout->certificate)
		error = pki_certificate_fault(handout->certificate);
	if (!error)
		return 0;
	complain("%s %s", handout->asked->certificate, error);
	return -1;
}

/* Devices that need an old PKCS#12 file often know RSA alone. */
static void warn_of_ec(const struct config_listen *listen)
{
	const struct config_files *files = &listen->tls.certificate;
	struct pki_facts facts;

	for (size_t i = 0; i < files->count; i++) {
		const char *error;
		struct pki_certificate *certificate =
			pki_certificate_read(files->items[i].path, &error);
		bool is_ec = certificate &&
			     pki_certificate_facts(certificate, &facts) == 0 &&
			     strncmp(facts.key, "EC", 2) == 0;

		pki_certificate_free(certificate);
		if (!is_ec)
			return;
	}
	complain("the gateway shows an EC certificate alone (%s), which many old devices "
		 "can't verify: if the handshake fails with tls-no-common, give the "
		 "gateway an RSA one: beside the EC one with cathgate certificate add, "
		 "or in its place with cathgate certificate renew --rsa",
		 files->items[0].path);
}

int handout_open(struct staging *staging, const char *folder)
{
	struct durable_owner own = daemon_user_none(0700);

	if (staging_open(staging, folder, &own) < 0)
		return -1;
	if (!staging->within)
		return 0;
	complain("%s is there already, and not empty; move it away, or name another "
		 "folder with --output",
		 folder);
	staging_close(staging);
	return -1;
}

static int open_folder(struct handout *handout)
{
	struct durable_owner own = daemon_user_none(0700);
	const char *name = handout->asked->name;
	int made;

	if (!handout->shelf) {
		handout->is_open = handout_open(&handout->staging, handout->folder) == 0;
		return handout->is_open ? 0 : -1;
	}
	made = durable_folder_at(handout->shelf->folder, name, &own);
	if (made < 0)
		return complain_file(handout->folder);
	close(made);
	return 0;
}

int handout_make(struct handout *handout, const struct site *site)
{
	bool is_issued = modality_is_issued(handout->asked);
	struct pki_key *key = NULL;
	int result = -1;

	if (is_issued && !site->ca) {
		complain("this gateway has no CA of its own (%s/" SETUP_CA_CERT
			 "): have the hospital's make the modality's certificate, and "
			 "give it with --certificate",
			 site->folder);
		return -1;
	}
	if (open_folder(handout) < 0)
		return -1;
	if (is_issued ? (key = issue_certificate(handout, site)) != NULL
		      : !handout->asked->certificate || read_own(handout) == 0)
		result = 0;
	if (result == 0 && handout->certificate)
		result = site_must_not_be_revoked(site, handout->certificate);
	if (result == 0)
		result = find_listener(handout, site);
	if (result == 0)
		result = write_roots(handout, site);
	if (result == 0 && key)
		result = write_issued(handout, site, key);
	if (result == 0 && handout->asked->legacy)
		warn_of_ec(handout_listener(handout, site));
	pki_key_free(key);
	return result;
}

int handout_commit(struct handout *handout)
{
	return staging_commit(&handout->staging, NULL);
}

void handout_close(struct handout *handout)
{
	if (handout->is_open)
		staging_close(&handout->staging);
	pki_certificate_free(handout->certificate);
	for (size_t i = 0; i < handout->root_count; i++)
		pki_certificate_free(handout->roots[i]);
	explicit_bzero(handout->password, sizeof(handout->password));
}

void handout_print(const struct handout *handout)
{
	printf("Bring what is in %s to the modality; %s.txt there says what to do.\n",
	       handout->folder, handout->asked->name);
	if (handout->root_away[0] != '\0')
		printf("%s\n", handout->root_away);
	if (modality_is_issued(handout->asked) && !handout->asked->request)
		printf("Delete the folder when the modality has it: it holds its key.\n");
	if (handout->password[0] != '\0')
		printf("Password of %s.p12, shown this once: %s\n", handout->asked->name,
		       handout->password);
}
