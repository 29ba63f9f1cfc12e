/* `cathgate audit`: what the audit log says, and whether it holds. */
#include "cli/kit/cli.h"

#include <stddef.h>

static const struct cli_verb verbs[] = {
	{ "export", audit_export_main, "lines for an auditor, with what proves them" },
	{ "keygen", audit_keygen_main, "make the key pair that signs checkpoints" },
	{ "prove", audit_prove_main, "find an object's bytes in the log" },
	{ "pseudonym", audit_pseudonym_main, "what stands for a patient in the log" },
	{ "report", audit_report_main, "per study: what came, what became of it" },
	{ "tail", audit_tail_main, "show the last lines, and those that come" },
	{ "verify", audit_verify_main, "whether the log is as it was written" },
	{ NULL, NULL, NULL },
};

int audit_main(int argc, char **argv)
{
	return cli_dispatch("cathgate audit", verbs, argc, argv);
}
