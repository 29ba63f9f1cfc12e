/*
 * `cathgate`, the tool beside the daemon. Each command has a file of its own and one
 * function, called with its own name as argv[0]. Exit status: 0 good, 1 what was asked
 * for does not hold, 2 usage or environment.
 */
#pragma once

#define CLI_GOOD  0
#define CLI_WRONG 1
#define CLI_USAGE 2

typedef int cli_command(int argc, char **argv);

struct cli_verb {
	const char *name;
	cli_command *run;
	const char *purpose; /* one line for the usage text */
};

/* Finds argv[1] among the verbs, which end with an empty one, and runs it; or prints what
 * there is. */
int cli_dispatch(const char *name, const struct cli_verb *verbs, int argc, char **argv);

cli_command audit_main;
cli_command audit_export_main;
cli_command audit_prove_main;
cli_command audit_report_main;
cli_command audit_tail_main;
cli_command audit_verify_main, audit_keygen_main, audit_pseudonym_main;
cli_command backup_main, restore_main;
cli_command certificate_main, certificate_add_main, certificate_renew_main;
cli_command crl_main, crl_fetch_main;
cli_command destination_main, destination_page_main;
cli_command diagnose_main;
cli_command setup_main;
cli_command modality_main;
cli_command reload_main;
cli_command spool_main;
cli_command spool_status_main, spool_list_main, spool_show_main, spool_keygen_main;
cli_command spool_retry_main, spool_hold_main, spool_drop_main, spool_export_main;
cli_command status_main;
