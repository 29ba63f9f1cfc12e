/*
 * `cathgate certificate add`: a second certificate of the private CA for the gateway,
 * with the other kind of key, to stand beside the one it has. The lines that name both go
 * into the configuration by hand, as the file is the administrator's own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "certificate.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"
#include "key_kind.h"

#define FILE_MAX (256 * 1024)

struct request {
	const char *config, *destination;
	unsigned days;
	enum pki_algorithm algorithm; /* of an RSA key */
};

static const struct options_row rows[] = {
	OPTIONS_ROW("rsa", "[=BITS]", OPTIONS_OTHER, struct request, algorithm,
		    .help = "The size of an RSA key (2048 bits)",
		    .take = key_kind_take_rsa),
	OPTIONS_ROW("destination", "NAME", OPTIONS_TEXT, struct request, destination,
		    .help = "For that PACS (else towards the modalities)"),
	OPTIONS_ROW("days", "DAYS", OPTIONS_DAYS, struct request, days,
		    .help = "How long the certificate lasts (825)"),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config,
		    .help = "The gateway's configuration"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate certificate add",
	.about = "A second key and certificate of the private CA for the gateway itself, "
		 "RSA\nbeside EC, or EC beside RSA, with the lines for the "
		 "configuration.\n",
	.rows = rows,
	.hint = "Each listener's certificate gets one beside it",
};

/* "tls/gateway-rsa" for "tls/gateway.crt". Kept. */
static const char *path_beside(const char *certificate, const char *kind)
{
	const char *base = strrchr(certificate, '/');
	const char *dot = strrchr(base ? base : certificate, '.');
	size_t length = dot ? (size_t)(dot - certificate) : strlen(certificate);

	return keep_format("%.*s-%s", (int)length, certificate, kind);
}

/* A file beside another has its owner and mode. What systemd hands over as a credential
 * isn't the owner's, and a key in a token has none: there it is the gateway's usual user.
 */
static int owner_of(const struct config_file *file, struct durable_owner *ret)
{
	struct daemon_user user;
	struct durable_kept kept;

	if (file->credential || file->in_token) {
		if (daemon_user_find(NULL, NULL, &user) < 0)
			return -1;
		*ret = daemon_user_key(&user);
		return 0;
	}
	if (durable_keep(file->path, FILE_MAX, &kept) < 0)
		return complain_file(file->path);
	*ret = kept.owner;
	durable_kept_end(&kept);
	return 0;
}

static int write_pair(const struct config_tls *tls, const char *path,
		      const struct pki_certificate *certificate,
		      const struct pki_key *key)
{
	const char *key_path = keep_format("%s.key", path);
	const char *certificate_path = keep_format("%s.crt", path);
	struct durable_owner key_owner, owner;
	struct pki_text key_text = { 0 }, text = { 0 };
	const char *failed = NULL;
	int result = -1;

	if (owner_of(&tls->key.items[0], &key_owner) < 0 ||
	    owner_of(&tls->certificate.items[0], &owner) < 0)
		return -1;
	if (pki_key_write(key, &key_text) < 0 ||
	    pki_certificate_write(certificate, &text) < 0)
		complain_openssl();
	else if (durable_create(key_path, key_text.bytes, key_text.size, &key_owner) < 0)
		failed = key_path;
	else if (durable_create(certificate_path, text.bytes, text.size, &owner) < 0)
		failed = certificate_path;
	else
		result = 0;
	if (failed && errno == EEXIST)
		complain("%s is there already: name it in the configuration, or move it "
			 "away",
			 failed);
	else if (failed)
		complain_file(failed);
	if (failed == certificate_path)
		unlink(key_path);
	pki_text_free(&key_text);
	pki_text_free(&text);
	return result;
}

/* As the configuration can have it: a credential by its name. Kept. */
static const char *shown_file(const struct config_file *file)
{
	return file->credential
		       ? keep_format("credential:%s", strrchr(file->path, '/') + 1)
		       : file->path;
}

static void print_lines(const struct config_tls *tls, const char *path)
{
	printf("In the tls of line %d of %s write:\n"
	       "  certificate = [ \"%s\", \"%s.crt\" ];\n"
	       "  key = [ \"%s\", \"%s.key\" ];\n",
	       tls->place.line, tls->place.file, shown_file(&tls->certificate.items[0]),
	       path, shown_file(&tls->key.items[0]), path);
}

