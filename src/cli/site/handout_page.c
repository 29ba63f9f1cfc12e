/* The page for the service engineer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/address.h"
#include "cathgate/supervisor/units.h"
#include "cli/kit/complain.h"
#include "handout.h"
#include "cli/kit/keep.h"

#define PORT_USUAL 2762
#define ALL_ROOTS  "ca-all.crt" /* what stunnel reads */

static const char *list_titles(const struct config_ae_titles *list)
{
	const char *text = "";

	for (size_t i = 0; i < list->count; i++)
		text = keep_listed(text, " or ", list->items[i].text);
	return text;
}

/* Where a listener listens: systemd knows of its sockets. */
struct place {
	const char *address; /* NULL: all, or unknown */
	unsigned port;
};

/* Of "192.168.40.1:2762, …", the first. */
static struct place first_place(const char *listed)
{
	size_t length = strcspn(listed, ","), host = length;
	struct place place = { .port = PORT_USUAL };

	while (host > 0 && listed[host] != ':')
		host--;
	if (listed[host] != ':')
		return place;
	place.port = (unsigned)strtoul(listed + host + 1, NULL, 10);
	if (listed[0] == '[' && host > 2)
		place.address = keep_copy(listed + 1, host - 2);
	else
		place.address = keep_copy(listed, host);
	return place;
}

