/*
 * Certificates, keys and CRLs for the tests of tls/, good and bad, made afresh in a
 * directory of the run's own.
 */
#ifndef TESTS_TLS_PKI_H
#define TESTS_TLS_PKI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define DAY	      (24L * 60 * 60)

struct made {
	X509 *certificate;
	EVP_PKEY *key;
};

#define SERVER "serverAuth"
#define CLIENT "clientAuth"
#define BOTH   "clientAuth,serverAuth"

#define ANGIO_NAMES "DNS:a.example,URI:urn:angio,DNS:b.example"
#define PACS_NAMES  "DNS:pacs.example,IP:192.0.2.7,IP:2001:db8::7"

#define CRL_POINT "http://ca.example/1.crl"

#define MADE(n, i, u, from, to, ...)                                                  \
	{                                                                             \
		.name = n, .issuer = i, .usage = u, .from_days = from, .to_days = to, \
		__VA_ARGS__                                                           \
	}

static struct recipe {
	const char *name;   /* of the files, and the CN */
	const char *issuer; /* NULL: itself */
	const char *usage;  /* extendedKeyUsage; NULL: a CA */
	long from_days, to_days;
	long from_seconds; /* instead */
	const char *names; /* subjectAltName */
	const char *point; /* cRLDistributionPoints */
	const char *key_usage;
	const char *ca_usage; /* extendedKeyUsage of a CA */
	const char *curve;    /* or "RSA-1024"; NULL: P-256 */
	const char *basic;    /* basicConstraints */
	bool sha1;
	bool strange; /* it has a critical extension that nobody knows */
	bool nul;     /* in the last CN and the first dNSName */
	struct made made;
} pki[] = {
	MADE("root", NULL, NULL, 0, 900),
	MADE("inter", "root", NULL, 0, 200),
	MADE("bad-inter", "root", NULL, 0, 800),
	MADE("other", NULL, NULL, 0, 900),
	MADE("old-root", NULL, NULL, -90, -1),
	MADE("sure-ca", NULL, NULL, 0, 900, .key_usage = "keyCertSign,cRLSign"),
	MADE("gateway", "root", SERVER, 0, 400),
	MADE("gateway-old", "root", SERVER, -9, -1),
	MADE("gateway-new", "root", SERVER, 5, 400),
	MADE("gateway-soon", "root", SERVER, 0, 9),
	MADE("gateway-by-inter", "inter", SERVER, 0, 400),
	MADE("client", "root", CLIENT, 0, 400),
	MADE("angio", "root", CLIENT, 0, 400, .names = ANGIO_NAMES),
	MADE("at-point", "root", CLIENT, 0, 400, .point = "URI:" CRL_POINT),
	MADE("any", "root", "anyExtendedKeyUsage", 0, 400, .names = PACS_NAMES),
	MADE("any-no-sign", "root", "anyExtendedKeyUsage", 0, 400,
	     .key_usage = "dataEncipherment"),
	MADE("mail", "root", "emailProtection", 0, 400, .names = PACS_NAMES),
	MADE("any-ca", "root", NULL, 0, 400, .ca_usage = "anyExtendedKeyUsage"),
	MADE("by-any-ca", "any-ca", BOTH, 0, 400, .names = PACS_NAMES),
	MADE("server-ca", "root", NULL, 0, 400, .ca_usage = SERVER),
	MADE("server-root", NULL, NULL, 0, 400, .ca_usage = SERVER),
	MADE("client-root", NULL, NULL, 0, 400, .ca_usage = CLIENT),
	MADE("strange-ca", "root", NULL, 0, 400, .strange = true),
	MADE("strange", "other", CLIENT, 0, 400, .strange = true),
	MADE("flat-root", NULL, NULL, 0, 400, .basic = "critical,CA:TRUE,pathlen:0"),
	MADE("below", "flat-root", NULL, 0, 400),
	MADE("server-alone", NULL, SERVER, 0, 400),
	MADE("enciphers", NULL, CLIENT, 0, 400, .key_usage = "keyEncipherment"),
	MADE("by-server-ca", "server-ca", BOTH, 0, 400),
	MADE("pacs", "root", BOTH, 0, 400, .names = PACS_NAMES),
	MADE("by-inter", "inter", CLIENT, 0, 400),
	MADE("by-bad-inter", "bad-inter", CLIENT, 0, 400),
	MADE("by-other", "other", BOTH, 0, 400, .names = PACS_NAMES),
	MADE("by-by-other", "by-other", CLIENT, 0, 400),
	MADE("expired-by-other", "other", CLIENT, -9, -1),
	MADE("sha1-by-other", "other", CLIENT, 0, 400, .sha1 = true),
	MADE("by-old-root", "old-root", CLIENT, 0, 400),
	MADE("by-angio", "angio", CLIENT, 0, 400),
	MADE("alone", NULL, CLIENT, 0, 400),
	MADE("vain", NULL, NULL, 0, 400, .names = ANGIO_NAMES), /* its own, and a CA */
	MADE("by-vain", "vain", CLIENT, 0, 400),
	MADE("nul", "root", CLIENT, 0, 400, .nul = true),
	MADE("ahead", "root", CLIENT, 0, 400, .from_seconds = 100),
	MADE("expired", "root", BOTH, -9, -1, .names = PACS_NAMES),
	MADE("future", "root", CLIENT, 5, 400),
	MADE("revoked", "root", CLIENT, 0, 400),
	MADE("weak", "root", BOTH, 0, 400, .curve = "RSA-1024"),
	MADE("p224", "root", SERVER, 0, 400, .curve = "P-224"),
	MADE("brainpool", "root", SERVER, 0, 400, .curve = "brainpoolP256r1"),
	MADE("p384", "root", SERVER, 0, 400, .curve = "P-384"),
	MADE("p521", "root", BOTH, 0, 400, .curve = "P-521", .names = PACS_NAMES),
	MADE("ed25519", "root", CLIENT, 0, 400, .curve = "ED25519"),
	MADE("ed448", "root", CLIENT, 0, 400, .curve = "ED448"),
	MADE("rsa-pss", "root", CLIENT, 0, 400, .curve = "RSA-PSS"),
	MADE("brainpool-client", "root", CLIENT, 0, 400, .curve = "brainpoolP256r1"),
	MADE("sha1", "root", BOTH, 0, 400, .sha1 = true),
};

