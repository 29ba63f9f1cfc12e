/* The page for the PACS's team, as handout_page.c is one for a modality's. */
#include "destination_page.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cathgate/net/addresses.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/daemon_user.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"
#include "cli/kit/shown.h"
#include "site.h"

#define COLUMNS 78

struct request {
	const char *config, *output;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("output", "FILE", OPTIONS_TEXT, struct request, output,
		    .help = "Where the page goes (standard output)"),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config,
		    .help = "The gateway's configuration"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate destination page",
	.before = "NAME",
	.about = "A page for the team of a PACS: AE titles, address, certificate and CA "
		 "of "
		 "the\ngateway, what it will send, and settings for three kinds of "
		 "PACS.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.hint = "Name one destination",
};

static bool sends_there(const struct destination_facts *facts,
			const struct config_modality *entry)
{
	return &facts->config->destinations[entry->destination] == facts->destination;
}

static void add_title(struct config_ae_titles *list, const struct ae_title *title)
{
	for (size_t i = 0; i < list->count; i++)
		if (ae_title_equal(&list->items[i], title))
			return;
	list->items[list->count++] = *title;
}

/* Its own calling title, or those of all modalities that send there. */
static void find_titles(struct destination_facts *facts)
{
	const struct config *config = facts->config;
	size_t most = 1;

	for (size_t i = 0; i < config->modality_count; i++)
		most += config->modalities[i].ae_titles.count;
	facts->calling.items = keep_bytes(most * sizeof(*facts->calling.items));
	facts->is_passed_on = !facts->destination->calling_ae_title.text[0];
	if (!facts->is_passed_on)
		add_title(&facts->calling, &facts->destination->calling_ae_title);
	for (size_t i = 0; facts->is_passed_on && i < config->modality_count; i++) {
		const struct config_ae_titles *titles = &config->modalities[i].ae_titles;

		for (size_t k = 0;
		     sends_there(facts, &config->modalities[i]) && k < titles->count; k++)
			add_title(&facts->calling, &titles->items[k]);
	}
}