static bool is_rsa(const struct pki_facts *facts)
{
	return strncmp(facts->key, "RSA", 3) == 0;
}

/* Makes the pair beside that of `before`. */
static int make_beside(const struct site *site, const struct request *request,
		       const struct config_tls *tls, const struct pki_certificate *before,
		       bool was_rsa, const char *path)
{
	struct pki_key *key = pki_key_new(was_rsa ? PKI_EC_P256 : request->algorithm);
	struct pki_certificate *now =
		key ? pki_reissue(before, request->days, key, site->ca, site->ca_key)
		    : NULL;
	struct pki_facts facts;
	int result = -1;

	if (!now || pki_certificate_facts(now, &facts) < 0)
		complain_openssl();
	else
		result = write_pair(tls, path, now, key);
	if (result == 0)
		printf("%s.crt: %s, good until %s, sha256 %s\n", path, facts.key,
		       site_date(facts.not_after), facts.sha256);
	pki_certificate_free(now);
	pki_key_free(key);
	return result;
}

/* The exit status. *ret_path: of the new pair, without its endings. */
static int add_beside(const struct site *site, const struct request *request,
		      const struct config_tls *tls, const char **ret_path)
{
	const char *path = tls->certificate.items[0].path, *error = NULL;
	struct pki_certificate *before = pki_certificate_read(path, &error);
	int status = CLI_USAGE;
	struct pki_facts facts;

	if (!before || pki_certificate_facts(before, &facts) < 0) {
		complain("%s %s", path, error ? error : "can't be read");
	} else if (!site->ca || !pki_is_issued_by(before, site->ca)) {
		complain("%s isn't of this gateway's private CA: have its own sign "
			 "one for another kind of key. How to make the request says "
			 "cathgate certificate renew --rsa (or --ec)",
			 path);
		status = CLI_WRONG;
	} else if (certificate_is_authority(before)) {
		complain("%s is a CA's certificate: put the gateway's own there", path);
	} else {
		*ret_path = path_beside(path, is_rsa(&facts) ? "ec" : "rsa");
		if (make_beside(site, request, tls, before, is_rsa(&facts), *ret_path) ==
		    0)
			status = CLI_GOOD;
	}
	pki_certificate_free(before);
	return status;
}

/* What was made already, for another listener with the same certificate. */
struct made {
	const char *certificate, *path;
};

static int add_to(const struct site *site, const struct request *request,
		  const struct config_tls *tls, struct made *made)
{
	const char *real;
	size_t i = 0;
	int status;

	if (tls->none)
		return CLI_GOOD;
	if (tls->certificate.count > 1) {
		printf("The tls of line %d of %s has two certificates already.\n",
		       tls->place.line, tls->place.file);
		return CLI_GOOD;
	}
	real = certificate_real_path(tls->certificate.items[0].path);
	while (made[i].path && strcmp(made[i].certificate, real) != 0)
		i++;
	if (!made[i].path) {
		status = add_beside(site, request, tls, &made[i].path);
		if (status != CLI_GOOD)
			return status;
		made[i].certificate = real;
	}
	print_lines(tls, made[i].path);
	return CLI_GOOD;
}

static int add_all(const struct site *site, const struct request *request)
{
	const struct config *config = site->config;
	struct made *made = keep_bytes((config->listen_count + 1) * sizeof(*made));
	const struct config_destination *destination;
	int status = CLI_GOOD;

	if (request->destination) {
		destination = gateway_config_destination(config, request->destination);
		if (!destination)
			return CLI_USAGE;
		status = add_to(site, request, &destination->tls, made);
	}
	for (size_t i = 0;
	     !request->destination && status == CLI_GOOD && i < config->listen_count; i++)
		status = add_to(site, request, &config->listen[i].tls, made);
	if (made[0].path && status == CLI_GOOD)
		printf("Then: systemctl reload cathgated\n");
	return status;
}

int certificate_add_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG,
				   .days = CERTIFICATE_DAYS_USUAL,
				   .algorithm = PKI_RSA_2048 };
	struct site site;
	int status = options_read(&options, argc, argv, &request);

	if (status >= 0)
		return status;
	if (site_open(&site, request.config, true) < 0)
		return CLI_USAGE;
	status = certificate_ca_has_ended(&site) ? CLI_WRONG : add_all(&site, &request);
	site_close(&site);
	return status;
}
