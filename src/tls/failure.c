#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Faults of a certificate, to follow "the modality's certificate CN=x". */
static const struct {
	int error;
	enum reason reason;
	const char *what;
} verdicts[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, REASON_TLS_UNTRUSTED,
	  "was signed by a CA that isn't in `ca`" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, REASON_TLS_UNTRUSTED,
	  "was signed by a CA that isn't in `ca`" },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, REASON_TLS_UNTRUSTED,
	  "was signed by a CA that isn't in `ca`" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, REASON_TLS_UNTRUSTED,
	  "is self-signed and isn't in `ca`" },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, REASON_TLS_UNTRUSTED, "isn't in `ca`" },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, REASON_TLS_UNTRUSTED,
	  "bears a signature that the CA in `ca` didn't make" },
	{ X509_V_ERR_CERT_HAS_EXPIRED, REASON_TLS_EXPIRED, "has expired" },
	{ X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, REASON_TLS_EXPIRED,
	  "has an end date that can't be read" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, REASON_TLS_NOT_YET_VALID, "isn't valid yet" },
	{ X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, REASON_TLS_NOT_YET_VALID,
	  "has a first date that can't be read" },
	{ X509_V_ERR_CERT_REVOKED, REASON_TLS_REVOKED, "has been revoked by its CA" },
	{ X509_V_ERR_CRL_HAS_EXPIRED, REASON_TLS_CRL_STALE,
	  "can't be checked: its CA's CRL here is stale; fetch the new one" },
	{ X509_V_ERR_CRL_NOT_YET_VALID, REASON_TLS_CRL_STALE,
	  "can't be checked: its CA's CRL here isn't valid yet; see the clock" },
	{ X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, REASON_TLS_CRL_STALE,
	  "can't be checked: its CA's CRL here has dates that can't be read" },
	{ X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, REASON_TLS_CRL_STALE,
	  "can't be checked: its CA's CRL here has dates that can't be read" },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, REASON_TLS_CRL_MISSING,
	  "can't be checked: `crl` has none of its CA" },
	{ X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, REASON_TLS_CRL_MISSING,
	  "can't be checked: the signer of its CA's CRL isn't in `ca`" },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, REASON_TLS_CRL_MISSING,
	  "can't be checked: the CRL here wasn't signed by its CA" },
	{ X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, REASON_TLS_CRL_MISSING,
	  "can't be checked: the CRL here wasn't signed by its CA" },
	{ X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, REASON_TLS_CRL_MISSING,
	  "can't be checked: its CA may not sign CRLs" },
	{ X509_V_ERR_DIFFERENT_CRL_SCOPE, REASON_TLS_CRL_MISSING,
	  "can't be checked: its CA's CRL here is about others; give the full one" },
	{ X509_V_ERR_CRL_PATH_VALIDATION_ERROR, REASON_TLS_CRL_MISSING,
	  "can't be checked: the signer of its CA's CRL isn't in `ca`" },
	{ X509_V_ERR_INVALID_PURPOSE, REASON_TLS_PURPOSE,
	  "isn't meant for this side of TLS (its keyUsage or extendedKeyUsage says so)" },
	{ X509_V_ERR_INVALID_CA, REASON_TLS_PURPOSE,
	  "isn't a CA's, but has signed as one" },
	{ X509_V_ERR_INVALID_NON_CA, REASON_TLS_PURPOSE, "is a CA's, shown as a peer's" },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, REASON_TLS_PURPOSE,
	  "has more CAs below it than it allows" },
	{ X509_V_ERR_KEYUSAGE_NO_CERTSIGN, REASON_TLS_PURPOSE,
	  "may not sign certificates" },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, REASON_TLS_WEAK,
	  "has a weak key; it needs " CERTIFICATE_KEYS },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, REASON_TLS_WEAK,
	  "has a weak key; it needs " CERTIFICATE_KEYS },
	{ X509_V_ERR_APPLICATION_VERIFICATION, REASON_TLS_NO_COMMON, /* tls_verify's */
	  "has a key that not every TLS handshake takes; it needs " CERTIFICATE_KEYS },
	{ X509_V_ERR_CA_MD_TOO_WEAK, REASON_TLS_WEAK,
	  "bears a weak signature; it needs SHA-256" },
	{ X509_V_ERR_PERMITTED_VIOLATION, REASON_TLS_UNTRUSTED,
	  "bears a name outside those that a CA of its chain may sign (nameConstraints); "
	  "have it issued by another CA" },
	{ X509_V_ERR_EXCLUDED_VIOLATION, REASON_TLS_UNTRUSTED,
	  "bears a name that a CA of its chain may not sign (nameConstraints); have it "
	  "issued by another CA" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, REASON_TLS_UNTRUSTED,
	  "holds a critical extension that isn't known here; have it issued without" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, REASON_TLS_CRL_MISSING,
	  "can't be checked: its CA's CRL here holds a critical extension that isn't "
	  "known "
	  "here" },
	{ X509_V_ERR_HOSTNAME_MISMATCH, REASON_DESTINATION_NAME, NULL },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, REASON_DESTINATION_NAME, NULL },
};

