/* `cathgate setup`: from nothing to a gateway that only lacks its first modality. */
#include "setup.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/cli.h"
#include "cli/kit/keep.h"
#include "sample.h"
#include "staging.h"

#define DIRECTORY_USUAL "/etc/cathgate"
#define DAYS_USUAL	825
#define RSA_USUAL	2048

static struct question questions[SETUP_QUESTIONS] = {
	[SETUP_NAME] = { .option = "name",
			 .what = "NAME",
			 .ask = "Name of this gateway",
			 .help = "The gateway's own name stands in every line of the "
				 "audit "
				 "log.",
			 .judge = judge_name },
	[SETUP_HOSTS] = { .option = "host",
			  .what = "NAME,ADDRESS,…",
			  .ask = "Host names and addresses of this gateway",
			  .help = "Modalities reach this gateway under a host name or an "
				  "address. All that may be\nused must stand in its "
				  "certificate; put commas between several.",
			  .judge = judge_hosts },
	[SETUP_ADDRESS] = { .option = "listen",
			    .what = "ADDRESS",
			    .ask = "Address to listen on",
			    .help = "Where modalities connect: an address of this "
				    "machine, "
				    "or 0.0.0.0 for all of them.",
			    .usual = "0.0.0.0",
			    .judge = judge_address },
	[SETUP_PORT] = { .option = "port",
			 .what = "PORT",
			 .ask = "Port to listen on",
			 .help = "2762 is the port that DICOM has for TLS.",
			 .usual = "2762",
			 .judge = judge_port },
	[SETUP_PACS_HOST] = { .option = "pacs-host",
			      .what = "HOST",
			      .ask = "Host of the PACS",
			      .help = "The PACS is the archive that gets the images. Its "
				      "administrators know host, port, AE title\nand CA.",
			      .judge = judge_host },
	[SETUP_PACS_PORT] = { .option = "pacs-port",
			      .what = "PORT",
			      .ask = "Port of the PACS for TLS",
			      .help = "The port on which the PACS takes DICOM over TLS.",
			      .usual = "2762",
			      .judge = judge_port },
	[SETUP_PACS_AE_TITLE] = { .option = "pacs-ae-title",
				  .what = "TITLE",
				  .ask = "AE title of the PACS",
				  .help = "An AE title is the name of a DICOM program: "
					  "up "
					  "to 16 characters, and case counts.",
				  .judge = judge_ae_title },
	[SETUP_PACS_CA] = { .option = "pacs-ca",
			    .what = "FILE",
			    .ask = "File with the CA certificate",
			    .help = "The certificate of the CA that signed the PACS's "
				    "certificate, so that the gateway knows it.\nWrite "
				    "\"none\" if the PACS speaks no TLS: images then go "
				    "to it "
				    "unencrypted.",
			    .judge = judge_certificate },
	[SETUP_PACS_SERVER_NAME] = { .option = "pacs-server-name",
				     .what = "NAME",
				     .ask = "Name in the PACS's certificate",
				     .help = "The gateway only sends to a PACS whose "
					     "certificate has this name.",
				     .judge = judge_host },
	[SETUP_CALLING_AE_TITLE] = { .option = "calling-ae-title",
				     .what = "TITLE",
				     .ask = "AE title towards the PACS",
				     .help = "The gateway calls the PACS by the AE title "
					     "of "
					     "the modality that sends, which the "
					     "PACS\nthen "
					     "must know; or always by one of its own, "
					     "which "
					     "you give here.",
				     .judge = judge_ae_title,
				     .is_optional = true },
	[SETUP_MODALITY_CA] = { .option = "modality-ca",
				.what = "FILE",
				.ask = "File with the hospital's CA for modalities",
				.help = "Modalities prove who they are by certificates. "
					"Leave this empty and the gateway gets "
					"a\nprivate CA "
					"that makes them, or name the CA that your "
					"hospital "
					"has for devices.",
				.judge = judge_certificate,
				.is_optional = true },
	[SETUP_MODALITY_CRL] = { .option = "modality-crl",
				 .what = "FILE",
				 .judge = judge_crl,
				 .is_optional = true },
	[SETUP_ORGANIZATION] = { .option = "organization",
				 .what = "TEXT",
				 .judge = judge_text,
				 .is_optional = true },
	[SETUP_LOG_DIRECTORY] = { .option = "log-directory",
				  .what = "FOLDER",
				  .usual = "/var/log/cathgate",
				  .judge = judge_path },
};

