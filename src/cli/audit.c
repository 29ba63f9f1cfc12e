/* `cathgate audit`: what the audit log says, and whether it holds. */
#include "cli.h"

#include <stddef.h>

static const struct cli_verb verbs[] = {
	{ NULL, NULL, NULL },
};

int audit_main(int argc, char **argv)
{
	return cli_dispatch("cathgate audit", verbs, argc, argv);
}
