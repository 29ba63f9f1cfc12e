/* `cathgate destination`: what is to be known of a PACS, and at it. */
#include "cli/kit/cli.h"

#include <stddef.h>

static const struct cli_verb verbs[] = {
	{ "page", destination_page_main, "what the PACS's team has to enter there" },
	{ NULL, NULL, NULL },
};

int destination_main(int argc, char **argv)
{
	return cli_dispatch("cathgate destination", verbs, argc, argv);
}
