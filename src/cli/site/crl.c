/* `cathgate crl`: the CRLs of other CAs. */
#include "cli/kit/cli.h"

#include <stddef.h>

static const struct cli_verb verbs[] = {
	{ "fetch", crl_fetch_main, "fetch the CRLs that crl.conf names" },
	{ NULL, NULL, NULL },
};

int crl_main(int argc, char **argv)
{
	return cli_dispatch("cathgate crl", verbs, argc, argv);
}
