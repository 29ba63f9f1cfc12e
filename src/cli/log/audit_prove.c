/* `cathgate audit prove`: whether an object's bytes are those that came through. */
#include <getopt.h>
#include <stdio.h>

#include "cli/kit/cli.h"
#include "cli/kit/moment.h"
#include "prove_print.h"

struct request {
	const char *config;
	bool as_json, utc;
};

static void print_usage(FILE *to)
{
	fputs("usage: cathgate audit prove [--json] [--utc] [--config FILE] OBJECT.dcm "
	      "[FILE…]\n"
	      "Finds an object, as the PACS stored or exported it, in the audit log. "
	      "More: "
	      "man\ncathgate-audit-prove\n",
	      to);
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "utc", no_argument, NULL, 'u' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'j':
			request->as_json = true;
			break;
		case 'u':
			request->utc = true;
			break;
		case 'c':
			request->config = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return CLI_GOOD;
		default:
			print_usage(stderr);
			return CLI_USAGE;
		}
	}
	if (optind == argc) {
		print_usage(stderr);
		return CLI_USAGE;
	}
	return -1;
}

static int prove(const struct request *request, char **names, size_t count)
{
	struct prove_object object;
	struct prove_search search = { .object = NULL };
	struct log_source source;
	int status = CLI_USAGE;
	if (prove_object_read(names[0], &object) ||
	    log_source_open(&source, names + 1, count - 1, request->config, MOMENT_NONE))
		return CLI_USAGE;
	if (prove_search_run(&search, &object, &source) == 0) {
		int result = 0;
		if (request->as_json)
			result = prove_print_json(stdout, names[0], &search);
		else
			prove_print(stdout, names[0], &search, request->utc);
		if (result == 0 && fflush(stdout) == 0 && !ferror(stdout))
			status = prove_verdict_of(&search) == PROVE_PROVED ? CLI_GOOD
									   : CLI_WRONG;
		else
			fprintf(stderr, "cathgate: what was found can't be written\n");
	}
	prove_search_close(&search);
	log_source_close(&source);
	return status;
}

int audit_prove_main(int argc, char **argv)
{
	static char name[] = "cathgate audit prove";
	struct request request = { .as_json = false };
	argv[0] = name;
	int status = read_arguments(&request, argc, argv);
	return status < 0 ? prove(&request, argv + optind, (size_t)(argc - optind))
			  : status;
}
