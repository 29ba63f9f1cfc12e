#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/pem.h"
#include "cathgate/base/unreadable.h"
#include "cathgate/tls/key_file.h"

/* The first byte of a CRL in DER form: an ASN.1 SEQUENCE. */
#define DER_SEQUENCE 0x30

/* `status` is that of the open file, so a symbolic link is judged by its target. */
static void check_secrecy(const struct config_file *file, const struct stat *status,
			  struct config_faults *faults)
{
	if ((status->st_mode & 077) != 0)
		config_fault_add(
			faults, CONFIG_ERROR, &file->place,
			"%s can be read or changed by others than its owner (mode "
			"%04o); chmod 0400 it",
			file->path, (unsigned)status->st_mode & 07777);
	config_check_owner(faults, &file->place, file->path, status->st_uid);
}

static const char no_credential[] = "systemd keeps credentials there while the service "
				    "runs, those that its unit names "
				    "(LoadCredential=)";

/* NULL when there was a fault. */
static FILE *open_file(const struct config_file *file, bool secret,
		       struct config_faults *faults)
{
	char cure[2 * PATH_MAX + 128] = "";
	struct stat status;
	FILE *stream = NULL;
	int fd;

	if (!file->path) {
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "is missing; name a PEM file");
		return NULL;
	}
	/* Without O_NONBLOCK a FIFO would hold up the start for ever. */
	fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) != 0) {
		if (errno == EACCES)
			unreadable_cure(file->path, secret, cure, sizeof(cure));
		else if (errno == ENOENT && file->credential)
			snprintf(cure, sizeof(cure), "%s", no_credential);
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "can't open %s: %s%s%s", file->path, strerror(errno),
				 cure[0] ? "; " : "", cure);
		goto out;
	}
	if (!S_ISREG(status.st_mode)) {
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "%s isn't a file; name a PEM file", file->path);
		goto out;
	}
	if (secret && !file->credential)
		check_secrecy(file, &status, faults);
	stream = fdopen(fd, "r");
	/* stdio would free its buffer with the key in it. */
	if (stream && secret)
		setvbuf(stream, NULL, _IONBF, 0);
	if (!stream)
		config_fault_add(faults, CONFIG_ERROR, &file->place, "can't read %s: %s",
				 file->path, strerror(errno));
out:
	if (!stream && fd >= 0)
		close(fd);
	return stream;
}

static int first_byte(FILE *stream)
{
	int byte = getc(stream);

	ungetc(byte, stream);
	return byte;
}

/* Whether the last failure to read PEM only means the end of the file. */
static bool at_end_of_pem(void)
{
	unsigned long error = ERR_peek_last_error();
	bool end = ERR_GET_LIB(error) == ERR_LIB_PEM &&
		   ERR_GET_REASON(error) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return end;
}

/* Adds a fault that tells what the file is instead of `wanted`; false if unknown. */
static bool advise(FILE *stream, enum pem_wanted wanted, const struct config_file *file,
		   struct config_faults *faults)
{
	const char *advice = pem_advice(fileno(stream), wanted);

	if (advice)
		config_fault_add(faults, CONFIG_ERROR, &file->place, "%s %s", file->path,
				 advice);
	return advice != NULL;
}

STACK_OF(X509) * tls_load_certificates(const struct config_file *file,
				       struct config_faults *faults)
{
	FILE *stream = open_file(file, false, faults);
	STACK_OF(X509) *list = sk_X509_new_null();
	X509 *certificate;
	bool good = false;

