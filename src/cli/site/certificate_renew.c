/*
 * `cathgate certificate renew`: what the private CA has signed for the gateway itself, it
 * signs anew: with the same subject and names, towards modalities and PACSs alike, and
 * with a key of the same kind unless another one is asked for. A gateway that runs finds
 * the pairs changed on disk, and takes each once it fits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"
#include "certificate.h"
#include "key_kind.h"

#define FILE_MAX (256 * 1024)

struct request {
	const char *config;
	unsigned days;
	bool keep_key;
	/* PKI_EC_P256 unless RSA is asked for, and then of that size. */
	enum pki_algorithm algorithm;
	bool wants_ec;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("keep-key", NULL, OPTIONS_FLAG, struct request, keep_key,
		    .help = "The keys stay: PACSs may have pinned them, or systemd hands "
			    "them over as credentials"),
	OPTIONS_ROW(
		"rsa", "[=BITS]", OPTIONS_OTHER, struct request, algorithm,
		.help = "New keys are RSA keys (2048 bits), for peers that know no other",
		.take = key_kind_take_rsa),
	OPTIONS_ROW("ec", NULL, OPTIONS_FLAG, struct request, wants_ec,
		    .help = "New keys are EC keys (P-256)"),
	OPTIONS_ROW("days", "DAYS", OPTIONS_DAYS, struct request, days,
		    .help = "How long the certificates last (825)"),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config,
		    .help = "The gateway's configuration"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate certificate renew",
	.about = "New keys, and certificates of the private CA, for the gateway itself; "
		 "one that runs\ntakes them within seconds.\n",
	.rows = rows,
	.hint = "All of the gateway's certificates are renewed",
};

/* A certificate and key of the gateway's own. Two listeners can share a pair. */
struct pair {
	const struct config_file *certificate, *key_file;
	bool is_one_of_two;			 /* side by side, of different kinds */
	const char *certificate_path, *key_path; /* without symbolic links */
	struct pki_certificate *before, *now;
	struct pki_key *key;
};

const char *certificate_real_path(const char *path)
{
	char *found = realpath(path, NULL);
	const char *kept = keep_format("%s", found ? found : path);

	free(found);
	return kept;
}

static void close_pairs(struct pair *pairs, size_t count)
{
	for (size_t i = 0; pairs && i < count; i++) {
		pki_certificate_free(pairs[i].before);
		pki_certificate_free(pairs[i].now);
		pki_key_free(pairs[i].key);
	}
	free(pairs);
}

static void add_pair(struct pair *pairs, size_t *count, const struct config_tls *tls,
		     size_t at)
{
	const char *path = certificate_real_path(tls->certificate.items[at].path);
	bool is_one_of_two = tls->certificate.count > 1;

	for (size_t i = 0; i < *count; i++) {
		if (strcmp(pairs[i].certificate_path, path) == 0) {
			pairs[i].is_one_of_two = pairs[i].is_one_of_two || is_one_of_two;
			return;
		}
	}
	pairs[(*count)++] = (struct pair){
		.certificate = &tls->certificate.items[at],
		.key_file = &tls->key.items[at],
		.is_one_of_two = is_one_of_two,
		.certificate_path = path,
		.key_path = certificate_real_path(tls->key.items[at].path),
	};
}

static void add_pairs(struct pair *pairs, size_t *count, const struct config_tls *tls)
{
	for (size_t i = 0; i < tls->certificate.count; i++)
		add_pair(pairs, count, tls, i);
}

static struct pair *list_pairs(const struct config *config, size_t *ret_count)
{
	size_t most =
		CONFIG_PAIRS_MAX * (config->listen_count + config->destination_count);
	struct pair *pairs = calloc(most + 1, sizeof(*pairs));

	*ret_count = 0;
	for (size_t i = 0; pairs && i < config->listen_count; i++)
		add_pairs(pairs, ret_count, &config->listen[i].tls);
	for (size_t i = 0; pairs && i < config->destination_count; i++)
		add_pairs(pairs, ret_count, &config->destinations[i].tls);
	return pairs;
}

/* Another certificate for the same key, which wouldn't fit a new one. NULL: none. */
static const struct pair *shares_key(const struct pair *pair, const struct pair *pairs,
				     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (&pairs[i] != pair && strcmp(pairs[i].key_path, pair->key_path) == 0)
			return &pairs[i];
	return NULL;
}

/* A key that stands in a file together with a certificate would be lost when a new
 * certificate replaces that file. */
static bool is_key_in(const char *certificate_path, const struct pair *pairs,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(pairs[i].key_path, certificate_path) == 0)
			return true;
	return false;
}

static bool asks_for_kind(const struct request *request)
{
	return request->wants_ec || request->algorithm != PKI_EC_P256;
}

