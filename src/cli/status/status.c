/* `cathgate status`: asks the gateway that runs here. */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/config/config.h"

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_ask.h"
#include "cli/kit/options.h"
#include "cli/kit/shown.h"

#include "nagios.h"
#include "status_print.h"
#include "watch.h"

#define WATCH_SECONDS	  2
#define WATCH_SECONDS_MAX 3600

struct request {
	const char *config, *socket;
	bool as_json, for_nagios;
	unsigned watch_seconds; /* 0: once */
};

static bool take_seconds(void *field, const char *value)
{
	char *end = NULL;
	unsigned long seconds = value ? strtoul(value, &end, 10) : WATCH_SECONDS;

	if (value && (value[0] < '0' || value[0] > '9' || *end || seconds < 1 ||
		      seconds > WATCH_SECONDS_MAX)) {
		complain("--watch=%s: write a number of seconds, from 1 to %d", value,
			 WATCH_SECONDS_MAX);
		return false;
	}
	*(unsigned *)field = (unsigned)seconds;
	return true;
}

static const struct options_row rows[] = {
	OPTIONS_ROW("json", NULL, OPTIONS_FLAG, struct request, as_json,
		    .is_alternative = true),
	OPTIONS_ROW("nagios", NULL, OPTIONS_FLAG, struct request, for_nagios,
		    .is_alternative = true),
	OPTIONS_ROW("watch", "[=SECONDS]", OPTIONS_OTHER, struct request, watch_seconds,
		    .take = take_seconds),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
	OPTIONS_ROW("socket", "PATH", OPTIONS_TEXT, struct request, socket),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate status",
	.about =
		"What the gateway does now: what is wrong, associations, destinations,\n"
		"certificates, the audit log. Exit status 1 when it doesn't serve; with\n"
		"--nagios that of a monitoring plugin. More: man cathgate-status\n",
	.rows = rows,
	.hint = "The seconds are written so: --watch=5",
};

static int show_status(const struct request *request, const json_t *status)
{
	const char *state = status_text(status, "state");

	if (request->for_nagios)
		return nagios_print(status, stdout);
	if (request->as_json) {
		json_dumpf(status, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		putchar('\n');
	} else {
		status_print(status, shown_in_colour(stdout), stdout);
	}
	return strcmp(state, "serving") == 0 ? CLI_GOOD : CLI_WRONG;
}

static int show_silence(const struct request *request, const char *path, int error)
{
	if (request->for_nagios)
		return nagios_print_silence(path, error, stdout);
	complain("%s: %s: %s", path, strerror(error),
		 gateway_cure(error, request->config));
	return CLI_USAGE;
}

static int ask_once(const struct request *request, const char *path)
{
	json_t *status = gateway_status(path);
	int result = status ? show_status(request, status)
			    : show_silence(request, path, errno);

	json_decref(status);
	return result;
}

static int read_request(int argc, char **argv, struct request *request)
{
	int status = options_read(&options, argc, argv, request);

	if (status < 0 &&
	    request->as_json + request->for_nagios + (request->watch_seconds > 0) > 1) {
		complain("--json, --nagios and --watch exclude one another");
		status = CLI_USAGE;
	}
	/* A monitor would take 2 for a gateway that is down. */
	return status == CLI_USAGE && request->for_nagios ? NAGIOS_UNKNOWN : status;
}

int status_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	int status = read_request(argc, argv, &request);
	char *path;

	if (status >= 0)
		return status;
	path = request.socket ? strdup(request.socket) : gateway_socket(request.config);
	if (!path) {
		complain_memory();
		status = CLI_USAGE;
	} else if (request.watch_seconds > 0) {
		status = watch_run(path, request.watch_seconds);
	} else {
		status = ask_once(&request, path);
	}
	free(path);
	return status;
}