	if (!stream || !list)
		goto out;
	ERR_clear_error();
	while ((certificate = PEM_read_X509(stream, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(list, certificate) <= 0) {
			X509_free(certificate);
			goto out;
		}
	}
	good = at_end_of_pem() && sk_X509_num(list) > 0;
	if (!good && !advise(stream, PEM_CERTIFICATE, file, faults))
		config_fault_add(
			faults, CONFIG_ERROR, &file->place,
			"%s: certificate %d can't be read; a PEM certificate goes from "
			"-----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
			file->path, sk_X509_num(list) + 1);
out:
	if (stream)
		fclose(stream);
	if (!good) {
		sk_X509_pop_free(list, X509_free);
		list = NULL;
	}
	return list;
}

/* The CRLs of a file in PEM, or the one in DER, as CAs publish them. */
static STACK_OF(X509_CRL) *
	load_crls(const struct config_file *file, struct config_faults *faults)
{
	FILE *stream = open_file(file, false, faults);
	STACK_OF(X509_CRL) *list = sk_X509_CRL_new_null();
	X509_CRL *crl;
	bool der, good = false;

	if (!stream || !list)
		goto out;
	ERR_clear_error();
	der = first_byte(stream) == DER_SEQUENCE;
	while ((crl = der ? d2i_X509_CRL_fp(stream, NULL)
			  : PEM_read_X509_CRL(stream, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_CRL_push(list, crl) <= 0) {
			X509_CRL_free(crl);
			goto out;
		}
		if (der)
			break;
	}
	good = (der || at_end_of_pem()) && sk_X509_CRL_num(list) > 0;
	if (!good && !advise(stream, PEM_CRL, file, faults))
		config_fault_add(faults, CONFIG_ERROR, &file->place,
				 "%s: CRL %d can't be read; a PEM CRL goes from "
				 "-----BEGIN X509 CRL----- to -----END X509 CRL-----",
				 file->path, sk_X509_CRL_num(list) + 1);
out:
	ERR_clear_error();
	if (stream)
		fclose(stream);
	if (!good) {
		sk_X509_CRL_pop_free(list, X509_CRL_free);
		list = NULL;
	}
	return list;
}

/* Used instead of OpenSSL's callback, which would ask on the terminal. */
static int refuse_passphrase(char *buffer, int size, int writing, void *asked)
{
	(void)buffer;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static EVP_PKEY *load_key_file(const struct config_file *file,
			       struct config_faults *faults)
{
	FILE *stream = open_file(file, true, faults);
	EVP_PKEY *key;
	bool asked = false, is_told;

	if (!stream)
		return NULL;
	key = PEM_read_PrivateKey(stream, NULL, refuse_passphrase, &asked);
	ERR_clear_error();
	is_told = !key && !asked && advise(stream, PEM_KEY, file, faults);
	fclose(stream);
	if (key || is_told)
		return key;
	if (asked)
		config_fault_add(
			faults, CONFIG_ERROR, &file->place,
			"%s is encrypted with a passphrase, which nobody could type at "
			"start; decrypt it with openssl pkey, or use credential:NAME",
			file->path);
	else
		config_fault_add(
			faults, CONFIG_ERROR, &file->place,
			"%s holds no private key in PEM form; openssl pkey converts",
			file->path);
	return NULL;
}

EVP_PKEY *tls_key_load(const struct config_file *file, struct config_faults *faults)
{
	return file->in_token ? tls_token_key_load(file, faults)
			      : load_key_file(file, faults);
}

int tls_material_load_trust(const struct config_tls *tls, struct tls_material *ret,
			    struct config_faults *faults)
{
	struct tls_material material = { .crl_count = tls->crl.count };

	material.crl = calloc(tls->crl.count + 1, sizeof(*material.crl));
	if (!material.crl)
		return -1;
	material.ca = tls_load_certificates(&tls->ca, faults);
	for (size_t i = 0; i < tls->crl.count; i++)
		material.crl[i] = load_crls(&tls->crl.items[i], faults);
	*ret = material;
	return 0;
}

void tls_key_free(EVP_PKEY *key)
{
	EVP_PKEY_free(key);
}

static EVP_PKEY *load_key(const struct tls_keys *keys, const struct config_file *file,
			  struct config_faults *faults)
{
	return keys ? keys->load(keys->context, file, faults)
		    : tls_key_load(file, faults);
}

int tls_material_load(const struct config_tls *tls, const struct tls_keys *keys,
		      struct tls_material *ret, struct config_faults *faults)
{
	struct tls_material material;

	if (tls_material_load_trust(tls, &material, faults) != 0)
		return -1;
	material.pair_count = tls->certificate.count;
	for (size_t i = 0; i < material.pair_count; i++)
		material.pairs[i] = (struct tls_pair){
			.chain =
				tls_load_certificates(&tls->certificate.items[i], faults),
			.key = load_key(keys, &tls->key.items[i], faults),
		};
	*ret = material;
	return 0;
}

int tls_pair_share(const struct tls_pair *from, struct tls_pair *to)
{
	STACK_OF(X509) *chain = X509_chain_up_ref(from->chain);

	if (!chain)
		return -1;
	EVP_PKEY_up_ref(from->key);
	if (from->signer)
		EVP_PKEY_up_ref(from->signer);
	tls_pair_clear(to);
	*to = (struct tls_pair){
		.chain = chain, .key = from->key, .signer = from->signer, .id = from->id
	};
	return 0;
}

void tls_pair_clear(struct tls_pair *pair)
{
	sk_X509_pop_free(pair->chain, X509_free);
	EVP_PKEY_free(pair->key);
	EVP_PKEY_free(pair->signer);
	*pair = (struct tls_pair){ 0 };
}

bool tls_pair_is_like(const struct tls_pair *a, const struct tls_pair *b)
{
	return EVP_PKEY_get_base_id(a->key) == EVP_PKEY_get_base_id(b->key);
}

void tls_material_clear(struct tls_material *material)
{
	for (size_t i = 0; i < material->pair_count; i++)
		tls_pair_clear(&material->pairs[i]);
	sk_X509_pop_free(material->ca, X509_free);
	for (size_t i = 0; i < material->crl_count; i++)
		sk_X509_CRL_pop_free(material->crl[i], X509_CRL_free);
	free(material->crl);
	sk_X509_CRL_pop_free(material->kept, X509_CRL_free);
	*material = (struct tls_material){ 0 };
}
