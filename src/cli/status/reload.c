/* `cathgate reload`: the configuration read anew, and what came of it. */
#include "cli/kit/cli.h"
#include "cli/kit/gateway_reload.h"
#include "cli/kit/options.h"

struct request {
	const char *config, *socket;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config),
	OPTIONS_ROW("socket", "PATH", OPTIONS_TEXT, struct request, socket),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate reload",
	.about = "Has the gateway read its configuration anew, waits for it, and says "
		 "what "
		 "has\nchanged, or what is wrong: then what was in force stays so, and "
		 "the "
		 "exit status\nis 1. More: man cathgate-reload\n",
	.rows = rows,
};

int reload_main(int argc, char **argv)
{
	struct request request = { .config = CATHGATE_CONFIG };
	int status = options_read(&options, argc, argv, &request);

	return status >= 0 ? status : gateway_reload(request.config, request.socket);
}
