/* `cathgate audit keygen`: the key pair that signs checkpoints. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cathgate/audit/checkpoint.h"
#include "cathgate/base/durable.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/options.h"

static const struct options options = {
	.command = "cathgate audit keygen",
	.behind = "FILE",
	.about = "Makes the key that signs the audit log's checkpoints, FILE, and its "
		 "public half,\nFILE.pub. More: man cathgate-audit-keygen\n",
	.least = 1,
	.most = 1,
};

/* The configuration takes a relative path from its own folder, not from ours. */
static const char *whole_path(const char *path)
{
	char *found = realpath(path, NULL);
	const char *result = keep_format("%s", found ? found : path);
	free(found);
	return result;
}

static int print_steps(const char *path, const char *public_path)
{
	const char *error = NULL, *base = durable_base(public_path);
	struct verifying_key *key = verifying_key_open(public_path, &error);
	if (!key) {
		complain("%s: the key %s", public_path, error);
		return CLI_USAGE;
	}
	path = whole_path(path);
	printf("%s\n", verifying_key_name(key));
	verifying_key_free(key);
	printf("is the key's name, as checkpoints have it. Now:\n"
	       "  1. Let only the gateway's user read the private half:\n"
	       "         chown cathgate: %s\n"
	       "  2. Write into the configuration, section audit, and restart:\n"
	       "         signing_key = \"%s\";\n"
	       "  3. Give %s and the name above to whoever verifies the log,\n"
	       "     by a way that does not lead over this host. They run:\n"
	       "         cathgate audit verify --key %s audit*.jsonl\n"
	       "If the gateway had another key before, its checkpoints stay: keep the\n"
	       "public half of that key, too, and verify with both:\n"
	       "         cathgate audit verify --key OLD.pub --key %s audit*.jsonl\n",
	       path, path, base, base, base);
	return CLI_GOOD;
}

int audit_keygen_main(int argc, char **argv)
{
	const char *error = NULL;
	int status = options_read(&options, argc, argv, NULL);
	if (status >= 0)
		return status;
	const char *path = argv[optind];
	const char *public_path = keep_format("%s.pub", path);
	if (signing_key_make(path, &error) == 0)
		return print_steps(path, public_path);
	complain("%s, with %s: the key pair %s", path, public_path, error);
	return CLI_USAGE;
}
