/* `cathgate certificate`: the gateway's own certificates. */
#include "cli/kit/cli.h"

#include <stddef.h>

static const struct cli_verb verbs[] = {
	{ "renew", certificate_renew_main, "new keys and certificates for the gateway" },
	{ "add", certificate_add_main, "a second one, RSA beside EC, for old peers" },
	{ NULL, NULL, NULL },
};

int certificate_main(int argc, char **argv)
{
	return cli_dispatch("cathgate certificate", verbs, argc, argv);
}