/* Faults that OpenSSL's state machine finds, to follow "the modality". */
static const struct {
	int error; /* SSL_R_… */
	enum reason reason;
	const char *what;
} errors[] = {
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, REASON_TLS_NO_CERTIFICATE,
	  "showed no certificate that counts here; give it one of a CA in `ca`, with a "
	  "key of " CERTIFICATE_KEYS },
	{ SSL_R_UNSUPPORTED_PROTOCOL, REASON_TLS_VERSION,
	  "speaks no TLS version that is allowed here (see min_version)" },
	{ SSL_R_VERSION_TOO_LOW, REASON_TLS_VERSION,
	  "speaks no TLS version that is allowed here (see min_version)" },
	{ SSL_R_WRONG_SSL_VERSION, REASON_TLS_VERSION,
	  "speaks no TLS version that is allowed here (see min_version)" },
	{ SSL_R_UNSUPPORTED_SSL_VERSION, REASON_TLS_VERSION,
	  "speaks no TLS version that is allowed here (see min_version)" },
	{ SSL_R_INAPPROPRIATE_FALLBACK, REASON_TLS_VERSION,
	  "fell back to an older TLS version than both sides have" },
	{ SSL_R_NO_SHARED_CIPHER, REASON_TLS_NO_COMMON,
	  "has no cipher or group in common (ECDHE with AES-GCM or ChaCha20)" },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, REASON_TLS_NO_COMMON,
	  "has no group in common (X25519, P-256, P-384, P-521)" },
	{ SSL_R_NO_SUITABLE_GROUPS, REASON_TLS_NO_COMMON,
	  "has no group in common (X25519, P-256, P-384, P-521)" },
	{ SSL_R_NO_SHARED_GROUPS, REASON_TLS_NO_COMMON,
	  "has no group in common (X25519, P-256, P-384, P-521)" },
	{ SSL_R_BAD_KEY_SHARE, REASON_TLS_NO_COMMON,
	  "has no group in common (X25519, P-256, P-384, P-521)" },
	{ SSL_R_WRONG_CURVE, REASON_TLS_NO_COMMON,
	  "has no group in common (X25519, P-256, P-384, P-521)" },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, REASON_TLS_NO_COMMON,
	  "has no signature algorithm in common" },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, REASON_TLS_NO_COMMON,
	  "has no signature algorithm in common" },
	{ SSL_R_WRONG_SIGNATURE_TYPE, REASON_TLS_NO_COMMON,
	  "signs with an algorithm that isn't allowed here" },
	{ SSL_R_WRONG_CIPHER_RETURNED, REASON_TLS_NO_COMMON,
	  "chose a cipher that wasn't offered" },
	{ SSL_R_NO_APPLICATION_PROTOCOL, REASON_TLS_NO_COMMON,
	  "offers other application protocols than DICOM's (ALPN \"dicom\"); is it a "
	  "DICOM "
	  "device?" },
	{ SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, REASON_TLS_NO_COMMON,
	  "lacks secure renegotiation (RFC 5746); update it" },
	{ SSL_R_EE_KEY_TOO_SMALL, REASON_TLS_WEAK,
	  "has a certificate with a weak key; it needs " CERTIFICATE_KEYS },
	{ SSL_R_CA_KEY_TOO_SMALL, REASON_TLS_WEAK,
	  "has a CA with a weak key; it needs " CERTIFICATE_KEYS },
	{ SSL_R_CA_MD_TOO_WEAK, REASON_TLS_WEAK,
	  "has a certificate with a weak signature; it needs SHA-256" },
	{ SSL_R_DH_KEY_TOO_SMALL, REASON_TLS_WEAK, "uses a weak key exchange" },
	{ SSL_R_HTTP_REQUEST, REASON_NOT_TLS, "speaks plain HTTP, not TLS" },
	{ SSL_R_HTTPS_PROXY_REQUEST, REASON_NOT_TLS, "speaks plain HTTP, not TLS" },
};

