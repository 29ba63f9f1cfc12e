/* `cathgate audit keygen`: the key pair that signs checkpoints. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cathgate/audit/checkpoint.h"
#include "cli/kit/cli.h"

static void print_usage(FILE *to)
{
	fputs("usage: cathgate audit keygen FILE\n"
	      "Makes the key that signs the audit log's checkpoints, FILE, and its "
	      "public "
	      "half,\nFILE.pub. More: man cathgate-audit-keygen\n",
	      to);
}

static int tell(const char *path, const char *public_path)
{
	const char *error = NULL;
	struct verifying_key *key = verifying_key_open(public_path, &error);
	if (!key) {
		fprintf(stderr, "cathgate: %s: the key %s\n", public_path, error);
		return CLI_USAGE;
	}
	printf("%s\n", verifying_key_name(key));
	verifying_key_free(key);
	printf("is the key's name, as checkpoints have it. Now:\n"
	       "  1. Let only the gateway's user read the private half:\n"
	       "         chown cathgate: %s\n"
	       "  2. Write into the configuration, section audit, and restart:\n"
	       "         signing_key = \"%s\";\n"
	       "  3. Give %s and the name above to whoever verifies the log, by a\n"
	       "     way that does not lead over this host. They run:\n"
	       "         cathgate audit verify --key %s audit*.jsonl\n",
	       path, path, public_path, public_path);
	return CLI_GOOD;
}

int audit_keygen_main(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' },
						 { 0 } };
	const char *error = NULL;
	char *public_path = NULL;
	int option = getopt_long(argc, argv, "", options, NULL);
	if (option == 'h') {
		print_usage(stdout);
		return CLI_GOOD;
	}
	if (option != -1 || optind + 1 != argc) {
		print_usage(stderr);
		return CLI_USAGE;
	}
	int status = CLI_USAGE;
	const char *path = argv[optind];
	if (asprintf(&public_path, "%s.pub", path) < 0)
		return CLI_USAGE;
	if (signing_key_make(path, &error))
		fprintf(stderr, "cathgate: %s, with %s: the key pair %s\n", path,
			public_path, error);
	else
		status = tell(path, public_path);
	free(public_path);
	return status;
}