/* Nothing is sent for that. */
static void find_source(struct destination_facts *facts)
{
	const struct config_destination *destination = facts->destination;
	struct net_addresses addresses;
	struct sockaddr_storage source;
	char text[NI_MAXHOST];
	int error = net_look_up_within(destination->host, destination->port,
				       facts->config->limits.connect_seconds, &addresses);
	int found = -1;

	facts->source = "";
	for (size_t i = 0; error == 0 && found < 0 && i < addresses.count; i++)
		found = net_source_for(&addresses.items[i], &source);
	if (error != 0)
		facts->unknown = keep_format("%s has no address here: %s",
					     destination->host, gai_strerror(error));
	else if (found < 0)
		facts->unknown = keep_format("this machine has no way to %s: %s",
					     destination->host, strerror(errno));
	else if (getnameinfo((struct sockaddr *)&source, sizeof(source), text,
			     sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
		facts->source = keep_format("%s", text);
	else
		facts->unknown = "its address can't be told";
}

static void put_sender(FILE *page, const struct destination_facts *facts)
{
	const char *titles = "";

	for (size_t i = 0; i < facts->calling.count; i++)
		titles = keep_listed(titles, ", ", facts->calling.items[i].text);
	fprintf(page, "The sender\n");
	shown_wrapped(page, "  AE title (calling)   ",
		      titles[0] ? titles : "none yet: no modality sends there", COLUMNS);
	if (facts->is_passed_on)
		shown_wrapped(page, "                       ",
			      "These are the modalities' own, which are passed on: each "
			      "new modality brings one more.",
			      COLUMNS);
	shown_wrapped(
		page, "  Address              ",
		facts->source[0]
			? keep_format("%s, as far as this machine knows: behind NAT "
				      "the PACS sees the router's",
				      facts->source)
			: keep_format("not known: %s", facts->unknown),
		COLUMNS);
	fprintf(page,
		"\nThe PACS, as the gateway calls it\n"
		"  AE title (called)    %s\n"
		"  Host and port        %s port %u (TCP)\n",
		facts->destination->called_ae_title.text, facts->destination->host,
		facts->destination->port);
}

static void put_pacs_certificate(FILE *page, const struct config_tls *tls)
{
	struct pki_certificate *ca;
	struct pki_facts facts;

	fprintf(page,
		"\nThe PACS's certificate\n"
		"  Name                 %s, in its subjectAltName\n"
		"  Purpose              TLS server (serverAuth)\n",
		tls->server_name);
	for (size_t i = 0; (ca = pki_certificate_read_at(tls->ca.path, i)); i++) {
		if (pki_certificate_facts(ca, &facts) == 0)
			fprintf(page, "  %-20s %s\n", i == 0 ? "Signed by" : "or by",
				facts.subject);
		pki_certificate_free(ca);
	}
	for (size_t i = 0; i < tls->public_key_sha256.count; i++)
		fprintf(page, "  %-20s %.32s\n  %20s %s\n",
			i == 0 ? "Key's SHA-256" : "or", tls->public_key_sha256.items[i],
			"", tls->public_key_sha256.items[i] + 32);
}

/* `before`: what the page has told already, or NULL. */
static int put_ca(FILE *page, const struct own_ca *own, const struct own_ca *before)
{
	struct pki_text text;

	fprintf(page, "  CA to trust          %s\n", own->issuer);
	if (before && before->ca && own->ca && pki_is_same(before->ca, own->ca)) {
		fputs("                       It is the same as above.\n", page);
		return 0;
	}
	if (!own->ca) {
		fprintf(page,
			"                       It isn't at hand here: whoever runs "
			"that CA has its certificate.\n"
			"                       Save it as " DESTINATION_CA_FILE ".\n");
		return 0;
	}
	if (pki_certificate_write(own->ca, &text) < 0)
		return -1;
	fprintf(page,
		"                       It follows; here it is in %s\n\n"
		"%.*s\n%s " DESTINATION_CA_FILE ".\n",
		own->path, (int)text.size, (const char *)text.bytes,
		before ? "Append these lines to" : "Save these lines as");
	pki_text_free(&text);
	shown_wrapped(
		page, "",
		own->is_itself
			? "The certificate is self-signed: when it is renewed, the "
			  "PACS needs the new one."
			: "If that CA signs certificates of other devices as well, "
			  "the PACS takes these, too, unless it looks at the subject "
			  "or the SHA-256 above.",
		COLUMNS);
	return 0;
}

static int put_own(FILE *page, const struct own_ca *own, const struct own_ca *before)
{
	const struct pki_facts *facts = &own->certificate;

	fprintf(page,
		"\n%s\n"
		"  Subject              %s\n"
		"  Key                  %s\n"
		"  SHA-256              %.32s\n"
		"                       %s\n"
		"  Valid until          %s\n",
		before ? "And the one that it shows to a PACS that takes no such key"
		       : "The gateway's certificate, which it shows as a TLS client",
		facts->subject, facts->key, facts->sha256, facts->sha256 + 32,
		site_date(facts->not_after));
	return put_ca(page, own, before);
}

static int put_tls(FILE *page, const struct destination_facts *facts)
{
	const struct config_tls *tls = &facts->destination->tls;

	if (tls->none) {
		fputs("\nTLS\n  None (tls = \"none\"): what is sent can be read and "
		      "changed "
		      "on its way, and neither\n"
		      "  side proves who it is. The two should share a machine, or a "
		      "cable.\n",
		      page);
		return 0;
	}
	fprintf(page,
		"\nTLS\n"
		"  Version              %s\n"
		"  Cipher suites        ECDHE with AES-GCM or ChaCha20 (BCP 195)\n"
		"  Client certificate   always; ask for it, and demand it\n",
		tls->min_version == 13 ? "1.3" : "1.2 or 1.3");
	put_pacs_certificate(page, tls);
	for (size_t i = 0; i < facts->own_count; i++)
		if (put_own(page, &facts->own[i], i > 0 ? &facts->own[0] : NULL) < 0)
			return -1;
	return 0;
}

static const char *classes_of(const struct destination_facts *facts)
{
	const char *all = "";

	for (size_t i = 0; i < facts->config->modality_count; i++) {
		const struct config_modality *entry = &facts->config->modalities[i];

		if (!sends_there(facts, entry))
			continue;
		if (entry->sop_classes.count == 0)
			return "any storage class that the modalities send, private ones "
			       "too";
		for (size_t k = 0; k < entry->sop_classes.count; k++)
			if (!strstr(all, entry->sop_classes.items[k]))
				all = keep_listed(all, ", ", entry->sop_classes.items[k]);
	}
	return all[0] ? all : "any storage class that the modalities send";
}

static void put_traffic(FILE *page, const struct destination_facts *facts)
{
	const struct config *config = facts->config;
	unsigned long most = 0;

	for (size_t i = 0; i < config->modality_count; i++)
		if (sends_there(facts, &config->modalities[i]))
			most += config->modalities[i].max_associations;
	if (most > config->limits.max_associations)
		most = config->limits.max_associations;
	fprintf(page, "\nWhat comes\n");
	shown_wrapped(page, "  Services             ",
		      "C-STORE, and C-ECHO: nothing is queried or retrieved", COLUMNS);
	shown_wrapped(page, "  SOP classes          ", classes_of(facts), COLUMNS);
	shown_wrapped(
		page, "  Contexts             ",
		"as the modality proposes them, with its transfer syntaxes; what the "
		"PACS accepts is what the modality gets. Nothing is re-encoded",
		COLUMNS);
	shown_wrapped(
		page, "  Associations         ",
		keep_format("one for each of a modality's, so at most %lu at a time",
			    most),
		COLUMNS);
	shown_wrapped(page, "  Idle                 ",
		      "the PACS may close an association on which nothing comes: the "
		      "gateway calls again",
		      COLUMNS);
	shown_wrapped(page, "  Try it               ",
		      keep_format("cathgate diagnose --destination %s, on the gateway",
				  facts->destination->name),
		      COLUMNS);
}

static int write_page(FILE *page, const struct destination_facts *facts)
{
	fprintf(page, "DICOM gateway %s, for the team of the PACS \"%s\", %s\n\n",
		facts->config->gateway_name, facts->destination->name,
		site_date(time(NULL)));
	put_sender(page, facts);
	if (put_tls(page, facts) < 0)
		return complain_openssl();
	put_traffic(page, facts);
	if (destination_snippets(page, facts) == 0 && fflush(page) == 0)
		return 0;
	return complain_memory();
}

static int put_out(const struct request *request, const char *text, size_t size)
{
	struct durable_owner own = daemon_user_none(0644);

	if (!request->output) {
		shown_message(stdout, text); /* subjects are of others' CAs */
		if (fflush(stdout) == 0)
			return CLI_GOOD;
		complain("the page can't be written");
		return CLI_USAGE;
	}
	if (durable_create(request->output, text, size, &own) == 0) {
		printf("%s is for the team of the PACS; it holds no secret.\n",
		       request->output);
		return CLI_GOOD;
	}
	if (errno == EEXIST)
		complain("%s is there already; move it away, or name another file",
			 request->output);
	else
		complain_file(request->output);
	return CLI_USAGE;
}

static int find_own(struct destination_facts *facts)
{
	const struct config_files *files = &facts->destination->tls.certificate;

	for (size_t i = 0; i < files->count; i++) {
		if (own_ca_find(facts->config, &files->items[i], &facts->own[i]) < 0) {
			complain("%s can't be read as a certificate: correct it "
				 "(cathgated --check), or run this as root",
				 files->items[i].path);
			return -1;
		}
		facts->own_count++;
	}
	return 0;
}

static int make_page(const struct request *request, struct destination_facts *facts)
{
	int status = CLI_USAGE;
	char *text = NULL;
	size_t size = 0;
	FILE *page = NULL;

	if (find_own(facts) < 0)
		goto out;
	find_titles(facts);
	find_source(facts);
	page = open_memstream(&text, &size);
	if (!page)
		complain_memory();
	else if (write_page(page, facts) == 0)
		status = put_out(request, text, size);
out:
	if (page)
		fclose(page);
	free(text);
	for (size_t i = 0; i < facts->own_count; i++)
		own_ca_clear(&facts->own[i]);
	return status;
}

int destination_page_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	struct destination_facts facts = { 0 };
	struct config *config;
	int status = options_read(&options, argc, argv, &request);

	if (status >= 0)
		return status;
	config = gateway_config_load(request.config, false);
	if (!config)
		return CLI_USAGE;
	facts.config = config;
	facts.destination = gateway_config_destination(config, argv[optind]);
	status = facts.destination ? make_page(&request, &facts) : CLI_USAGE;
	config_free(config);
	return status;
}
