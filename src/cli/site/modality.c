/* `cathgate modality`: who may connect, and the certificates that prove it. */
#include "modality.h"

static const struct cli_verb verbs[] = {
	{ "add", modality_add_main, "let one more modality in" },
	{ "import", modality_import_main, "let many in, as a table says" },
	{ "list", modality_list_main, "who may connect, and until when" },
	{ "renew", modality_renew_main, "give one a new certificate" },
	{ "revoke", modality_revoke_main,
	  "shut one out whose key may be known to others" },
	{ "remove", modality_remove_main, "take one out that is no longer there" },
	{ "crl", modality_crl_main, "sign the list of revoked certificates anew" },
	{ 0 },
};

int modality_main(int argc, char **argv)
{
	return cli_dispatch("cathgate modality", verbs, argc, argv);
}
