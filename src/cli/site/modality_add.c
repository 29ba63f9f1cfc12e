#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/address.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "handout.h"
#include "modality.h"
#include "questions.h"

#define CALLED_USUAL "CATHGATE"

static const char *judge_range(const char *value)
{
	struct address_range range;

	return address_range_parse(value, &range) == 0
		       ? NULL
		       : "is neither an address nor a range; write one as in "
			 "192.168.40.7 or 192.168.40.0/24";
}

static const struct options_row rows[] = {
	MODALITY_ROW("ae-title", "TITLE", OPTIONS_TEXTS, ae_titles,
		     .help = "What it calls itself; case counts (may be repeated)",
		     .judge = judge_ae_title),
	MODALITY_ROW("called-ae-title", "TITLE", OPTIONS_TEXTS, called_ae_titles,
		     .help = "What it calls the gateway (CATHGATE; may be repeated)",
		     .judge = judge_ae_title),
	MODALITY_ROW("address", "ADDRESS", OPTIONS_TEXTS, addresses,
		     .help = "Where it comes from, as 192.168.40.7 or 192.168.40.0/24 "
			     "(any; may be repeated)",
		     .judge = judge_range),
	MODALITY_ROW(
		"sop-class", "CLASS", OPTIONS_TEXTS, sop_classes,
		.help = "What it may store, by keyword or UID (any; may be repeated)"),
	MODALITY_ROW("destination", "NAME", OPTIONS_TEXT, destination,
		     .help = "Where it goes (the only one there is)"),
	MODALITY_ROW("certificate", "FILE", OPTIONS_TEXT, certificate,
		     .help = "It has this certificate already",
		     .judge = judge_certificate),
	MODALITY_ROW("common-name", "NAME", OPTIONS_TEXTS, common_names),
	MODALITY_ROW("dns", "NAME", OPTIONS_TEXTS, dns),
	MODALITY_ROW("uri", "URI", OPTIONS_TEXTS, uris,
		     .help = "Any certificate of a CA that the listener trusts counts "
			     "which has this name (may be repeated)"),
	MODALITY_ROW("request", "FILE", OPTIONS_TEXT, request,
		     .help = "It made this request for one"),
	MODALITY_ROW("legacy", NULL, OPTIONS_FLAG, legacy,
		     .help = "PKCS#12 and RSA key that old devices can read"),
	MODALITY_ROW("rsa", NULL, OPTIONS_FLAG, rsa, .help = "An RSA key (EC P-256)"),
	MODALITY_ROW("pem", NULL, OPTIONS_FLAG, pem,
		     .help = "Key and certificate in PEM, too, and a configuration of "
			     "stunnel for a device without TLS"),
	MODALITY_ROW("password-file", "FILE", OPTIONS_TEXT, password_file,
		     .help = "The password of the PKCS#12 file is its first line"),
	MODALITY_ROW("trust", "FILE", OPTIONS_TEXTS, trusted,
		     .help = "Another CA that it is to trust, as one that will sign for "
			     "the gateway (may be repeated)",
		     .judge = judge_certificate),
	MODALITY_ROW("days", "DAYS", OPTIONS_DAYS, days,
		     .help = "How long the certificate lasts (825)"),
	MODALITY_ROW("output", "FOLDER", OPTIONS_TEXT, output,
		     .help = "Where it all goes (./NAME)"),
	MODALITY_ROW("reload", NULL, OPTIONS_FLAG, reload,
		     .help = "Tell the gateway at once"),
	MODALITY_ROW("config", "FILE", OPTIONS_TEXT, config,
		     .help = "The gateway's configuration"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate modality add",
	.before = "NAME --ae-title TITLE",
	.about = "Lets a modality in, and makes the certificate that proves who it is.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.hint = "Name one modality",
};

static int judge_together(const struct modality_options *asked)
{
	if (asked->ae_titles.count > 0)
		return modality_options_judge(&options, asked);
	complain("what does it call itself? Give --ae-title");
	return options_misused(&options);
}

/* Options that were not given follow from the site. */
static int complete_options(struct modality_options *asked, const struct site *site)
{
	const struct config *config = site->config;
	const char *own = config->destination_count > 0
				  ? config->destinations[0].calling_ae_title.text
				  : "";

	if (asked->called_ae_titles.count == 0) {
		asked->called_ae_titles.items = keep_bytes(sizeof(own));
		asked->called_ae_titles.items[0] = own[0] ? own : CALLED_USUAL;
		asked->called_ae_titles.count = 1;
	}
	if (!asked->destination && config->destination_count == 1)
		asked->destination = config->destinations[0].name;
	if (!asked->destination) {
		complain("there are several destinations; name one with --destination");
		return -1;
	}
	return 0;
}

static int must_be_new(const struct site *site, const char *name)
{
	if (!site_entry(site, name) && access(site_entry_path(site, name), F_OK) < 0 &&
	    access(site_revoked_path(site, name), F_OK) < 0)
		return 0;
	complain("there is a modality \"%s\" already: give it a new certificate with "
		 "cathgate modality renew, or take it out with cathgate modality remove",
		 name);
	return -1;
}

static const char *named_line(const char *key, const struct options_texts *names)
{
	return names->count == 0 ? ""
				 : keep_format("  %s", modality_list_line(key, names));
}

static const char *entry_binding(const struct handout *handout)
{
	const struct modality_options *asked = handout->asked;
	struct pki_facts facts;

	if (modality_is_named(asked))
		return keep_format(
			"  // Any certificate counts that has this name and is "
			"of a CA in `ca`\n  // of the listener.\n%s%s%s",
			named_line("common_name", &asked->common_names),
			named_line("dns", &asked->dns), named_line("uri", &asked->uris));
	if (!asked->certificate)
		return keep_format("  // The gateway's own CA put this name into its "
				   "certificate, and into renewed ones.\n"
				   "  uri = [ \"%s\" ];\n",
				   handout->uri);
	if (pki_certificate_facts(handout->certificate, &facts) < 0)
		return "";
	return keep_format("  sha256 = [ \"%s\" ];\n", facts.sha256);
}

/* A certificate that is given beside names must have them. */
static bool has_names(const struct site *site, const struct handout *handout)
{
	const struct modality_options *asked = handout->asked;
	struct site_certificate shown = { 0 };

	if (!modality_is_named(asked) || !handout->certificate)
		return true;
	if (pki_certificate_facts(handout->certificate, &shown.facts) == 0 &&
	    known_certificate_fits(&site_entry(site, asked->name)->certificate,
				   &shown.facts))
		return true;
	complain("%s doesn't have the names that were given, so its owner would be "
		 "refused: its subject is %s",
		 asked->certificate, shown.facts.subject);
	return false;
}

/* All or nothing: the folder is put in place last; if that fails, the entry goes. */
static int add_modality(struct site *site, struct handout *handout)
{
	const struct modality_options *asked = handout->asked;
	struct site_made made;

	if (handout_make(handout, site) < 0)
		return CLI_WRONG;
	made = modality_made(asked);
	if (handout->certificate && site_keep(site, handout->certificate, &made) < 0)
		return CLI_USAGE;
	if (modality_entry_write(site, asked->name,
				 modality_entry_text(asked, entry_binding(handout)),
				 NULL) < 0) {
		site_forget(site, handout->certificate);
		return CLI_WRONG;
	}
	if (has_names(site, handout) &&
	    handout_describe(handout, site, site_entry(site, asked->name)) == 0 &&
	    handout_commit(handout) == 0)
		return CLI_GOOD;
	if (durable_remove(site_entry_path(site, asked->name)) < 0)
		complain("%s: %s: the entry could not be taken away again; remove it",
			 site_entry_path(site, asked->name), strerror(errno));
	site_forget(site, handout->certificate);
	return CLI_USAGE;
}

int modality_add_main(int argc, char **argv)
{
	struct modality_options asked;
	char uri[PKI_UUID_SIZE];
	struct handout handout = { .asked = &asked, .uri = uri };
	struct site site;
	int status = modality_options_read(&options, argc, argv, &asked);

	if (status < 0)
		status = judge_together(&asked);
	if (status >= 0)
		return status;
	if (site_open(&site, asked.config, true) < 0)
		return CLI_USAGE;
	status = CLI_WRONG;
	if (pki_uuid_make(uri) < 0) {
		complain_openssl();
	} else if (must_be_new(&site, asked.name) == 0 &&
		   complete_options(&asked, &site) == 0) {
		handout.folder = asked.output ? asked.output : asked.name;
		status = add_modality(&site, &handout);
	}
	if (status == CLI_GOOD) {
		printf("%s may connect. ", asked.name);
		handout_print(&handout);
		status = site_reload(&site, asked.reload);
	}
	handout_close(&handout);
	site_close(&site);
	return status;
}
