#include "internal.h"

#include <openssl/bn.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The dates of a root at the end of the chain don't count: peers use their own copy. */
void tls_chain_dates(STACK_OF(X509) * chain, time_t *ret_first, time_t *ret_last)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);
		time_t first = tls_time(X509_get0_notBefore(certificate));
		time_t last = tls_time(X509_get0_notAfter(certificate));

		if (i > 0 && tls_is_self_signed(certificate))
			continue;
		if (i == 0 || first > *ret_first)
			*ret_first = first;
		if (i == 0 || last < *ret_last)
			*ret_last = last;
	}
}

enum reason tls_chain_fault(STACK_OF(X509) * chain, char ret[TLS_SENTENCE_SIZE])
{
	char subject[TLS_SUBJECT_SIZE], date[TLS_DATE_SIZE];
	time_t now = time(NULL), first, last;

	tls_subject(X509_get_subject_name(sk_X509_value(chain, 0)), subject);
	tls_chain_dates(chain, &first, &last);
	if (now > last) {
		tls_date(last, date);
		snprintf(ret, TLS_SENTENCE_SIZE,
			 "the gateway's own certificate (%.120s) expired on %s; renew it",
			 subject, date);
		return REASON_TLS_EXPIRED;
	}
	if (!tls_has_begun(first, now)) {
		tls_date(first, date);
		snprintf(ret, TLS_SENTENCE_SIZE,
			 "the gateway's own certificate (%.120s) isn't valid before %s; "
			 "see the clock",
			 subject, date);
		return REASON_TLS_NOT_YET_VALID;
	}
	return REASON_NONE;
}

MUST_USE static struct tls_end *append_end(struct tls_context *context,
					   enum tls_end_kind kind, const char *path)
{
	struct tls_end *ends = reallocarray(context->ends, context->end_count + 1,
					    sizeof(*context->ends));
	struct tls_end *end;

	if (!ends)
		return NULL;
	context->ends = ends;
	end = &ends[context->end_count];
	*end = (struct tls_end){ .kind = kind, .path = strdup(path) };
	if (!end->path)
		return NULL;
	context->end_count++;
	return end;
}

static void note_key(const EVP_PKEY *key, char *ret, size_t size)
{
	if (key)
		snprintf(ret, size, "%s %d", EVP_PKEY_get0_type_name(key),
			 EVP_PKEY_get_bits(key));
}

MUST_USE static int note_certificates(struct tls_context *context, enum tls_end_kind kind,
				      STACK_OF(X509) * list, const char *path)
{
	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *certificate = sk_X509_value(list, i);
		struct tls_end *end = append_end(context, kind, path);

		if (!end || certificate_sha256(certificate, end->sha256) != 0)
			return -1;
		tls_subject(X509_get_subject_name(certificate), end->subject);
		note_key(X509_get0_pubkey(certificate), end->key, sizeof(end->key));
		end->begins = tls_time(X509_get0_notBefore(certificate));
		end->until = tls_time(X509_get0_notAfter(certificate));
	}
	return 0;
}

static void note_number(X509_CRL *crl, char *ret, size_t size)
{
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	BIGNUM *value = number ? ASN1_INTEGER_to_BN(number, NULL) : NULL;
	char *text = value ? BN_bn2hex(value) : NULL;

	if (text)
		snprintf(ret, size, "%s", text);
	OPENSSL_free(text);
	BN_free(value);
	ASN1_INTEGER_free(number);
}

MUST_USE static int note_crl(struct tls_context *context, X509_CRL *crl, const char *path)
{
	struct tls_end *end = append_end(context, TLS_END_CRL, path);
	unsigned char digest[DIGEST_SIZE];
	unsigned size = sizeof(digest);

	if (!end || X509_CRL_digest(crl, EVP_sha256(), digest, &size) != 1)
		return -1;
	digest_hex(digest, sizeof(digest), end->sha256);
	tls_subject(X509_CRL_get_issuer(crl), end->subject);
	note_number(crl, end->number, sizeof(end->number));
	end->begins = tls_time(X509_CRL_get0_lastUpdate(crl));
	end->until = tls_time(X509_CRL_get0_nextUpdate(crl));
	return 0;
}

/* The file with the new CRL of the series of a kept one. */
static size_t file_of_series(const struct tls_material *material, X509_CRL *kept)
{
	size_t file = 0;

	for (size_t i = 0;; i++) {
		X509_CRL *crl = tls_material_crl(material, i, &file);

		if (!crl || tls_crl_in_same_series(crl, kept, material->ca))
			return file;
	}
}

/* Notes the CRL that counts in each series. */
MUST_USE static int note_crls(struct tls_context *context, const struct config_tls *tls,
			      const struct tls_material *material)
{
	X509_CRL *crl;
	size_t file;

	for (size_t i = 0; (crl = tls_material_crl(material, i, &file)) != NULL; i++) {
		if (tls_series_speaker(material, crl) != crl)
			continue;
		if (file == material->crl_count)
			file = file_of_series(material, crl);
		if (note_crl(context, crl, tls->crl.items[file].path) != 0)
			return -1;
	}
	return 0;
}

int tls_ends_note(struct tls_context *context, const struct config_tls *tls,
		  const struct tls_material *material)
{
	for (size_t i = 0; i < material->pair_count; i++)
		if (note_certificates(context, TLS_END_CERTIFICATE,
				      material->pairs[i].chain,
				      tls->certificate.items[i].path) != 0)
			return -1;
	if (note_certificates(context, TLS_END_CA, material->ca, tls->ca.path) != 0)
		return -1;
	return note_crls(context, tls, material);
}

void tls_ends_clear(struct tls_context *context)
{
	for (size_t i = 0; i < context->end_count; i++)
		free((char *)context->ends[i].path);
	free(context->ends);
	context->ends = NULL;
	context->end_count = 0;
}

#define DAY_SECONDS ((time_t)24 * 60 * 60)
#define SHORT_DAYS  3 /* a CRL with so few days left is told, even if new */

/* Whether nine tenths of its time or more are left when it comes to that stage. */
static bool is_new_then(time_t begins, time_t until, int days)
{
	return days * DAY_SECONDS >= (until - begins) / 10 * 9;
}

int tls_end_stage(enum tls_end_kind kind, time_t begins, time_t until, bool renewed,
		  time_t now)
{
	static const int stages[] = { 1, 3, 7, 14, 30 };

	if (until < now)
		return 0;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		int days = stages[i];

		if (until - now > days * DAY_SECONDS)
			continue;
		if (is_new_then(begins, until, days) &&
		    (renewed || (kind == TLS_END_CRL && days > SHORT_DAYS)))
			return -1;
		return days;
	}
	return -1;
}

time_t tls_context_turn(const struct tls_context *context)
{
	return context->turn;
}

const struct tls_end *tls_context_ends(const struct tls_context *context,
				       size_t *ret_count)
{
	*ret_count = context->end_count;
	return context->ends;
}
