#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/address.h"
#include "cli/kit/complain.h"
#include "handout.h"
#include "cli/kit/keep.h"
#include "modality.h"

#define CALLED_USUAL "CATHGATE"
#define DAYS_USUAL   825

static const struct modality_verb verb = {
	.name = "add",
	.wants_name = true,
	.takes = " ae-title called-ae-title address sop-class destination certificate "
		 " request password-file output days legacy rsa pem reload ",
	.usage =
		"usage: cathgate modality add NAME --ae-title TITLE [OPTION…]\n"
		"Lets a modality in, and makes the certificate that proves who it is.\n\n"
		"  --ae-title TITLE         What it calls itself; case counts (may be "
		"repeated)\n"
		"  --called-ae-title TITLE  What it calls the gateway (CATHGATE; may be "
		"repeated)\n"
		"  --address ADDRESS        Where it comes from, as 192.168.40.7 or "
		"192.168.40.0/24 (any; may\n                           be repeated)\n"
		"  --sop-class CLASS        What it may store, by keyword or UID (any; "
		"may "
		"be repeated)\n"
		"  --destination NAME       Where it goes (the only one there is)\n"
		"  --certificate FILE       It has this certificate already\n"
		"  --request FILE           It made this request for one\n"
		"  --legacy                 PKCS#12 and RSA key that old devices can "
		"read\n"
		"  --rsa                    An RSA key\n"
		"  --pem                    Key and certificate in PEM, too\n"
		"  --password-file FILE     The password of the PKCS#12 file is its "
		"first "
		"line\n"
		"  --days DAYS              How long the certificate lasts (825)\n"
		"  --output FOLDER          Where it all goes (./NAME)\n"
		"  --reload                 Tell the gateway at once\n"
		"  --config FILE            The gateway's configuration\n",
};

static int refuse(const char *what)
{
	complain("%s", what);
	fprintf(stderr, "%s", verb.usage);
	return CLI_USAGE;
}

static int judge(const struct modality_options *options)
{
	struct address_range range;

	if (options->ae_titles.count == 0)
		return refuse("what does it call itself? Give --ae-title");
	if (options->certificate != NULL &&
	    (options->request != NULL || options->legacy || options->rsa ||
	     options->pem || options->password_file != NULL || options->days != 0))
		return refuse("with its own --certificate nothing is issued: leave the "
			      "options out that say how");
	if (options->request != NULL && (options->legacy || options->rsa ||
					 options->pem || options->password_file != NULL))
		return refuse("with a --request the key stays in the modality: leave the "
			      "options out that say how to hand it over");
	for (size_t i = 0; i < options->addresses.count; i++) {
		if (address_range_parse(options->addresses.items[i], &range) == 0)
			continue;
		complain("--address: \"%s\" is neither an address nor a range; write one "
			 "as in 192.168.40.7 or 192.168.40.0/24",
			 options->addresses.items[i]);
		return CLI_USAGE;
	}
	return CLI_GOOD;
}

/* What nobody said follows from the site. */
static int complete(struct modality_options *options, const struct site *site)
{
	const struct config *config = site->config;
	const char *own = config->destination_count > 0
				  ? config->destinations[0].calling_ae_title.text
				  : "";

	if (options->called_ae_titles.count == 0)
		options->called_ae_titles.items[options->called_ae_titles.count++] =
			own[0] != '\0' ? own : CALLED_USUAL;
	if (options->destination == NULL && config->destination_count == 1)
		options->destination = config->destinations[0].name;
	if (options->days == 0)
		options->days = DAYS_USUAL;
	if (options->destination == NULL) {
		complain("there are several destinations; name one with --destination");
		return -1;
	}
	return 0;
}

static int must_be_new(const struct site *site, const char *name)
{
	if (site_entry(site, name) == NULL &&
	    access(site_entry_path(site, name), F_OK) < 0 &&
	    access(site_revoked_path(site, name), F_OK) < 0)
		return 0;
	complain("there is a modality \"%s\" already: give it a new certificate with "
		 "cathgate modality renew, or take it out with cathgate modality remove",
		 name);
	return -1;
}

static const char *binding(const struct handout *handout)
{
	struct pki_facts facts;

	if (handout->own == NULL)
		return keep_format("  // The gateway's own CA put this name into its "
				   "certificate, and into renewed ones.\n"
				   "  uri = [ \"%s\" ];\n",
				   handout->uri);
	if (pki_certificate_facts(handout->certificate, &facts) < 0)
		return "";
	return keep_format("  sha256 = [ \"%s\" ];\n", facts.sha256);
}

/* All or nothing: the entry counts last but for the folder, and goes if that fails. */
static int add(const struct modality_options *options, struct site *site,
	       struct handout *handout)
{
	if (handout_make(handout, site, NULL) < 0)
		return CLI_WRONG;
	if (site_keep(site, handout->certificate) < 0)
		return CLI_USAGE;
	if (modality_entry_write(site, options->name,
				 modality_entry_text(options, binding(handout)),
				 NULL) < 0) {
		site_forget(site, handout->certificate);
		return CLI_WRONG;
	}
	if (handout_describe(handout, site, site_entry(site, options->name)) == 0 &&
	    handout_commit(handout) == 0)
		return CLI_GOOD;
	(void)!durable_remove(
		site_entry_path(site, options->name)); /* of use to nobody */
	site_forget(site, handout->certificate);
	return CLI_USAGE;
}

int modality_add_main(int argc, char **argv)
{
	struct modality_options options;
	struct handout handout = { 0 };
	char uri[PKI_UUID_SIZE];
	struct site site;
	int status = modality_options_read(&verb, argc, argv, &options);

	if (status < 0)
		status = judge(&options);
	else
		return status;
	if (status != CLI_GOOD)
		return status;
	if (site_open(&site, options.config, true) < 0)
		return CLI_USAGE;
	status = CLI_WRONG;
	if (pki_uuid_make(uri) < 0) {
		complain("OpenSSL refuses: %s", pki_failure());
	} else if (must_be_new(&site, options.name) == 0 &&
		   complete(&options, &site) == 0) {
		handout = (struct handout){
			.name = options.name,
			.uri = uri,
			.folder = options.output != NULL ? options.output : options.name,
			.request = options.request,
			.own = options.certificate,
			.password_file = options.password_file,
			.legacy = options.legacy,
			.rsa = options.rsa,
			.pem = options.pem,
			.days = options.days,
		};
		status = add(&options, &site, &handout);
	}
	if (status == CLI_GOOD) {
		printf("%s may connect. ", options.name);
		handout_tell(&handout);
		status = site_reload(options.reload);
	}
	handout_close(&handout);
	site_close(&site);
	return status;
}