static int find_key(struct pair *pair, const struct request *request,
		    const struct pair *pairs, size_t count)
{
	const struct pair *other = shares_key(pair, pairs, count);
	const char *error = NULL;

	if (asks_for_kind(request) && pair->is_one_of_two) {
		complain("%s stands beside a certificate with another kind of key, so "
			 "each keeps its own: leave --rsa and --ec out, or name one of "
			 "the two alone in `certificate` and `key`",
			 pair->certificate_path);
		return -1;
	}
	if (!request->keep_key &&
	    (pair->key_file->credential || pair->key_file->in_token)) {
		complain("%s has a key that %s, which stays as it is: %s",
			 pair->certificate_path,
			 pair->key_file->in_token ? "a token holds"
						  : "systemd hands over as a credential",
			 asks_for_kind(request)
				 ? "name a key in a file for it in `key` to have one of "
				   "another kind made"
				 : "say --keep-key");
		return -1;
	}
	if (!request->keep_key && other) {
		complain("%s and %s have the same key: %s", pair->certificate_path,
			 other->certificate_path,
			 asks_for_kind(request)
				 ? "give each its own in `key` to have ones of another "
				   "kind made (first a copy of that file)"
				 : "say --keep-key");
		return -1;
	}
	if (!request->keep_key) {
		pair->key = asks_for_kind(request) ? pki_key_new(request->algorithm)
						   : pki_key_like(pair->before);
		if (!pair->key)
			complain("OpenSSL makes no key: %s", pki_failure());
		return pair->key ? 0 : -1;
	}
	if (pair->key_file->in_token) { /* its public half is all that is needed */
		pair->key = pki_key_of(pair->before);
		return pair->key ? 0 : -1;
	}
	pair->key = pki_key_read(pair->key_path, &error);
	if (pair->key && !pki_is_key_of(pair->before, pair->key))
		error = "isn't the key of the certificate beside it; put the right one "
			"there, or leave --keep-key out";
	if (error)
		complain("%s %s", pair->key_path, error);
	return error ? -1 : 0;
}

bool certificate_is_authority(const struct pki_certificate *certificate)
{
	struct pki_facts facts;

	return pki_certificate_facts(certificate, &facts) < 0 || facts.is_ca;
}

/* Says how to have another CA issue the new one. */
static void leave_to_its_ca(const struct pair *pair, const struct request *request)
{
	const char *path = pair->certificate_path, *key = pair->key_path, *pair_of;

	if (!asks_for_kind(request)) {
		complain("%s isn't of this gateway's private CA: have its own sign "
			 "another for the same key, and put it in the place of this one. "
			 "A request for it makes: openssl x509 -x509toreq "
			 "-copy_extensions copy -in %s -signkey %s",
			 path, path, key);
		return;
	}
	pair_of = request->wants_ec ? "EC -pkeyopt ec_paramgen_curve:P-256"
				    : keep_format("RSA -pkeyopt rsa_keygen_bits:%u",
						  key_kind_rsa_bits(request->algorithm));
	complain(
		"%s isn't of this gateway's private CA: have its own sign another for a "
		"new key, and name both in `certificate` and `key`, in the place of this "
		"one or beside it. Key and request make: openssl genpkey -algorithm %s "
		"-out %s.new && openssl pkey -in %s.new -pubout -out %s.pub && openssl "
		"x509 -x509toreq -copy_extensions copy -in %s -force_pubkey %s.pub "
		"-signkey %s.new",
		path, pair_of, key, key, key, path, key, key);
}

/* 1 where another CA has issued the old one, and must issue the new one. */
static int make_pair(struct pair *pair, const struct site *site,
		     const struct request *request, const struct pair *pairs,
		     size_t count)
{
	const char *error = NULL;

	pair->before = pki_certificate_read(pair->certificate_path, &error);
	if (!pair->before) {
		complain("%s %s", pair->certificate_path, error);
		return -1;
	}
	if (!site->ca || !pki_is_issued_by(pair->before, site->ca)) {
		leave_to_its_ca(pair, request);
		return 1;
	}
	if (is_key_in(pair->certificate_path, pairs, count)) {
		complain("%s holds a key as well, which a new certificate in its place "
			 "would take away: give it a file of its own, and name that in "
			 "`key`",
			 pair->certificate_path);
		return -1;
	}
	if (certificate_is_authority(pair->before)) {
		complain("%s is a CA's certificate, for which no new key is made here: "
			 "put the gateway's own there",
			 pair->certificate_path);
		return -1;
	}
	if (find_key(pair, request, pairs, count) < 0)
		return -1;
	pair->now = pki_reissue(pair->before, request->days, pair->key, site->ca,
				site->ca_key);
	if (pair->now)
		return 0;
	complain("OpenSSL makes no certificate in the place of %s: %s",
		 pair->certificate_path, pki_failure());
	return -1;
}

/* What to do about the errno of durable_keep. */
static const char *cure_of_link(void)
{
	return errno == ELOOP ? "; name the file itself, not a symbolic link of another "
				"user's"
	       : errno == EINVAL ? "; it is no regular file: put one there"
				 : "";
}

/* Takes the path as the configuration has it: durable_keep follows its links with more
 * care than realpath() does. */