static bool is_any(const char *address)
{
	return address[0] == '\0' || strcmp(address, "*") == 0 ||
	       strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* Where systemd doesn't say, the port is DICOM's for TLS. */
static struct place place_of(const struct config_listen *listen)
{
	struct place place = { .address = listen->address, .port = listen->port };
	const struct units_socket *socket;
	struct units units;

	if (listen->socket) {
		units_ask(&units);
		socket = units_find(&units, listen->socket);
		place = first_place(socket && socket->listens ? socket->listens : "");
		units_clear(&units);
	}
	if (place.address && is_any(place.address))
		place.address = NULL;
	return place;
}

/* The gateway can be reached under the names in its certificate. */
static void describe_gateway(FILE *page, const struct config_listen *listen)
{
	const char *error = NULL;
	struct pki_certificate *certificate =
		pki_certificate_read(listen->tls.certificate.items[0].path, &error);
	struct place place = place_of(listen);
	struct pki_facts facts = { 0 };

	if (certificate && pki_certificate_facts(certificate, &facts) == 0) {
		fprintf(page, "  Host                 ");
		for (size_t i = 0; i < facts.name_count; i++)
			fprintf(page, "%s%s", i > 0 ? " or " : "", facts.names[i]);
		fprintf(page, "%s\n",
			facts.name_count > 0 ? ""
			: place.address	     ? place.address
					     : "the gateway's");
	}
	fprintf(page, "  Port                 %u\n", place.port);
	pki_certificate_free(certificate);
}

static const char *add_names(const char *text, const char *kind,
			     const struct options_texts *names)
{
	for (size_t i = 0; i < names->count; i++)
		text = keep_listed(text, ", ",
				   keep_format("%s %s", kind, names->items[i]));
	return text;
}

static const char *list_names(const struct modality_options *asked)
{
	return add_names(
		add_names(add_names("", "CN", &asked->common_names), "DNS", &asked->dns),
		"URI", &asked->uris);
}

static void describe_certificate(FILE *page, const struct handout *handout)
{
	struct pki_facts facts = { 0 };

	if (!handout->certificate) {
		fprintf(page,
			"  Its certificate      one of the hospital's CA, with the name\n"
			"                       %s\n",
			list_names(handout->asked));
		return;
	}
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
	if (handout->asked->pem)
		fprintf(page,
			"                       also as %s.crt and %s.key (PEM); where "
			"it\n"
			"                       speaks no TLS, see stunnel.conf\n",
			handout->asked->name, handout->asked->name);
	fprintf(page,
		"    SHA-256            %.32s\n                       %s\n"
		"    valid until        %s\n",
		facts.sha256, facts.sha256 + 32, site_date(facts.not_after));
}

static void describe_trust(FILE *page, const struct handout *handout)
{
	for (size_t i = 0; i < handout->root_count; i++)
		fprintf(page, "  CA to trust          %s%s.crt (PEM)\n",
			handout->roots[i] ? "" : "ask the administrator for ",
			handout_ca_name(i));
	if (handout->asked->pem && handout->root_count > 1)
		fprintf(page, "    for stunnel        " ALL_ROOTS ", which holds them; "
			      "one that is missing goes\n"
			      "                       behind the others there\n");
}

static void describe_steps(FILE *page, const struct config_modality *entry)
{
	fprintf(page,
		"\nWhat to do\n"
		"  1. Import the modality's certificate and the CA to trust.\n"
		"  2. Set the DICOM store destination as above, TLS on, with client\n"
		"     certificate (\"mutual\" or \"two-way\" authentication).\n"
		"  3. Send a C-ECHO (\"verify\", \"DICOM ping\"): it must succeed.\n"
		"%s"
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
		"  No line at all: host, port, firewall or Wi-Fi.\n\n"
		"  \"Called AE title not recognized\" can come from either of two: from "
		"the\n"
		"  gateway, whose line then says called-ae-unknown: correct its AE title "
		"at\n"
		"  the modality. Or from the PACS behind it, whose answers the gateway "
		"passes\n"
		"  on unchanged: its line says destination-rejected, and the "
		"administrator\n"
		"  and the PACS's team have to mend it. The modality is set up right.\n",
		entry->echo == CONFIG_ECHO_GATEWAY
			? "     The gateway answers it itself. It proves TLS, "
			  "certificates "
			  "and AE\n"
			  "     titles up to the gateway, not the PACS: send an image.\n"
			: "     The PACS answers it, through the gateway.\n");
	if (entry->address_count > 0)
		fprintf(page, "\nThe gateway takes this modality from certain addresses "
			      "only: don't\nchange its address without telling.\n");
}

/* All CAs to trust in one file, as stunnel reads them. One that isn't at hand can be
 * appended. */
static int write_all_roots(const struct handout *handout)
{
	const char *all = "";
	struct pki_text text;

	for (size_t i = 0; i < handout->root_count; i++) {
		if (!handout->roots[i])
			continue;
		if (pki_certificate_write(handout->roots[i], &text) < 0)
			return complain_openssl();
		all = keep_format("%s%.*s", all, (int)text.size, text.bytes);
		pki_text_free(&text);
	}
	return handout_write(handout, ALL_ROOTS, all, strlen(all));
}

/* For a device that speaks no TLS: its key and certificate are in the folder in PEM. */
static int write_stunnel(struct handout *handout, const struct config_listen *listen,
			 const struct config_modality *entry)
{
	const char *name = handout->asked->name, *host = NULL, *text;
	const char *error = NULL;
	struct pki_certificate *certificate =
		pki_certificate_read(listen->tls.certificate.items[0].path, &error);
	struct pki_facts facts = { 0 };
	const struct place place = place_of(listen);
	struct address_range range;

	if (certificate && pki_certificate_facts(certificate, &facts) == 0 &&
	    facts.name_count > 0)
		host = facts.names[0];
	pki_certificate_free(certificate);
	if (!host)
		host = place.address ? place.address : "HOST-OF-THE-GATEWAY";
	if (handout->root_count > 1 && write_all_roots(handout) < 0)
		return -1;
	text = keep_format(
		"; For a modality that speaks no TLS: stunnel 5.45 or later, on the "
		"modality "
		"itself or on a\n"
		"; small machine beside it, on a cable that nobody else can reach. It "
		"starts "
		"in this folder.\n"
		"; At the modality: host 127.0.0.1, or that of the machine beside it, "
		"which "
		"then stands in\n"
		"; accept; port 11112, no TLS; calling AE title %s, called AE title %s.\n"
		"socket = l:TCP_NODELAY=1\n"
		"socket = r:TCP_NODELAY=1\n"
		"[cathgate]\n"
		"client = yes\n"
		"accept = 127.0.0.1:11112\n"
		"connect = %s:%u\n"
		"cert = %s.crt\n"
		"key = %s.key\n"
		"CAfile = %s\n"
		"verifyChain = yes\n"
		"%s = %s\n"
		"sslVersionMin = TLSv1.2\n"
		"TIMEOUTidle = 86400\n",
		list_titles(&entry->ae_titles), list_titles(&entry->called_ae_titles),
		strchr(host, ':') ? keep_format("[%s]", host) : host, place.port, name,
		name, handout->root_count > 1 ? ALL_ROOTS : "ca.crt",
		address_range_parse(host, &range) == 0 ? "checkIP" : "checkHost", host);
	return handout_write(handout, "stunnel.conf", text, strlen(text));
}

int handout_describe(struct handout *handout, const struct site *site,
		     const struct config_modality *entry)
{
	const struct config_listen *listen = handout_listener(handout, site);
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
	describe_trust(page, handout);
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
		result = handout_write(
			handout, keep_format("%s.txt", handout->asked->name), text, size);
	if (result == 0 && handout->asked->pem)
		result = write_stunnel(handout, listen, entry);
out:
	if (page)
		fclose(page);
	free(text);
	return result;
}