enum flag {
	FLAG_DIRECTORY = SETUP_QUESTIONS,
	FLAG_USER,
	FLAG_GROUP,
	FLAG_RSA,
	FLAG_REQUESTS,
	FLAG_DAYS,
	FLAG_YES,
	FLAG_HELP,
	FLAG_COUNT
};

struct options {
	const char *directory, *user, *group;
	enum pki_algorithm algorithm;
	unsigned days;
	bool wants_requests, is_sure;
};

static void usage(FILE *to)
{
	fprintf(to,
		"usage: cathgate setup [OPTION…]\n"
		"Writes a configuration with its keys and certificates; asks for what "
		"no option says.\n\n");
	for (size_t i = 0; i < SETUP_QUESTIONS; i++) {
		const char *option =
			keep_format("--%s %s", questions[i].option, questions[i].what);

		/* An ellipsis is three bytes and one column. */
		fprintf(to, "  %-*s %s\n", strstr(option, "…") ? 29 : 27, option,
			questions[i].ask != NULL  ? questions[i].ask
			: i == SETUP_MODALITY_CRL ? "CRL of that CA"
			: i == SETUP_ORGANIZATION ? "O in certificates and requests"
						  : "Folder of the audit log");
	}
	fprintf(to,
		"  --directory FOLDER          Where it goes (" DIRECTORY_USUAL ")\n"
		"  --user USER, --group GROUP  Who runs the gateway (cathgate)\n"
		"  --rsa[=BITS]                RSA keys (2048 bits) for devices that "
		"know no other\n"
		"  --requests                  Also requests (.csr) for the hospital's "
		"CA to sign\n"
		"  --days DAYS                 Life of the gateway's certificates (825)\n"
		"  --yes                       Ask nothing: take what is usual\n");
}

static bool take_rsa(struct options *options, const char *value)
{
	static const char *const sizes[] = { "2048", "3072", "4096" };
	static const enum pki_algorithm algorithms[] = { PKI_RSA_2048, PKI_RSA_3072,
							 PKI_RSA_4096 };

	for (size_t i = 0; i < 3; i++) {
		if (value == NULL || strcmp(value, sizes[i]) == 0) {
			options->algorithm = algorithms[i];
			return true;
		}
	}
	complain("--rsa: \"%s\" is no size; write 2048, 3072 or 4096", value);
	return false;
}

static bool take_flag(struct options *options, int flag)
{
	switch (flag) {
	case FLAG_DIRECTORY:
		options->directory = optarg;
		return true;
	case FLAG_USER:
		options->user = optarg;
		return true;
	case FLAG_GROUP:
		options->group = optarg;
		return true;
	case FLAG_RSA:
		return take_rsa(options, optarg);
	case FLAG_REQUESTS:
		options->wants_requests = true;
		return true;
	case FLAG_DAYS:
		if (judge_days(optarg) != NULL) {
			complain("--days: \"%s\" %s", optarg, judge_days(optarg));
			return false;
		}
		options->days = (unsigned)strtoul(optarg, NULL, 10);
		return true;
	case FLAG_YES:
		options->is_sure = true;
		return true;
	default:
		usage(stderr);
		return false;
	}
}

static void name_options(struct option ret[FLAG_COUNT + 1])
{
	static const struct option others[] = {
		{ "directory", required_argument, NULL, FLAG_DIRECTORY },
		{ "user", required_argument, NULL, FLAG_USER },
		{ "group", required_argument, NULL, FLAG_GROUP },
		{ "rsa", optional_argument, NULL, FLAG_RSA },
		{ "requests", no_argument, NULL, FLAG_REQUESTS },
		{ "days", required_argument, NULL, FLAG_DAYS },
		{ "yes", no_argument, NULL, FLAG_YES },
		{ "help", no_argument, NULL, FLAG_HELP },
		{ NULL, 0, NULL, 0 },
	};

	for (int i = 0; i < SETUP_QUESTIONS; i++)
		ret[i] = (struct option){ questions[i].option, required_argument, NULL,
					  i };
	memcpy(ret + SETUP_QUESTIONS, others, sizeof(others));
}

