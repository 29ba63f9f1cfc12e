/*
 * cathgate: the administrator's, operator's and auditor's tool.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/cli.h"

static const struct cli_verb verbs[] = {
	{ "setup", setup_main, "write a first configuration, keys and certificates" },
	{ "modality", modality_main,
	  "who may connect: add, list, renew, revoke, remove" },
	{ "certificate", certificate_main, "renew the gateway's own certificates" },
	{ "destination", destination_main, "what a PACS's team has to know: page" },
	{ "crl", crl_main, "fetch other CAs' CRLs, and prove them" },
	{ "backup", backup_main, "configuration, keys and units in one encrypted file" },
	{ "restore", restore_main, "prove such a file, and put all in its place" },
	{ "reload", reload_main, "read the configuration anew, and say what came of it" },
	{ "status", status_main, "what the gateway does now, and how it is" },
	{ "diagnose", diagnose_main, "why something was refused, and what cures it" },
	{ "spool", spool_main, "what waits for a PACS: list, retry, hold, export, drop" },
	{ "audit", audit_main, "read, verify and prove the audit log" },
	{ NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("cathgate %s\n", CATHGATE_VERSION);
		return CLI_GOOD;
	}
	if (argc == 1 && access(CATHGATE_CONFIG, F_OK) != 0 && errno == ENOENT)
		fprintf(stderr, "cathgate: this gateway is not configured yet: begin "
				"with cathgate setup\n");
	return cli_dispatch("cathgate", verbs, argc, argv);
}
