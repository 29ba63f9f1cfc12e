#include "internal.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A name that holds a NUL would be cut there in messages, and seem to be another name. */
static bool is_text(const unsigned char *bytes, int length)
{
	return length > 0 && !memchr(bytes, '\0', (size_t)length);
}

/* A name that doesn't fit is left out, since an entry's name must match in full. */
static void fill_common_name(X509 *certificate, char *ret, size_t size)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	unsigned char *text = NULL;
	int at = -1, next, length;

	while ((next = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		at = next;
	if (at < 0)
		return;
	length = ASN1_STRING_to_UTF8(
		&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (length > 0 && (size_t)length < size && is_text(text, length)) {
		memcpy(ret, text, (size_t)length);
		ret[length] = '\0';
	}
	OPENSSL_free(text);
}

MUST_USE static int add_name(char **names, size_t *count, const ASN1_IA5STRING *name)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(name);
	int length = ASN1_STRING_length(name);

	if (*count == TLS_NAMES_MAX || !is_text(bytes, length))
		return 0;
	names[*count] = strndup((const char *)bytes, (size_t)length);
	if (!names[*count])
		return -1;
	++*count;
	return 0;
}

MUST_USE static int fill_alternative_names(X509 *certificate, struct tls_peer *peer)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int rc = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && rc == 0; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			rc = add_name(peer->dns, &peer->dns_count, name->d.dNSName);
		else if (name->type == GEN_URI)
			rc = add_name(peer->uri, &peer->uri_count,
				      name->d.uniformResourceIdentifier);
	}
	GENERAL_NAMES_free(names);
	return rc;
}

static time_t earliest_end(STACK_OF(X509) * chain, int count)
{
	time_t earliest = 0;

	for (int i = 0; i < count; i++) {
		time_t last = tls_time(X509_get0_notAfter(sk_X509_value(chain, i)));

		if (i == 0 || last < earliest)
			earliest = last;
	}
	return earliest;
}

/* The earliest end of the CRLs about the chain. The anchor needs none. */
static time_t earliest_crl_end(STACK_OF(X509) * chain, X509_STORE *store)
{
	time_t earliest = 0, last;

	for (int i = 0; i + 1 < sk_X509_num(chain); i++)
		if (tls_revocation(store, sk_X509_value(chain, i),
				   sk_X509_value(chain, i + 1), true,
				   &last) == X509_V_OK &&
		    last != 0 && (earliest == 0 || last < earliest))
			earliest = last;
	return earliest;
}

void tls_peer_note_chain(STACK_OF(X509) * chain, X509_STORE *store, struct tls_peer *ret)
{
	int count = sk_X509_num(chain);

	ret->not_after = earliest_end(chain, count);
	ret->shown_until = earliest_end(chain, count > 1 ? count - 1 : count);
	ret->crl_until = earliest_crl_end(chain, store);
	ret->vouches_for_itself = count == 1 && tls_is_leaf(sk_X509_value(chain, 0));
}

time_t tls_trusted_until(const struct tls_peer *peer)
{
	return peer->crl_until != 0 && peer->crl_until < peer->not_after
		       ? peer->crl_until
		       : peer->not_after;
}

enum reason tls_trust_ended(const struct tls_peer *peer)
{
	return tls_trusted_until(peer) == peer->not_after ? REASON_TLS_EXPIRED
							  : REASON_TLS_CRL_STALE;
}

/* OpenSSL's versions spell the names of groups differently. */
static void fill_group(SSL *ssl, char *ret, size_t size)
{
	static const char *const spellings[][2] = {
		{ "x25519", "X25519" },	  { "prime256v1", "P-256" },
		{ "secp256r1", "P-256" }, { "secp384r1", "P-384" },
		{ "secp521r1", "P-521" },
	};
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
	const char *name = SSL_get0_group_name(ssl);
#else
	int nid = (int)SSL_get_negotiated_group(ssl);
	const char *name = NULL;

	if (nid != NID_undef && (nid & TLSEXT_nid_unknown) == 0)
		name = OBJ_nid2sn(nid);
#endif
	if (!name)
		return;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		if (strcasecmp(name, spellings[i][0]) == 0)
			name = spellings[i][1];
	snprintf(ret, size, "%s", name);
}

int tls_peer_fill(SSL *ssl, struct tls_peer *ret)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);
	struct tls_peer peer = { 0 };

	if (certificate_sha256(certificate, peer.certificate_sha256) != 0 ||
	    certificate_public_key_sha256(certificate, peer.public_key_sha256) != 0)
		return -1;
	tls_subject(X509_get_subject_name(certificate), peer.subject);
	tls_subject(X509_get_issuer_name(certificate), peer.issuer);
	peer.begins = tls_time(X509_get0_notBefore(certificate));
	peer.ends = tls_time(X509_get0_notAfter(certificate));
	fill_common_name(certificate, peer.common_name, sizeof(peer.common_name));
	if (fill_alternative_names(certificate, &peer) != 0) {
		tls_peer_clear(&peer);
		return -1;
	}
	tls_peer_note_chain(SSL_get0_verified_chain(ssl),
			    SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), &peer);
	snprintf(peer.version, sizeof(peer.version), "%s", SSL_get_version(ssl));
	snprintf(peer.cipher, sizeof(peer.cipher), "%s", SSL_get_cipher_name(ssl));
	fill_group(ssl, peer.group, sizeof(peer.group));
	*ret = peer;
	return 0;
}

void tls_peer_clear(struct tls_peer *peer)
{
	for (size_t i = 0; i < peer->dns_count; i++)
		free(peer->dns[i]);
	for (size_t i = 0; i < peer->uri_count; i++)
		free(peer->uri[i]);
	*peer = (struct tls_peer){ 0 };
}
