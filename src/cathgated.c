/*
 * cathgated: the daemon's command line.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cathgate/base/log.h"
#include "cathgate/base/secrets.h"
#include "cathgate/supervisor/server.h"

static void usage(FILE *to)
{
	fprintf(to,
		"usage: cathgated [--config FILE] [--foreground]\n"
		"       cathgated [--config FILE] --check [--user USER]\n"
		"       cathgated --version\n"
		"  --config FILE  the configuration (default %s)\n"
		"  --check        prove it: keys, chains, permissions, what will expire\n"
		"  --user USER    prove it as that user; root does so as the service's\n"
		"  --foreground   plain log lines, even under a service manager\n"
		"  --version      the program's version\n",
		CATHGATE_CONFIG);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "user", required_argument, NULL, 'u' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "role", required_argument, NULL, 'r' }, /* the gateway's own */
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config = CATHGATE_CONFIG, *user = NULL, *role = NULL;
	bool check = false, foreground = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 'u':
			user = optarg;
			break;
		case 'f':
			foreground = true;
			break;
		case 'r':
			role = optarg;
			break;
		case 'v':
			printf("cathgated %s\n", CATHGATE_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "cathgated: what is \"%s\"?\n", argv[optind]);
		usage(stderr);
		return 2;
	}
	if (user && !check) {
		fprintf(stderr, "cathgated: --user goes with --check; the service's user "
				"is that of its unit\n");
		return 2;
	}
	secrets_init();
	log_open(foreground);
	if (role)
		return server_run_role(role);
	return check ? server_check_as(config, user) : server_run(config, foreground);
}