/* What a peer probably means by an alert. */
static const struct {
	int alert;
	const char *hint;
	bool names_ca; /* the CA that it has to trust follows */
} hints[] = {
	{ SSL_AD_UNKNOWN_CA,
	  "it doesn't know the CA of the gateway's certificate; install it there", true },
	{ SSL_AD_CERTIFICATE_EXPIRED,
	  "it holds the gateway's certificate to be expired; see its clock", false },
	{ SSL_AD_CERTIFICATE_REVOKED, "it holds the gateway's certificate to be revoked",
	  false },
	{ SSL_AD_CERTIFICATE_REQUIRED, "it wants another certificate of the gateway",
	  false },
	{ SSL_AD_BAD_CERTIFICATE,
	  "it distrusts the gateway's certificate; see its CA, names and dates", true },
	{ SSL_AD_CERTIFICATE_UNKNOWN,
	  "it distrusts the gateway's certificate; see its CA, names and dates", true },
	{ SSL_AD_UNSUPPORTED_CERTIFICATE,
	  "it can't use the gateway's certificate; see its purpose and kind of key",
	  false },
	{ SSL_AD_ACCESS_DENIED,
	  "it knows the gateway's certificate, but doesn't let it in", false },
	{ SSL_AD_UNRECOGNIZED_NAME, "it doesn't know itself by that server_name", false },
	{ SSL_AD_NO_APPLICATION_PROTOCOL,
	  "it knows no DICOM on that port (ALPN \"dicom\"); see `port`, or let it take "
	  "\"dicom\" there",
	  false },
	{ SSL_AD_DECRYPT_ERROR, "it couldn't verify a signature", false },
};

void tls_fail(struct tls_failure *ret, bool server, enum reason reason,
	      const char *format, ...)
{
	bool prefix = false;
	size_t used = 0;
	va_list arguments;

	ret->reason = reason;
	if (!server && reason == REASON_PEER_LOST) {
		ret->reason = REASON_DESTINATION_LOST;
	} else if (!server && reason == REASON_MALFORMED) {
		ret->reason = REASON_DESTINATION_PROTOCOL;
	} else if (!server && reason != REASON_DESTINATION_NAME &&
		   reason != REASON_INTERNAL) {
		ret->reason = REASON_DESTINATION_TLS;
		prefix = true;
	}
	if (prefix)
		used = (size_t)snprintf(ret->detail, sizeof(ret->detail),
					"%s: ", reason_name(reason));
	va_start(arguments, format);
	vsnprintf(ret->detail + used, sizeof(ret->detail) - used, format, arguments);
	va_end(arguments);
}

/* A date or an issuer that helps to understand the error; or NULL. */
static const char *evidence(const struct tls_verdict *verdict)
{
	switch (verdict->error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return verdict->not_after;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return verdict->not_before;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return verdict->issuer;
	default:
		return NULL;
	}
}

void tls_fail_verdict(struct tls_failure *ret, bool server,
		      const struct tls_verdict *verdict)
{
	enum reason reason = REASON_TLS_UNTRUSTED;
	const char *what = X509_verify_cert_error_string(verdict->error);
	const char *shown = evidence(verdict);
	char whose[48];

	for (size_t i = 0; i < LENGTH(verdicts); i++) {
		if (verdicts[i].error == verdict->error) {
			reason = verdicts[i].reason;
			what = verdicts[i].what;
		}
	}
	if (reason == REASON_DESTINATION_NAME) {
		tls_fail(ret, server, reason,
			 "%s's certificate %.90s isn't for the name %.80s (its "
			 "subjectAltName counts, its CN doesn't); correct server_name or "
			 "the certificate",
			 tls_who(server), verdict->subject, verdict->server_name);
		return;
	}
	snprintf(whose, sizeof(whose),
		 verdict->depth == 0 ? "%s's certificate"
				     : "the CA certificate in %s's chain,",
		 tls_who(server));
	tls_fail(ret, server, reason, "%s %.80s %s%s%.60s%s", whose, verdict->subject,
		 what, shown ? " (" : "", shown ? shown : "", shown ? ")" : "");
}

static bool is_alert(unsigned long error, int *ret_alert)
{
	int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;

	if (ERR_GET_LIB(error) != ERR_LIB_SSL || alert < 0 || alert > 255)
		return false;
	*ret_alert = alert;
	return true;
}

/* The CA that a peer has to trust to accept the chain that we show: the issuer of its
 * last certificate. "" when it can't be told. */
