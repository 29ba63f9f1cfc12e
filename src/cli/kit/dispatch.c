#include "cli.h"

#include <stdio.h>
#include <string.h>

static void print_verbs(FILE *to, const char *name, const struct cli_verb *verbs)
{
	fprintf(to, "usage: %s COMMAND …, each with --help\n", name);
	for (; verbs->name; verbs++)
		fprintf(to, "  %-12s %s\n", verbs->name, verbs->purpose);
}

int cli_dispatch(const char *name, const struct cli_verb *verbs, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		print_verbs(stdout, name, verbs);
		return CLI_GOOD;
	}
	for (const struct cli_verb *verb = verbs; argc > 1 && verb->name; verb++) {
		if (strcmp(argv[1], verb->name) == 0)
			return verb->run(argc - 1, argv + 1);
	}
	if (argc > 1)
		fprintf(stderr, "%s: there is no command \"%s\"\n", name, argv[1]);
	print_verbs(stderr, name, verbs);
	return CLI_USAGE;
}
