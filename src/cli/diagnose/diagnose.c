#include "diagnose.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/policy/policy.h"
#include "cathgate/base/reason.h"
#include "cathgate/dicom/sop_class.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/service.h"
#include "cli/kit/shown.h"

#define DAYS_USUAL 7
#define DAYS_MAX   36500
#define COLUMNS	   78

static void print_usage(FILE *to)
{
	fputs("usage: cathgate diagnose [--days N] [--log FILE]\n"
	      "       cathgate diagnose --modality NAME [--days N] [--log FILE]\n"
	      "       cathgate diagnose --destination NAME [--calling-ae TITLE]\n"
	      "       cathgate diagnose REASON\n"
	      "       cathgate diagnose --list modalities|destinations|reasons\n"
	      "each with [--json] [--utc] [--config FILE]\n"
	      "What was refused lately and what cures it; what a modality showed beside "
	      "what is\n"
	      "expected of it; where the way to a destination breaks; what a reason "
	      "means; the\n"
	      "names that there are, one a line.\n"
	      "More: man cathgate-diagnose\n",
	      to);
}

struct config *diagnose_config(const struct diagnose *how)
{
	static const struct config_sop_classes sop_classes = {
		.uid_of_name = sop_class_uid,
		.is_storage = sop_class_is_storage,
	};
	struct config_faults faults = { .count = 0 };
	struct config *config = NULL;

	setenv("CREDENTIALS_DIRECTORY", SERVICE_CREDENTIALS, 0);
	if (config_load(how->config_path, &sop_classes, &config, &faults) != 0) {
		for (size_t i = 0; i < faults.count; i++)
			if (faults.items[i].kind == CONFIG_ERROR)
				complain("%s", faults.items[i].text);
		complain("correct the configuration first; cathgated --check names all "
			 "that is wrong with it");
	}
	config_faults_clear(&faults);
	return config;
}

void diagnose_print(const char *head, const char *text)
{
	size_t margin = strlen(head), column = margin;

	fputs(head, stdout);
	while (*text) {
		size_t space = strspn(text, " "), word = strcspn(text + space, " ");

		if (column > margin && column + space + word > COLUMNS) {
			printf("\n%*s", (int)margin, "");
			column = margin;
			space = 0;
			text += strspn(text, " ");
		}
		column += shown_bytes_of(stdout, text, space + word);
		text += space + word;
	}
	putchar('\n');
}

/* A word that somebody mistyped, or NULL. */
static const char *similar_word(const char *word)
{
	for (int i = 1; i < REASON_COUNT; i++)
		if (strstr(reason_name((enum reason)i), word) != NULL)
			return reason_name((enum reason)i);
	return NULL;
}

int diagnose_reason(const struct diagnose *how)
{
	static const char *const places[] = {
		[REASON_PLACE_TLS] = "TLS with the modality",
		[REASON_PLACE_ASSOCIATION] = "the association of the modality",
		[REASON_PLACE_DESTINATION] = "the way to the PACS",
		[REASON_PLACE_GATEWAY] = "the gateway itself",
	};
	const struct reason_help *help = reason_help(reason_of_name(how->reason));

	if (help == NULL) {
		const char *near = similar_word(how->reason);

		complain("there is no reason \"%s\"%s%s%s", how->reason,
			 near ? "; did you mean " : "", near ? near : "",
			 near ? "?"
			      : "; cathgate diagnose --list reasons names those that "
				"there are");
		return CLI_USAGE;
	}
	if (how->as_json) {
		json_t *object = json_pack("{ssssssss}", "reason", how->reason, "where",
					   places[help->place], "cause", help->cause,
					   "cure", help->cure);

		json_dumpf(object, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(object);
		return CLI_GOOD;
	}
	printf("%s (%s)\n", how->reason, places[help->place]);
	diagnose_print("  Cause: ", help->cause);
	diagnose_print("  Cure:  ", help->cure);
	return CLI_GOOD;
}

static int list_names(const struct diagnose *how)
{
	struct config *config = NULL;

	if (strcmp(how->list, "reasons") == 0) {
		for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
			puts(reason_name((enum reason)i));
		return CLI_GOOD;
	}
	if (strcmp(how->list, "modalities") != 0 &&
	    strcmp(how->list, "destinations") != 0) {
		complain("--list \"%s\": write modalities, destinations or reasons",
			 how->list);
		return CLI_USAGE;
	}
	config = diagnose_config(how);
	if (!config)
		return CLI_USAGE;
	if (how->list[0] == 'm')
		for (size_t i = 0; i < config->modality_count; i++)
			puts(config->modalities[i].name);
	else
		for (size_t i = 0; i < config->destination_count; i++)
			puts(config->destinations[i].name);
	config_free(config);
	return CLI_GOOD;
}

static int read_days(const char *text, unsigned *ret)
{
	char *end;
	unsigned long days = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || days < 1 || days > DAYS_MAX) {
		complain("--days %s: write a number from 1 to %d", text, DAYS_MAX);
		return -1;
	}
	*ret = (unsigned)days;
	return 0;
}

