/* `cathgate audit`: what the audit log says, and whether it holds. */
#include "cli.h"

#include <stddef.h>

static const struct cli_verb verbs[] = {
	{ "prove", audit_prove_main, "find an object's bytes in the log" },
	{ "report", audit_report_main, "per study: what came, what became of it" },
	{ "tail", audit_tail_main, "show the last lines, and those that come" },
	{ NULL, NULL, NULL },
};

int audit_main(int argc, char **argv)
{
	return cli_dispatch("cathgate audit", verbs, argc, argv);
}
