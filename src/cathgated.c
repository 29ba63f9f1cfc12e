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
		"usage: cathgated [--config FILE] [--check] [--foreground] [--version]\n"
		"  --config FILE  the configuration (default %s)\n"
		"  --check        prove it: keys, chains, permissions, what will expire\n"
		"  --foreground   plain log lines, even under a service manager\n"
		"  --version      the program's version\n",
		CATHGATE_CONFIG);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config = CATHGATE_CONFIG;
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
		case 'f':
			foreground = true;
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
	secrets_init();
	log_open(foreground);
	return check ? server_check(config) : server_run(config);
}