static void name_own_ca(SSL *ssl, char ret[TLS_SUBJECT_SIZE])
{
	X509 *last = SSL_get_certificate(ssl);
	STACK_OF(X509) *rest = NULL;

	ret[0] = '\0';
	if (SSL_get0_chain_certs(ssl, &rest) == 1 && sk_X509_num(rest) > 0)
		last = sk_X509_value(rest, sk_X509_num(rest) - 1);
	if (last)
		tls_subject(X509_get_issuer_name(last), ret);
}

static void fail_alert(struct tls_failure *ret, bool server, SSL *ssl, int alert,
		       bool agreed)
{
	enum reason reason = REASON_TLS_PEER_REFUSED;
	char ca[TLS_SUBJECT_SIZE] = "";
	const char *hint = NULL;

	if (alert == SSL_AD_PROTOCOL_VERSION) {
		reason = REASON_TLS_VERSION;
		hint = "it speaks no TLS version that is allowed here (see min_version)";
	} else if (alert == SSL_AD_NO_APPLICATION_PROTOCOL) {
		reason = REASON_TLS_NO_COMMON;
	} else if (alert == SSL_AD_INSUFFICIENT_SECURITY ||
		   (alert == SSL_AD_HANDSHAKE_FAILURE && !agreed)) {
		reason = REASON_TLS_NO_COMMON;
		hint = "it found no version, cipher or group in common";
	}
	for (size_t i = 0; i < LENGTH(hints); i++) {
		if (hints[i].alert != alert)
			continue;
		hint = hints[i].hint;
		if (hints[i].names_ca)
			name_own_ca(ssl, ca);
	}
	tls_fail(ret, server, reason, "%s refused with the TLS alert \"%s\"%s%s%s%.80s%s",
		 tls_who(server), SSL_alert_desc_string_long(alert), hint ? ": " : "",
		 hint ? hint : "", ca[0] ? " (the CA is " : "", ca, ca[0] ? ")" : "");
}

/* Describes an error of OpenSSL; false when it isn't a known one. */
static bool fail_known(struct tls_failure *ret, bool server, SSL *ssl,
		       unsigned long error, const struct tls_verdict *verdict)
{
	int alert;

	if (is_alert(error, &alert)) {
		fail_alert(ret, server, ssl, alert, SSL_get_pending_cipher(ssl) != NULL);
		return true;
	}
	if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
		tls_fail(ret, server, REASON_INTERNAL, "no memory for TLS");
		return true;
	}
	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return false;
	if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
	    verdict->error != X509_V_OK) {
		tls_fail_verdict(ret, server, verdict);
		return true;
	}
	for (size_t i = 0; i < LENGTH(errors); i++) {
		if (errors[i].error == ERR_GET_REASON(error)) {
			tls_fail(ret, server, errors[i].reason, "%s %s", tls_who(server),
				 errors[i].what);
			return true;
		}
	}
	return false;
}

static const char *error_text(unsigned long error)
{
	const char *text = ERR_reason_error_string(error);

	return text ? text : "no more is known";
}

void tls_fail_handshake(struct tls_failure *ret, bool server, SSL *ssl,
			const struct tls_verdict *verdict)
{
	unsigned long first = ERR_peek_error(), error;
	bool known = false;

	while (!known && (error = ERR_get_error()) != 0)
		known = fail_known(ret, server, ssl, error, verdict);
	ERR_clear_error();
	if (!known)
		tls_fail(ret, server, REASON_NOT_TLS,
			 "%s broke the rules of the TLS handshake (%s)", tls_who(server),
			 error_text(first));
}

/* Whether the alert means that the peer distrusts our certificate. */
static bool is_distrust(int alert)
{
	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case SSL_AD_CERTIFICATE_REQUIRED:
		return true;
	default:
		return false;
	}
}

void tls_fail_stream(struct tls_failure *ret, bool server, SSL *ssl, bool settled)
{
	unsigned long error = ERR_peek_last_error();
	int alert;

	if (is_alert(error, &alert) && settled && !is_distrust(alert))
		tls_fail(ret, server, REASON_PEER_LOST,
			 "%s ended the connection with the TLS alert \"%s\"",
			 tls_who(server), SSL_alert_desc_string_long(alert));
	else if (is_alert(error, &alert))
		fail_alert(ret, server, ssl, alert, true);
	else
		tls_fail(ret, server, REASON_PEER_LOST,
			 "a TLS record of %s was damaged (%s)", tls_who(server),
			 error_text(error));
	ERR_clear_error();
}

bool tls_is_end_of_file(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_SSL &&
	       ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}
