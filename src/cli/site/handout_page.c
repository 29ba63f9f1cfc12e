/* The page for the service engineer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "handout.h"
#include "cli/kit/keep.h"

#define PORT_USUAL 2762

static const char *list_titles(const struct config_ae_titles *list)
{
	const char *text = "";

	for (size_t i = 0; i < list->count; i++)
		text = keep_listed(text, " or ", list->items[i].text);
	return text;
}

/* The port in "[::]:2762 (Stream)", as systemd lists where a socket unit listens. */
static unsigned last_port(const char *listed)
{
	const char *colon = strrchr(listed, ':');

	return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

/* systemd knows the port of its sockets. Where it doesn't say, the port is DICOM's for
 * TLS. */
static unsigned port_of(const struct config_listen *listen)
{
	char listed[256] = "";
	unsigned port = 0;
	FILE *asked;

	if (!listen->socket)
		return listen->port;
	asked = popen("systemctl show --property=Listen --value cathgated.socket "
		      "2>/dev/null",
		      "re");
	if (asked) {
		if (fgets(listed, sizeof(listed), asked))
			port = last_port(listed);
		pclose(asked);
	}
	return port != 0 ? port : PORT_USUAL;
}

/* The gateway can be reached under the names in its certificate. */
static void describe_gateway(FILE *page, const struct config_listen *listen)
{
	const char *error = NULL;
	struct pki_certificate *certificate =
		pki_certificate_read(listen->tls.certificate.path, &error);
	struct pki_facts facts = { 0 };

	if (certificate && pki_certificate_facts(certificate, &facts) == 0) {
		fprintf(page, "  Host                 ");
		for (size_t i = 0; i < facts.name_count; i++)
			fprintf(page, "%s%s", i > 0 ? " or " : "", facts.names[i]);
		fprintf(page, "%s\n", facts.name_count == 0 ? listen->address : "");
	}
	fprintf(page, "  Port                 %u\n", port_of(listen));
	pki_certificate_free(certificate);
}

static void describe_certificate(FILE *page, const struct handout *handout)
{
	struct pki_facts facts = { 0 };

	if (pki_certificate_facts(handout->certificate, &facts) < 0)
		return;
	if (handout->asked->certificate)
		fprintf(page, "  Its certificate      the one it has already\n");
	else if (handout->asked->request)
		fprintf(page, "  Its certificate      %s.crt, for the request it made\n",
			handout->asked->name);
	else
		fprintf(page,
			"  Its certificate      "
			"%s.p12 (PKCS#12, key and certificate; the\n"
			"                       password comes by another way)\n",
			handout->asked->name);
	fprintf(page,
		"    SHA-256            %.32s\n                       %s\n"
		"    valid until        %s\n",
		facts.sha256, facts.sha256 + 32, site_date(facts.not_after));
	for (size_t i = 0; i < handout->root_count; i++)
		fprintf(page, "  CA to trust          %s%s.crt (PEM)\n",
			handout->roots[i] ? "" : "ask the administrator for ",
			handout_ca_name(i));
}

static void describe_steps(FILE *page, const struct config_modality *entry)
{
	fprintf(page,
		"\nWhat to do\n"
		"  1. Import the modality's certificate and the CA to trust.\n"
		"  2. Set the DICOM store destination as above, TLS on, with client\n"
		"     certificate (\"mutual\" or \"two-way\" authentication).\n"
		"  3. Send a C-ECHO (\"verify\", \"DICOM ping\"): it must succeed.\n"
		"  4. Send one image, and have the administrator look for it.\n\n"
		"If it fails\n"
		"  Each attempt that reaches the gateway leaves a line in its audit log\n"
		"  with the reason. Ask the administrator of the gateway for it, and "
		"say\n  when you tried. The commonest:\n"
		"    tls-peer-refused         ca.crt isn't imported, or not as a CA\n"
		"    tls-no-certificate       TLS without client certificate is set\n"
		"    not-tls                  TLS is off\n"
		"    ae-unknown               the own AE title is spelled otherwise\n"
		"    called-ae-unknown        the gateway's AE title is\n"
		"    ae-certificate-mismatch  another certificate is in use\n"
		"    address-not-allowed      the modality has another address\n"
		"  No line at all: host, port, firewall or Wi-Fi.\n");
	if (entry->address_count > 0)
		fprintf(page, "\nThe gateway takes this modality from certain addresses "
			      "only: don't\nchange its address without telling.\n");
}

int handout_describe(struct handout *handout, const struct site *site,
		     const struct config_modality *entry)
{
	const struct config_listen *listen = handout->listener;
	struct durable_owner own = daemon_user_none(0600);
	char *text = NULL;
	size_t size = 0;
	FILE *page = open_memstream(&text, &size);
	int result = -1;

	if (!page) {
		complain_memory();
		goto out;
	}
	fprintf(page, "Modality %s at the DICOM gateway %s, %s\n\nThe gateway\n",
		handout->asked->name, site->config->gateway_name, site_date(time(NULL)));
	describe_gateway(page, listen);
	fprintf(page, "  AE title (called)    %s\n\nThe modality\n",
		list_titles(&entry->called_ae_titles));
	fprintf(page, "  AE title (calling)   %s\n", list_titles(&entry->ae_titles));
	describe_certificate(page, handout);
	fprintf(page,
		"\nTLS\n  Version              %s\n"
		"  Cipher suites        ECDHE with AES-GCM or ChaCha20 (BCP 195)\n"
		"  Client certificate   always\n",
		listen->tls.min_version == 13 ? "1.3" : "1.2 or 1.3");
	describe_steps(page, entry);
	if (fflush(page) != 0)
		complain("%s/%s.txt: there is no memory", handout->folder,
			 handout->asked->name);
	else
		result = staging_write(&handout->staging,
				       keep_format("%s.txt", handout->asked->name), text,
				       size, &own);
out:
	if (page)
		fclose(page);
	free(text);
	return result;
}
