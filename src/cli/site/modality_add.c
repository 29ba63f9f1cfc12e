#include <stdio.h>
#include <string.h>

#include "admissions.h"
#include "cathgate/base/address.h"
#include "cli/kit/complain.h"
#include "questions.h"

static const char *judge_range(const char *value)
{
	struct address_range range;

	return address_range_parse(value, &range) == 0
		       ? NULL
		       : "is neither an address nor a range; write one as in "
			 "192.168.40.7 or 192.168.40.0/24";
}

/* Then a lost certificate of that CA would count again after a renewal. */
static const char *judge_uri(const char *value)
{
	return strncmp(value, PKI_UUID_HEAD, strlen(PKI_UUID_HEAD)) == 0
		       ? "has the form of the names that the gateway's own CA gives; "
			 "bind "
			 "the entry by another name of the certificate, or to that one "
			 "with --certificate"
		       : NULL;
}

const struct options_row modality_add_rows[] = {
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
			     "which has this name (may be repeated)",
		     .judge = judge_uri),
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
	.rows = modality_add_rows,
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

int modality_add_main(int argc, char **argv)
{
	struct admission one = { 0 };
	struct admissions list = { .items = &one, .count = 1 };
	struct site site;
	int status = modality_options_read(&options, argc, argv, &one.asked);

	if (status < 0)
		status = judge_together(&one.asked);
	if (status >= 0)
		return status;
	if (site_open(&site, one.asked.config, true) < 0)
		return CLI_USAGE;
	list.folder = one.asked.output ? one.asked.output : one.asked.name;
	status = admissions_prepare(&list, &site) < 0  ? CLI_WRONG
		 : admissions_commit(&list, &site) < 0 ? CLI_USAGE
						       : CLI_GOOD;
	if (status == CLI_GOOD) {
		printf("%s may connect. ", one.asked.name);
		handout_print(&one.handout);
	}
	admissions_close(&list);
	if (status == CLI_GOOD)
		status = site_reload(&site, one.asked.reload);
	site_close(&site);
	return status;
}