/* 0 to go on, else the exit status + 1. */
static int read_options(int argc, char **argv, struct options *ret)
{
	struct option names[FLAG_COUNT + 1];
	int flag;

	name_options(names);
	while ((flag = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (flag == FLAG_HELP) {
			usage(stdout);
			return CLI_GOOD + 1;
		}
		if (flag >= 0 && flag < SETUP_QUESTIONS) {
			if (!question_set(&questions[flag], optarg))
				return CLI_USAGE + 1;
		} else if (!take_flag(ret, flag)) {
			return CLI_USAGE + 1;
		}
	}
	if (optind == argc)
		return 0;
	complain("what is \"%s\"? Everything is said by options", argv[optind]);
	usage(stderr);
	return CLI_USAGE + 1;
}

/* What this machine is called, for answers that are usual. */
static void guess(void)
{
	char host[256] = "";
	size_t label;

	if (gethostname(host, sizeof(host) - 1) < 0 || judge_host(host) != NULL)
		return;
	label = strcspn(host, ".");
	questions[SETUP_HOSTS].usual = keep_copy(host, strlen(host));
	questions[SETUP_NAME].usual = keep_copy(host, label < 63 ? label : 63);
}

/* Asks group by group, because some answers make others usual. */
static int settle(bool may_ask)
{
	guess();
	if (questions[SETUP_PACS_HOST].value != NULL)
		questions[SETUP_PACS_SERVER_NAME].usual =
			questions[SETUP_PACS_HOST].value;
	else if (!may_ask)
		questions[SETUP_PACS_SERVER_NAME].usual = "localhost"; /* a fault below */
	for (size_t i = 0; may_ask && i < SETUP_QUESTIONS; i++) {
		bool is_plain = questions[SETUP_PACS_CA].value != NULL &&
				strcmp(questions[SETUP_PACS_CA].value, "none") == 0;

		if (i == SETUP_PACS_SERVER_NAME)
			questions[i].usual = questions[SETUP_PACS_HOST].value;
		if (questions_settle(&questions[i], 1,
				     !(i == SETUP_PACS_SERVER_NAME && is_plain)) < 0)
			return -1;
	}
	return questions_settle(questions, SETUP_QUESTIONS, false);
}

static bool lacks_some(void)
{
	for (size_t i = 0; i < SETUP_QUESTIONS; i++)
		if (questions[i].value == NULL && questions[i].usual == NULL &&
		    !questions[i].is_optional && i != SETUP_NAME && i != SETUP_HOSTS &&
		    i != SETUP_PACS_SERVER_NAME)
			return true;
	return false;
}

/* The audit log's folder is the service's own. True when it was made. */
static int make_log_folder(const struct setup_plan *plan, bool *ret_made)
{
	const char *path = plan->answers[SETUP_LOG_DIRECTORY].value;
	struct durable_owner owner = { plan->service.user, plan->service.group, 0750 };

	*ret_made = durable_folder(path, &owner) == 0;
	if (*ret_made || errno == EEXIST)
		return 0;
	complain("the audit log's folder %s can't be made: %s; run this as root, or name "
		 "another with --log-directory",
		 path, strerror(errno));
	return -1;
}

static int write_all(const struct setup_plan *plan)
{
	struct durable_owner owner = service_folder(&plan->service);
	struct staging staging;
	bool made_log = false;
	int status = CLI_USAGE;

	if (staging_open(&staging, plan->directory, &owner) < 0)
		return CLI_USAGE;
	staging.replaces_last = plan->has_sample;
	if (make_log_folder(plan, &made_log) == 0 &&
	    setup_write_keys(plan, &staging) == 0 &&
	    setup_write_config(plan, &staging) == 0) {
		const char *path = keep_format("%s/" SETUP_CONFIG, staging.path);

		if (service_check(&plan->service, path) != 0)
			complain("so nothing was written");
		else if (staging_commit(&staging, SETUP_CONFIG) == 0)
			status = CLI_GOOD;
		else
			status = CLI_WRONG;
	}
	if (status != CLI_GOOD && made_log)
		rmdir(plan->answers[SETUP_LOG_DIRECTORY].value);
	staging_close(&staging);
	return status;
}

static void tell_requests(const struct setup_plan *plan)
{
	if (plan->wants_requests)
		printf("Have the hospital's CA sign tls/gateway.csr and "
		       "tls/gateway-client.csr, and put what comes\nback in the place of "
		       "the .crt files of that name: the keys stay.\n\n");
	else if (plan->answers[SETUP_MODALITY_CA].value[0] != '\0')
		printf("The gateway's certificates are signed by nobody yet: have the "
		       "hospital's CA make some for\nits keys, and put them in the place "
		       "of "
		       "tls/gateway.crt and tls/gateway-client.crt.\n\n");
	else
		printf("The PACS must know the CA that signed the gateway's certificate: "
		       "give its administrators\n%s/" SETUP_MODALITIES_CA
		       ", or set up with --requests for a certificate of the "
		       "hospital's.\n\n",
		       plan->directory);
}

static void tell(const struct setup_plan *plan)
{
	const char *option =
		strcmp(plan->directory, DIRECTORY_USUAL) == 0
			? ""
			: keep_format(" --config %s/" SETUP_CONFIG, plan->directory);

	printf("\n%s is written, and good.\n\n", plan->directory);
	if (strcmp(plan->answers[SETUP_PACS_CA].value, "none") != 0)
		tell_requests(plan);
	printf("Keep a copy of it off this machine, and as safe as the machine: without "
	       "tls/pseudonym.key\nnobody can tell which patient an audit line is about%s"
	       "\n\nNext, for each modality, its name and its AE title:\n"
	       "  cathgate modality add angio-3 --ae-title CATHLAB3%s\n"
	       "Then start it:\n"
	       "  systemctl enable --now cathgated\n",
	       plan->answers[SETUP_MODALITY_CA].value[0] != '\0'
		       ? "."
		       : ",\nand who has ca/ca.key can make modalities.\n"
			 "The list of revoked certificates (CRL) is good for as long as "
			 "the "
			 "CA, ten years;\ncathgate modality crl makes a new one.",
	       option);
}

static int plan_make(const struct options *options, struct setup_plan *ret)
{
	struct setup_plan plan = {
		.answers = questions,
		.directory = options->directory,
		.algorithm = options->algorithm,
		.wants_requests = options->wants_requests,
		.days = options->days,
	};
	size_t length = strlen(options->directory);
	char *current;

	while (length > 1 && options->directory[length - 1] == '/')
		length--;
	plan.directory = keep_copy(options->directory, length);
	if (plan.directory[0] != '/') {
		current = getcwd(NULL, 0);
		plan.directory =
			keep_format("%s/%s", current ? current : "", plan.directory);
		free(current);
	}
	if (service_find(options->user, options->group, &plan.service) < 0)
		return -1;
	*ret = plan;
	return 0;
}

/* The sample, as an installation may have put it there, is nobody's own. */
static bool is_configured(struct setup_plan *plan)
{
	const char *path = keep_format("%s/" SETUP_CONFIG, plan->directory);
	size_t size = strlen(sample_text), found_size;
	char *found;

	if (access(path, F_OK) < 0)
		return false;
	if (durable_read(path, size, &found, &found_size) < 0)
		return true;
	plan->has_sample = found_size == size && memcmp(found, sample_text, size) == 0;
	free(found);
	return !plan->has_sample;
}

int setup_main(int argc, char **argv)
{
	struct options options = { .directory = DIRECTORY_USUAL, .days = DAYS_USUAL };
	int status = read_options(argc, argv, &options);
	struct setup_plan plan;
	bool may_ask;

	if (status != 0)
		return status - 1;
	if (plan_make(&options, &plan) < 0)
		return CLI_USAGE;
	if (is_configured(&plan)) {
		complain("%s/" SETUP_CONFIG " is there already, and is not overwritten: "
			 "edit it, or name another folder with --directory",
			 plan.directory);
		return CLI_WRONG;
	}
	may_ask = !options.is_sure && lacks_some() && questions_can_ask();
	if (settle(may_ask) < 0)
		return CLI_USAGE;
	if (may_ask &&
	    !question_confirm(keep_format("Write all this to %s?", plan.directory))) {
		complain("nothing was written");
		return CLI_USAGE;
	}
	status = write_all(&plan);
	if (status == CLI_GOOD)
		tell(&plan);
	return status;
}
