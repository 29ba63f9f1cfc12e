/*
 * What to do about each way in which the way to a destination can fail.
 */
#include "probe.h"

#include <string.h>

#include "cathgate/base/certificate.h"
#include "cli/kit/keep.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

const char *probe_line_of(const struct probe *probe, const char *key)
{
	struct config_place place =
		config_place_of(probe->config, &probe->destination->place, key);

	return keep_format("`%s` (line %d of %s)", key, place.line, place.file);
}

/* Those of the certificate that the destination showed, and the key they are about. %s is
 * that key's place. */
static const struct {
	const char *word;
	enum probe_step step;
	const char *key, *cure;
} cures[] = {
	{ "tls-untrusted", PROBE_CERTIFICATE, "tls.ca",
	  "ask the PACS's administrator for the CA certificate that signed the PACS's "
	  "(or for the PACS's own, if it is self-signed), and put it into the file of "
	  "%s; where public_key_sha256 is set, the PACS's new "
	  "key "
	  "goes there, once its administrator has confirmed it" },
	{ "tls-expired", PROBE_CERTIFICATE, "tls.ca",
	  "the PACS's administrator has to renew its certificate; see this machine's "
	  "clock "
	  "first (`date`). Its CA is the one in %s" },
	{ "tls-not-yet-valid", PROBE_CERTIFICATE, "tls.ca",
	  "nearly always a clock: see `date` here and the PACS's. Its CA is the one in "
	  "%s" },
	{ "tls-revoked", PROBE_CERTIFICATE, "tls.crl",
	  "its CA has revoked the PACS's certificate, by the CRL in %s: ask its "
	  "administrator for the reason and for a new one" },
	{ "tls-crl-stale", PROBE_CERTIFICATE, "tls.crl",
	  "fetch the CA's new CRL into the file of %s; it counts at once" },
	{ "tls-crl-missing", PROBE_CERTIFICATE, "tls.crl",
	  "add the CRL of each CA in the PACS's chain to %s, in full: for all "
	  "reasons and certificates" },
	{ "tls-purpose", PROBE_CERTIFICATE, "tls.ca",
	  "the PACS needs a certificate made for a server (extendedKeyUsage serverAuth) "
	  "by "
	  "the CA in %s" },
	{ "tls-weak", PROBE_CERTIFICATE, "tls.ca",
	  "the PACS needs a certificate with a key of " CERTIFICATE_KEYS
	  ", and SHA-256, by the CA in %s" },
	{ "tls-no-certificate", PROBE_CERTIFICATE, "port",
	  "the PACS shows no certificate; is %s its port for TLS with certificates?" },
	{ "tls-peer-refused", PROBE_OWN_CERTIFICATE, "tls.certificate",
	  "give the PACS's administrator the CA of the gateway's certificate in %s, and "
	  "ask "
	  "that it be trusted there for this sender: cathgate destination page writes "
	  "what they need" },
	{ "tls-version", PROBE_TLS, "tls.min_version",
	  "enable TLS 1.2 or 1.3 at the PACS; the least allowed here is %s" },
	{ "tls-no-common", PROBE_TLS, "tls.certificate",
	  "enable ECDHE with AES-GCM at the PACS; if it knows RSA only, the gateway "
	  "needs an RSA certificate in %s; a certificate of the PACS's needs a key "
	  "of " CERTIFICATE_KEYS },
	{ "not-tls", PROBE_TLS, "port",
	  "what answers there speaks no TLS: correct %s to the PACS's port for TLS, or "
	  "have "
	  "TLS switched on there" },
};

static const char *look_yourself(const struct probe *probe)
{
	const struct config_destination *destination = probe->destination;

	return keep_format("openssl s_client -connect %s:%u -servername %s </dev/null | "
			   "openssl x509 "
			   "-noout -subject -issuer -dates -ext subjectAltName",
			   destination->host, destination->port,
			   destination->tls.server_name ? destination->tls.server_name
							: destination->host);
}

const char *probe_tls_cure(const struct probe *probe, enum reason reason,
			   const char *detail, enum probe_step *ret_step)
{
	if (reason == REASON_DESTINATION_NAME) {
		*ret_step = PROBE_SERVER_NAME;
		return keep_format(
			"write a name that stands in the PACS's certificate in %s, or "
			"have "
			"the certificate issued for this name; if neither is right, "
			"somebody else answers there. To see the names: %s",
			probe_line_of(probe, "tls.server_name"), look_yourself(probe));
	}
	if (strstr(detail, "the gateway's own certificate") != NULL) {
		*ret_step = PROBE_OWN_CERTIFICATE;
		return keep_format("renew the gateway's certificate in %s",
				   probe_line_of(probe, "tls.certificate"));
	}
	for (size_t i = 0; i < LENGTH(cures); i++) {
		size_t length = strlen(cures[i].word);

		if (strncmp(detail, cures[i].word, length) != 0 || detail[length] != ':')
			continue;
		*ret_step = cures[i].step;
		/* The one %s of a text of our own. */
		char *at = strstr(cures[i].cure, "%s");
		return keep_format("%.*s%s%s", (int)(at - cures[i].cure), cures[i].cure,
				   probe_line_of(probe, cures[i].key), at + 2);
	}
	*ret_step = PROBE_TLS;
	return keep_format(
		"is %s the PACS's port for TLS? Its log may say why it hung up",
		probe_line_of(probe, "port"));
}

const char *probe_classic_cure(const struct probe *probe)
{
	return keep_format(
		"it answers without the post-quantum key exchange, whose ClientHello "
		"takes more than one packet: write key_exchange = \"classic\"; for this "
		"destination, %s, or have the PACS or the firewall before it brought up "
		"to date",
		probe_line_of(probe, "key_exchange"));
}

/* PS3.8 table 9-21. */
static const struct {
	unsigned source, reason;
	const char *meaning, *key, *cure;
} rejections[] = {
	{ 1, 3, "it doesn't know the calling AE title", "calling_ae_title",
	  "enter that AE title at the PACS, with this machine's address, or correct %s" },
	{ 1, 7, "it doesn't know the called AE title", "called_ae_title",
	  "correct %s: ask the PACS's administrator how the PACS is called" },
	{ 1, 2, "it knows no DICOM application context", "port",
	  "is %s the PACS's port for DICOM?" },
	{ 2, 2, "it speaks another version of the protocol", "port",
	  "is %s the PACS's port for DICOM?" },
	{ 3, 1, "it is too busy", "port",
	  "try again later; if it stays so, ask the PACS's administrator (%s)" },
	{ 3, 2, "it has too many associations", "port",
	  "try again later; if it stays so, ask the PACS's administrator (%s)" },
};

const char *probe_rejection_cure(const struct probe *probe, unsigned source,
				 unsigned reason, const char **ret_meaning)
{
	const char *cure =
		"most often the PACS doesn't know one of the two AE titles: enter "
		"the gateway there, or correct %s; its log says which";
	const char *key = "called_ae_title";

	*ret_meaning = "it doesn't say why";
	for (size_t i = 0; i < LENGTH(rejections); i++) {
		if (rejections[i].source == source && rejections[i].reason == reason) {
			*ret_meaning = rejections[i].meaning;
			cure = rejections[i].cure;
			key = rejections[i].key;
		}
	}
	const char *at = strstr(cure, "%s");
	return keep_format("%.*s%s%s", (int)(at - cure), cure, probe_line_of(probe, key),
			   at + 2);
}
