#include "cli.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void print_verbs(FILE *to, const char *name, const struct cli_verb *verbs)
{
	fprintf(to, "usage: %s COMMAND …, each with --help\n", name);
	for (; verbs->name; verbs++)
		fprintf(to, "  %-12s %s\n", verbs->name, verbs->purpose);
	fprintf(to, "  %-12s %s\n", "help", "what a command takes: help COMMAND");
}

static bool asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	       strcmp(word, "help") == 0;
}

/* "help audit tail" becomes "audit tail --help". */
static void put_help_last(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		argv[i] = argv[i + 1];
	argv[argc - 1] = "--help";
}

int cli_dispatch(const char *name, const struct cli_verb *verbs, int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "help") == 0)
		put_help_last(argc, argv);
	if (argc > 1 && asks_for_help(argv[1])) {
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
