/* Settings to paste at the PACS. Orthanc's and stunnel's are tried by a test. */
#include <jansson.h>
#include <stdlib.h>

#include "cli/kit/keep.h"
#include "destination_page.h"

#define PORT_PLAIN 104

/* Lines of settings stand four columns in. */
static void put_indented(FILE *page, const char *text)
{
	for (const char *at = text; *at; at++) {
		if (at == text || at[-1] == '\n')
			fputs("    ", page);
		fputc(*at, page);
	}
	fputc('\n', page);
}

static json_t *orthanc_modalities(const struct destination_facts *facts)
{
	json_t *list = json_object();

	for (size_t i = 0; i < facts->calling.count; i++)
		json_object_set_new(
			list, keep_format("cathgate-%zu", i + 1),
			json_pack("{s:s, s:s, s:i, s:b, s:b, s:b, s:b, s:b, s:b}", "AET",
				  facts->calling.items[i].text, "Host",
				  facts->source[0] ? facts->source : "0.0.0.0", "Port",
				  PORT_PLAIN, "AllowEcho", 1, "AllowStore", 1,
				  "AllowFind", 0, "AllowFindWorklist", 0, "AllowGet", 0,
				  "AllowMove", 0));
	return list;
}

static int put_orthanc(FILE *page, const struct destination_facts *facts)
{
	const struct config_destination *destination = facts->destination;
	json_t *settings = json_pack("{s:s, s:i, s:b, s:b, s:b, s:b, s:o}", "DicomAet",
				     destination->called_ae_title.text, "DicomPort",
				     destination->port, "DicomCheckCalledAet", 1,
				     "DicomAlwaysAllowStore", 0, "DicomCheckModalityHost",
				     facts->source[0] != '\0', "UnknownSopClassAccepted",
				     1, "DicomModalities", orthanc_modalities(facts));
	char *text;

	if (settings && !destination->tls.none)
		json_object_update_new(
			settings,
			json_pack("{s:b, s:s, s:s, s:s, s:b}", "DicomTlsEnabled", 1,
				  "DicomTlsCertificate", "/etc/orthanc/pacs.crt",
				  "DicomTlsPrivateKey", "/etc/orthanc/pacs.key",
				  "DicomTlsTrustedCertificates",
				  "/etc/orthanc/" DESTINATION_CA_FILE,
				  "DicomTlsRemoteCertificateRequired", 1));
	text = settings ? json_dumps(settings, JSON_INDENT(2)) : NULL;
	json_decref(settings);
	if (!text)
		return -1;
	fputs("\nOrthanc\n"
	      "  Merge this into its configuration (orthanc.json), and restart it. "
	      "Port is for\n"
	      "  the way back, which the gateway doesn't have. It takes images from "
	      "these AE\n"
	      "  titles only.\n",
	      page);
	if (!destination->tls.none)
		fputs("  pacs.crt and pacs.key are the PACS's own; an RSA key is the "
		      "safe "
		      "choice.\n",
		      page);
	fputc('\n', page);
	put_indented(page, text);
	free(text);
	return 0;
}

/* What stands in its documentation; it wasn't tried here. */
static void put_dcm4chee(FILE *page, const struct destination_facts *facts)
{
	fputs("\ndcm4chee-arc 5\n"
	      "  Not tried with this gateway: compare with its documentation. As LDIF, "
	      "where\n"
	      "  the archive's device and base have the usual names; or in the web "
	      "interface\n"
	      "  under Configuration, Devices, dcm4chee-arc, its network connection "
	      "dicom-tls.\n\n",
	      page);
	put_indented(
		page,
		keep_format(
			"dn: cn=dicom-tls,dicomDeviceName=dcm4chee-arc,cn=Devices,"
			"cn=DICOM Configuration,dc=dcm4che,dc=org\n"
			"changetype: modify\n"
			"replace: dicomPort\ndicomPort: %u\n-\n"
			"replace: dcmTLSNeedClientAuth\ndcmTLSNeedClientAuth: TRUE\n-\n"
			"replace: dcmTLSProtocol\n%sdcmTLSProtocol: TLSv1.3\n-\n"
			"replace: dicomTLSCipherSuite\n"
			"dicomTLSCipherSuite: TLS_AES_128_GCM_SHA256\n"
			"dicomTLSCipherSuite: TLS_AES_256_GCM_SHA384\n"
			"dicomTLSCipherSuite: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n"
			"dicomTLSCipherSuite: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
			facts->destination->port,
			facts->destination->tls.min_version == 13
				? ""
				: "dcmTLSProtocol: TLSv1.2\n"));
	fputs("\n  The CA goes into the trust store that the device names, then reload "
	      "the\n"
	      "  archive's configuration:\n\n",
	      page);
	put_indented(page,
		     "keytool -importcert -alias cathgate -file " DESTINATION_CA_FILE
		     " -keystore TRUSTSTORE");
}

static void put_stunnel(FILE *page, const struct destination_facts *facts)
{
	fputs("\nA PACS without TLS of its own: stunnel on its machine\n"
	      "  As /etc/stunnel/dicom.conf. The PACS's own port must then be open to "
	      "this\n"
	      "  machine only, and it sees stunnel's address, not the gateway's.\n\n",
	      page);
	put_indented(page, keep_format("socket = l:TCP_NODELAY=1\n"
				       "socket = r:TCP_NODELAY=1\n"
				       "[dicom-tls]\n"
				       "accept = %u\n"
				       "connect = 127.0.0.1:%u\n"
				       "cert = /etc/stunnel/pacs.crt\n"
				       "key = /etc/stunnel/pacs.key\n"
				       "CAfile = /etc/stunnel/" DESTINATION_CA_FILE "\n"
				       "verifyChain = yes\n"
				       "requireCert = yes\n"
				       "sslVersionMin = TLSv1.%d",
				       facts->destination->port, PORT_PLAIN,
				       facts->destination->tls.min_version % 10));
}

int destination_snippets(FILE *page, const struct destination_facts *facts)
{
	if (put_orthanc(page, facts) < 0)
		return -1;
	if (facts->destination->tls.none)
		return 0;
	put_dcm4chee(page, facts);
	put_stunnel(page, facts);
	return 0;
}
