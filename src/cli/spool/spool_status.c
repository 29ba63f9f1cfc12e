/* `cathgate spool status`: the spool's part of what the gateway says of itself. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_ask.h"
#include "cli/kit/options.h"
#include "cli/kit/shown.h"
#include "cli/kit/spool_shown.h"

struct request {
	const char *config, *socket;
	bool as_json;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct request, as_json),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
	OPTIONS_ROW("socket", "PATH", OPTIONS_TEXT, struct request, socket),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate spool status",
	.about = "What waits in the spool for each destination, since when, how fast it "
		 "goes and how long that will take. Exit status 1 when the spool is full "
		 "or out of service, or objects are dead. More: man cathgate-spool\n",
	.rows = rows,
};

static bool is_well(const json_t *spool)
{
	const json_t *list = json_object_get(spool, "destinations"), *item;
	json_int_t dead = 0;
	size_t i;

	json_array_foreach(list, i, item)
	{
		dead += json_integer_value(json_object_get(item, "dead"));
	}
	return dead == 0 && json_is_true(json_object_get(spool, "ready")) &&
	       !json_is_true(json_object_get(spool, "full"));
}

static int show(const struct request *request, const json_t *status)
{
	json_t *spool = json_object_get(status, "spool");

	if (!json_is_object(spool)) {
		complain("this gateway has no spool: there is no spool.key in its "
			 "configuration; see cathgate spool keygen");
		return CLI_USAGE;
	}
	if (request->as_json) {
		json_dumpf(spool, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		putchar('\n');
	} else {
		spool_shown(status, time(NULL), shown_in_colour(stdout), stdout);
	}
	return is_well(spool) ? CLI_GOOD : CLI_WRONG;
}

int spool_status_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	int result = options_read(&options, argc, argv, &request);
	char *path, *named = NULL;
	json_t *status;

	if (result >= 0)
		return result;
	if (!request.socket)
		named = gateway_socket(request.config);
	path = request.socket ? (char *)request.socket : named;
	status = path ? gateway_status(path) : NULL;
	if (!path)
		complain_memory();
	else if (!status)
		gateway_complain_silence(path, request.config);
	result = status ? show(&request, status) : CLI_USAGE;
	json_decref(status);
	free(named);
	return result;
}