static int keep_file(const char *path, struct durable_kept *ret)
{
	int result = durable_keep(path, FILE_MAX, ret);

	if (result < 0)
		complain("%s: %s%s", path, strerror(errno), cure_of_link());
	return result;
}

static int replace_file(const char *path, const struct durable_kept *kept,
			const char *bytes, size_t size)
{
	return durable_rewrite(kept, bytes, size) < 0 ? complain_file(path) : 0;
}

static int replace_certificate(const struct pair *pair,
			       const struct pki_text *certificate)
{
	const char *path = pair->certificate->path;
	struct durable_kept old;
	int result;

	if (keep_file(path, &old) < 0)
		return -1;
	result = replace_file(path, &old, certificate->bytes, certificate->size);
	durable_kept_end(&old);
	return result;
}

/* Key and certificate can't be replaced at once. A gateway that reads them in between
 * finds that they don't fit, and looks again. Where a crash leaves half a pair, the next
 * run makes it whole: it needs the old certificate only. */
static int replace_pair(const struct pair *pair, const struct pki_text *key,
			const struct pki_text *certificate)
{
	const char *key_path = pair->key_file->path;
	const char *path = pair->certificate->path;
	struct durable_kept old_key, old;
	int result = -1;

	if (keep_file(key_path, &old_key) < 0)
		return -1;
	if (keep_file(path, &old) < 0) {
		durable_kept_end(&old_key);
		return -1;
	}
	if (replace_file(key_path, &old_key, key->bytes, key->size) == 0 &&
	    replace_file(path, &old, certificate->bytes, certificate->size) == 0) {
		result = 0;
	} else {
		/* A replacement that failed on its way to the disk may be there. */
		replace_file(path, &old, old.bytes, old.size);
		replace_file(key_path, &old_key, old_key.bytes, old_key.size);
	}
	durable_kept_end(&old_key);
	durable_kept_end(&old);
	return result;
}

static int write_pair(const struct pair *pair, bool with_key)
{
	struct pki_text key = { 0 }, certificate = { 0 };
	int result = -1;

	if (pki_certificate_write(pair->now, &certificate) < 0 ||
	    (with_key && pki_key_write(pair->key, &key) < 0))
		complain("OpenSSL writes no PEM for %s: %s", pair->certificate_path,
			 pki_failure());
	else if (with_key)
		result = replace_pair(pair, &key, &certificate);
	else
		result = replace_certificate(pair, &certificate);
	pki_text_free(&key);
	pki_text_free(&certificate);
	return result;
}

bool certificate_ca_has_ended(const struct site *site)
{
	struct pki_facts facts;

	if (!site->ca || pki_certificate_facts(site->ca, &facts) < 0 ||
	    facts.not_after > time(NULL))
		return false;
	complain("the private CA itself has ended, on %s: set up a new one with cathgate "
		 "setup --directory, and give it to all modalities",
		 site_date(facts.not_after));
	return true;
}

static int renew_all(const struct site *site, const struct request *request)
{
	size_t count, renewed = 0;
	struct pair *pairs = list_pairs(site->config, &count);
	int status = pairs ? CLI_GOOD : CLI_USAGE;

	/* All are made before one is written. */
	for (size_t i = 0; status != CLI_USAGE && i < count; i++) {
		int made = make_pair(&pairs[i], site, request, pairs, count);

		status = made < 0 ? CLI_USAGE : made > 0 ? CLI_WRONG : status;
	}
	for (size_t i = 0; status != CLI_USAGE && i < count; i++) {
		struct pki_facts facts;

		if (!pairs[i].now)
			continue;
		if (pki_certificate_facts(pairs[i].now, &facts) < 0 ||
		    write_pair(&pairs[i], !request->keep_key) < 0) {
			status = CLI_USAGE;
			break;
		}
		renewed++;
		printf("%s: good until %s, sha256 %s\n", pairs[i].certificate_path,
		       site_date(facts.not_after), facts.sha256);
	}
	if (renewed > 0)
		printf("A gateway that runs takes them within seconds: cathgate status "
		       "says so under \"last reload\".\nWho trusts the private CA "
		       "notices nothing. Who was given a certificate itself%s needs the "
		       "new one.\n",
		       request->keep_key ? "" : ", or has pinned its key,");
	else if (status == CLI_GOOD)
		complain("the gateway has no certificate: all its connections are plain");
	close_pairs(pairs, count);
	return renewed > 0 || status != CLI_GOOD ? status : CLI_WRONG;
}

int certificate_renew_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG,
				   .days = CERTIFICATE_DAYS_USUAL };
	struct site site;
	int status = options_read(&options, argc, argv, &request);

	if (status >= 0)
		return status;
	if ((request.wants_ec && request.algorithm != PKI_EC_P256) ||
	    (request.keep_key && asks_for_kind(&request))) {
		complain("--keep-key, --rsa and --ec exclude each other: say one");
		return options_misused(&options);
	}
	if (site_open(&site, request.config, true) < 0)
		return CLI_USAGE;
	status = certificate_ca_has_ended(&site) ? CLI_WRONG : renew_all(&site, &request);
	site_close(&site);
	return status;
}
