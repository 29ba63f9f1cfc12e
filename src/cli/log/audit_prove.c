/* `cathgate audit prove`: whether an object's bytes are those that came through. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/moment.h"
#include "cli/kit/options.h"
#include "prove_print.h"

struct request {
	const char *config;
	bool as_json, utc;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct request, as_json),
	OPTIONS_ROW("utc", NULL, OPTIONS_FLAG, struct request, utc),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate audit prove",
	.behind = "OBJECT.dcm [FILE…]",
	.about = "Finds an object, as the PACS stored or exported it, in the audit log. "
		 "More: man\ncathgate-audit-prove\n",
	.rows = rows,
	.least = 1,
	.most = SIZE_MAX,
};

static int prove_object(const struct request *request, char **names, size_t count)
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
			complain("what was found can't be written");
	}
	prove_search_close(&search);
	log_source_close(&source);
	return status;
}

int audit_prove_main(int argc, char **argv)
{
	struct request request = { .as_json = false };
	int status = options_read(&options, argc, argv, &request);
	return status < 0 ? prove_object(&request, argv + optind, (size_t)(argc - optind))
			  : status;
}
