#include "diagnose.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/reason.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/options.h"

#define DAYS_USUAL 7

/* The first reason whose name contains that text, or NULL. */
static const char *similar_name(const char *name)
{
	for (int i = 1; i < REASON_COUNT; i++)
		if (strstr(reason_name((enum reason)i), name))
			return reason_name((enum reason)i);
	return NULL;
}

static int explain_reason(const struct diagnose *how)
{
	static const char *const places[] = {
		[REASON_PLACE_TLS] = "TLS with the modality",
		[REASON_PLACE_ASSOCIATION] = "the association of the modality",
		[REASON_PLACE_DESTINATION] = "the way to the PACS",
		[REASON_PLACE_SPOOL] = "the spool",
		[REASON_PLACE_GATEWAY] = "the gateway itself",
	};
	const struct reason_help *help = reason_help(reason_of_name(how->reason));

	if (!help) {
		const char *near = similar_name(how->reason);

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

		diagnose_print_json(object);
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

static bool take_calling(void *field, const char *value)
{
	struct ae_title *title = field;

	if (ae_title_parse(value, strlen(value), title) == 0 && title->text[0])
		return true;
	complain("--calling-ae \"%s\" is no AE title: it has 1 to 16 characters", value);
	return false;
}

static const struct options_row rows[] = {
	OPTIONS_ROW("destination", "NAME", OPTIONS_TEXT, struct diagnose, destination),
	OPTIONS_ROW("modality", "NAME", OPTIONS_TEXT, struct diagnose, modality),
	OPTIONS_ROW("list", "NAMES", OPTIONS_TEXT, struct diagnose, list),
	OPTIONS_ROW("calling-ae", "TITLE", OPTIONS_OTHER, struct diagnose, calling,
		    .take = take_calling),
	OPTIONS_ROW("days", "N", OPTIONS_DAYS, struct diagnose, days),
	OPTIONS_ROW("log", "FILE", OPTIONS_TEXT, struct diagnose, log_path),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct diagnose, config_path),
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct diagnose, as_json),
	OPTIONS_ROW("utc", NULL, OPTIONS_FLAG, struct diagnose, utc),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate diagnose",
	.synopsis = "[--days N] [--log FILE]\n"
		    "       cathgate diagnose --modality NAME [--days N] [--log FILE]\n"
		    "       cathgate diagnose --destination NAME [--calling-ae TITLE]\n"
		    "       cathgate diagnose REASON\n"
		    "       cathgate diagnose --list modalities|destinations|reasons\n"
		    "each with [--json] [--utc] [--config FILE]",
	.about = "What was refused lately and what cures it; what a modality showed "
		 "beside what is\n"
		 "expected of it; where the way to a destination breaks; what a reason "
		 "means; the\n"
		 "names that there are, one a line.\n"
		 "More: man cathgate-diagnose\n",
	.rows = rows,
	.most = 1,
	.hint = "Ask for one thing at a time",
};

/* Whether the options go together. */
static bool is_one_question(const struct diagnose *how)
{
	int count = !!how->destination + !!how->modality + !!how->list + !!how->reason;

	if (count > 1)
		complain("ask for one thing at a time: a destination, a modality, a "
			 "reason, a list, or, with none of them, the last refusals");
	else if (how->calling.text[0] && !how->destination)
		complain("--calling-ae goes with --destination");
	else
		return true;
	return false;
}

int diagnose_main(int argc, char **argv)
{
	struct diagnose how = { .config_path = CATHGATE_CONFIG, .days = DAYS_USUAL };
	int status = options_read(&options, argc, argv, &how);

	if (status >= 0)
		return status;
	how.reason = argv[optind];
	status = !is_one_question(&how) ? CLI_USAGE
		 : how.list		? list_names(&how)
		 : how.reason		? explain_reason(&how)
		 : how.destination	? diagnose_destination(&how)
		 : how.modality		? diagnose_modality(&how)
					: diagnose_refusals(&how);
	if (fflush(stdout) || ferror(stdout)) {
		complain("the answer can't be written");
		status = CLI_USAGE;
	}
	return status;
}