static int read_option(struct diagnose *how, int option)
{
	switch (option) {
	case 'd':
		how->destination = optarg;
		return 0;
	case 'm':
		how->modality = optarg;
		return 0;
	case 'i':
		how->list = optarg;
		return 0;
	case 'a':
		if (ae_title_parse(optarg, strlen(optarg), &how->calling) == 0 &&
		    how->calling.text[0])
			return 0;
		complain("--calling-ae \"%s\" is no AE title: it has 1 to 16 characters",
			 optarg);
		return -1;
	case 'n':
		return read_days(optarg, &how->days);
	case 'l':
		how->log_path = optarg;
		return 0;
	case 'c':
		how->config_path = optarg;
		return 0;
	case 'j':
		how->as_json = true;
		return 0;
	case 'u':
		how->utc = true;
		return 0;
	default:
		print_usage(stderr);
		return -1;
	}
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(struct diagnose *how, int argc, char **argv)
{
	static const struct option options[] = {
		{ "destination", required_argument, NULL, 'd' },
		{ "modality", required_argument, NULL, 'm' },
		{ "list", required_argument, NULL, 'i' },
		{ "calling-ae", required_argument, NULL, 'a' },
		{ "days", required_argument, NULL, 'n' },
		{ "log", required_argument, NULL, 'l' },
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "utc", no_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'h') {
			print_usage(stdout);
			return CLI_GOOD;
		}
		if (read_option(how, option))
			return CLI_USAGE;
	}
	if (optind < argc)
		how->reason = argv[optind++];
	if (optind < argc || (how->destination != NULL) + (how->modality != NULL) +
					     (how->list != NULL) + (how->reason != NULL) >
				     1) {
		complain("ask for one thing at a time: a destination, a modality, a "
			 "reason, a list, or, with none of them, the last refusals");
		return CLI_USAGE;
	}
	if (how->calling.text[0] && how->destination == NULL) {
		complain("--calling-ae goes with --destination");
		return CLI_USAGE;
	}
	return -1;
}

int diagnose_main(int argc, char **argv)
{
	static char name[] = "cathgate diagnose";
	struct diagnose how = { .config_path = CATHGATE_CONFIG, .days = DAYS_USUAL };
	int status;

	argv[0] = name;
	status = read_arguments(&how, argc, argv);
	if (status < 0)
		status = how.list	   ? list_names(&how)
			 : how.reason	   ? diagnose_reason(&how)
			 : how.destination ? diagnose_destination(&how)
			 : how.modality	   ? diagnose_modality(&how)
					   : diagnose_refusals(&how);
	if (fflush(stdout) || ferror(stdout)) {
		complain("the answer can't be written");
		status = CLI_USAGE;
	}
	return status;
}