static char directory[] = "/tmp/cathgate-test-tls.XXXXXX";

static inline char *path_of(const char *name, const char *suffix)
{
	static char paths[8][96];
	static unsigned next;
	char *path = paths[next++ % LENGTH(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s%s", directory, name, suffix);
	return path;
}

static inline struct recipe *find(const char *name)
{
	for (size_t i = 0; i < LENGTH(pki); i++) {
		if (strcmp(pki[i].name, name) == 0)
			return &pki[i];
	}
	fail_msg("no certificate %s", name);
	return NULL;
}

static inline void add_extension(X509 *certificate, X509 *issuer, int nid,
				 const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	if (value == NULL)
		return;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Names of which a careless reader sees the first half only. */
static inline void add_names_with_nul(X509 *certificate)
{
	static const char *const texts[] = { "a.example\0.evil", "b.example" };
	static const int lengths[] = { 15, 9 };
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
				   MBSTRING_UTF8, (const unsigned char *)"angio\0.evil",
				   11, -1, 0);
	for (size_t i = 0; i < LENGTH(texts); i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		ASN1_STRING_set(text, texts[i], lengths[i]);
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
		sk_GENERAL_NAME_push(names, name);
	}
	X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0);
	GENERAL_NAMES_free(names);
}

static inline FILE *create(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	FILE *file;

	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	return file;
}

static inline EVP_PKEY *make_key(const char *curve)
{
	EVP_PKEY_CTX *context;
	EVP_PKEY *key = NULL;

	if (strcmp(curve, "RSA-1024") == 0)
		return EVP_RSA_gen(1024);
	if (strncmp(curve, "ED", 2) != 0 && strcmp(curve, "RSA-PSS") != 0)
		return EVP_EC_gen(curve);
	context = EVP_PKEY_CTX_new_from_name(NULL, curve, NULL);
	EVP_PKEY_keygen_init(context);
	EVP_PKEY_generate(context, &key);
	EVP_PKEY_CTX_free(context);
	return key;
}

static inline void make(struct recipe *recipe)
{
	static long serial;
	const char *curve = recipe->curve != NULL ? recipe->curve : "P-256";
	EVP_PKEY *key = make_key(curve);
	X509 *made = X509_new();
	const struct made *signer =
		recipe->issuer == NULL ? &recipe->made : &find(recipe->issuer)->made;
	FILE *file;

	recipe->made = (struct made){ made, key };
	X509_set_version(made, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(made),
			recipe->from_seconds != 0 ? recipe->from_seconds
						  : recipe->from_days * DAY - DAY / 2);
	X509_gmtime_adj(X509_getm_notAfter(made), recipe->to_days * DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
				   (const unsigned char *)recipe->name, -1, -1, 0);
	X509_set_issuer_name(made, X509_get_subject_name(signer->certificate));
	X509_set_pubkey(made, key);
	add_extension(made, signer->certificate, NID_basic_constraints,
		      recipe->basic != NULL   ? recipe->basic
		      : recipe->usage == NULL ? "critical,CA:TRUE"
					      : "critical,CA:FALSE");
	add_extension(made, signer->certificate, NID_key_usage, recipe->key_usage);
	add_extension(made, signer->certificate, NID_ext_key_usage,
		      recipe->usage != NULL ? recipe->usage : recipe->ca_usage);
	add_extension(made, signer->certificate, NID_subject_alt_name, recipe->names);
	add_extension(made, signer->certificate, NID_crl_distribution_points,
		      recipe->point);
	if (recipe->strange)
		X509_add1_ext_i2d(made, NID_crl_number, X509_get_serialNumber(made), 1,
				  0);
	if (recipe->nul)
		add_names_with_nul(made);
	assert_true(X509_sign(made, signer->key,
			      recipe->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
	file = create(path_of(recipe->name, ".crt"), 0644);
	PEM_write_X509(file, made);
	fclose(file);
	file = create(path_of(recipe->name, ".key"), 0600);
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
}

/* What a CRL of that name is about (issuingDistributionPoint), where not all. */
static inline void add_scope(X509_CRL *crl, const char *name)
{
	static const char *const scopes[][2] = {
		{ "indirect", "critical,indirectCRL:TRUE" },
		{ "users", "critical,onlyuser:TRUE" },
		{ "users-stale", "critical,onlyuser:TRUE" },
		{ "cas", "critical,onlyCA:TRUE" },
		{ "attributes", "critical,onlyAA:TRUE" },
		{ "reasons", "critical,onlysomereasons:keyCompromise" },
		{ "point", "critical,fullname:URI:" CRL_POINT },
	};

	for (size_t i = 0; i < LENGTH(scopes); i++) {
		X509_EXTENSION *scope;

		if (strcmp(scopes[i][0], name) != 0)
			continue;
		scope = X509V3_EXT_conf_nid(NULL, NULL, NID_issuing_distribution_point,
					    scopes[i][1]);
		assert_non_null(scope);
		assert_int_equal(X509_CRL_add_ext(crl, scope, -1), 1);
		X509_EXTENSION_free(scope);
	}
}

/* Of all but two CRLs dates are in days. */
static inline long first_seconds(const char *name, long from_days)
{
	if (strcmp(name, "ahead") == 0)
		return 100;
	return strcmp(name, "later") == 0 ? 7200 : from_days * DAY - DAY / 2;
}

/* A CRL of `issuer` which revokes two of the root's. */
static inline void make_crl(const char *name, const char *issuer, const char *signer,
			    long from, long to)
{
	static const char *const revoked[] = { "revoked", "bad-inter" };
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_new();
	FILE *file = create(path_of(name, ".crl"), 0644);

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl,
				 X509_get_subject_name(find(issuer)->made.certificate));
	X509_CRL_set1_lastUpdate(crl, X509_gmtime_adj(time, first_seconds(name, from)));
	if (to != 0)
		X509_CRL_set1_nextUpdate(crl, X509_gmtime_adj(time, to * DAY));
	X509_gmtime_adj(time, -DAY / 2);
	for (size_t i = 0; i < LENGTH(revoked) && strcmp(name, "clean") != 0; i++) {
		X509_REVOKED *entry = X509_REVOKED_new();

		X509_REVOKED_set_revocationDate(entry, time);
		X509_REVOKED_set_serialNumber(
			entry, X509_get_serialNumber(find(revoked[i])->made.certificate));
		X509_CRL_add0_revoked(crl, entry);
	}
	if (strcmp(name, "delta") == 0)
		X509_CRL_add1_ext_i2d(
			crl, NID_delta_crl,
			X509_get_serialNumber(find("root")->made.certificate), 1, 0);
	if (strcmp(name, "critical") == 0)
		X509_CRL_add1_ext_i2d(
			crl, NID_crl_number,
			X509_get_serialNumber(find("root")->made.certificate), 1, 0);
	add_scope(crl, name);
	assert_true(X509_CRL_sign(crl, find(signer)->made.key, EVP_sha256()) > 0);
	if (strcmp(name, "der") == 0)
		i2d_X509_CRL_fp(file, crl);
	else
		PEM_write_X509_CRL(file, crl);
	fclose(file);
	ASN1_TIME_free(time);
	X509_CRL_free(crl);
}

/* One file of several. */
static inline void join(const char *name, const char *suffix, const char *first,
			const char *second)
{
	FILE *out = create(path_of(name, suffix), 0600);
	const char *parts[] = { first, second };

	for (size_t i = 0; i < LENGTH(parts); i++) {
		FILE *in = fopen(path_of(parts[i], suffix), "r");
		int c;

		assert_non_null(in);
		while ((c = getc(in)) != EOF)
			putc(c, out);
		fclose(in);
	}
	fclose(out);
}

static inline void make_odd_files(void)
{
	FILE *file = create(path_of("locked", ".key"), 0600);

	PEM_write_PrivateKey(file, find("gateway")->made.key, EVP_aes_128_cbc(),
			     (const unsigned char *)"secret", 6, NULL, NULL);
	fclose(file);
	file = create(path_of("der", ".crt"), 0644);
	i2d_X509_fp(file, find("gateway")->made.certificate);
	fclose(file);
	file = create(path_of("text", ".crt"), 0644);
	fputs("not a certificate\n", file);
	fclose(file);
	file = create(path_of("broken", ".crt"), 0644);
	fputs("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", file);
	fclose(file);
	file = create(path_of("text", ".key"), 0600);
	fputs("not a key\n", file);
	fclose(file);
	join("open", ".key", "gateway", "text");
	chmod(path_of("open", ".key"), 0640);
	assert_int_equal(symlink(path_of("open", ".key"), path_of("link", ".key")), 0);
	join("root+inter", ".crt", "root", "inter");
	join("root+bad-inter", ".crt", "root", "bad-inter");
	join("root+alone", ".crt", "root", "alone");
	join("root+other", ".crt", "root", "other");
	join("root+sure-ca", ".crt", "root", "sure-ca");
	join("root+vain", ".crt", "root", "vain");
	join("root+revoked", ".crt", "root", "revoked");
	join("root+by-other", ".crt", "root", "by-other");
	join("root+server-ca", ".crt", "root", "server-ca");
	join("root+strange-ca", ".crt", "root", "strange-ca");
	join("flat-root+below", ".crt", "flat-root", "below");
	join("root+server-alone", ".crt", "root", "server-alone");
	join("root+gateway", ".crt", "root", "gateway");
	join("root+sha1", ".crt", "root", "sha1");
	join("root+angio", ".crt", "root", "angio");
	join("root+old", ".crt", "root", "old-root");
	join("gateway+text", ".crt", "gateway", "broken");
	join("gateway+root", ".crt", "gateway", "root");
	join("gateway+other", ".crt", "gateway", "other");
	join("by-angio+angio", ".crt", "by-angio", "angio");
	join("gateway-by-inter+inter", ".crt", "gateway-by-inter", "inter");
}

static time_t pki_begun;

/* Whether a moment is so many seconds after the certificates were made, however long that
 * took. */
static inline bool is_after_making(time_t moment, long seconds)
{
	return moment >= pki_begun + seconds && moment <= time(NULL) + seconds;
}

static inline int make_pki(void **state)
{
	(void)state;
	pki_begun = time(NULL);
	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(directory) == NULL)
		return -1;
	for (size_t i = 0; i < LENGTH(pki); i++)
		make(&pki[i]);
	make_crl("root", "root", "root", 0, 30);
	make_crl("der", "root", "root", 0, 30);
	make_crl("inter", "inter", "inter", 0, 30);
	make_crl("bad-inter", "bad-inter", "bad-inter", 0, 30);
	make_crl("delta", "root", "root", 0, 30);
	make_crl("critical", "root", "root", 0, 30);
	make_crl("indirect", "root", "root", 0, 30);
	make_crl("users", "root", "root", 0, 30);
	make_crl("users-stale", "root", "root", -30, -1);
	make_crl("cas", "root", "root", 0, 30);
	make_crl("attributes", "root", "root", 0, 30);
	make_crl("reasons", "root", "root", 0, 30);
	make_crl("point", "root", "root", 0, 30);
	make_crl("ahead", "root", "root", 0, 30);
	make_crl("later", "root", "root", 0, 30);
	make_crl("clean", "root", "root", -1, 29);
	make_crl("stale", "root", "root", -30, -1);
	make_crl("long", "root", "root", -40, 30);
	make_crl("soon", "root", "root", -27, 2);
	make_crl("forged", "root", "other", 0, 30);
	make_crl("other", "other", "other", 0, 30);
	make_crl("endless", "root", "root", 0, 0);
	make_odd_files();
	return 0;
}

static inline int remove_pki(void **state)
{
	char command[64];

	(void)state;
	for (size_t i = 0; i < LENGTH(pki); i++) {
		X509_free(pki[i].made.certificate);
		EVP_PKEY_free(pki[i].made.key);
	}
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

#endif
