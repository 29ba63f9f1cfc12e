/* `cathgate spool`: what is in the spool, and what becomes of it. */
#include "cli/kit/cli.h"

#include <stddef.h>

static const struct cli_verb verbs[] = {
	{ "status", spool_status_main, "what waits, since when, and how fast it goes" },
	{ "list", spool_list_main, "the objects, oldest first" },
	{ "show", spool_show_main, "what is known of objects" },
	{ "retry", spool_retry_main, "deliver objects at once, also dead and held ones" },
	{ "hold", spool_hold_main, "keep objects until they are retried" },
	{ "export", spool_export_main, "write objects into DICOM files" },
	{ "drop", spool_drop_main, "remove objects for good" },
	{ "keygen", spool_keygen_main, "make the key that the spool is sealed with" },
	{ NULL, NULL, NULL },
};

int spool_main(int argc, char **argv)
{
	return cli_dispatch("cathgate spool", verbs, argc, argv);
}
