/* `cathgate audit pseudonym`: what stands for a patient in the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/cli.h"
#include "cli/kit/options.h"
#include "patient.h"

struct request {
	const char *config, *key;
};

static const struct options_row rows[] = {
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct request, config,
		    .is_alternative = true),
	OPTIONS_ROW("key", "FILE", OPTIONS_TEXT, struct request, key),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate audit pseudonym",
	.behind = "ID",
	.about = "Prints what stands for the patient with that ID in the log; - reads "
		 "the ID from\nstandard input. More: man cathgate-audit-pseudonym\n",
	.rows = rows,
	.least = 1,
	.most = 1,
};

int audit_pseudonym_main(int argc, char **argv)
{
	struct request request = { .config = NULL };
	char id[PATIENT_ID_SIZE], pseudonym[DIGEST_HEX_SIZE];
	int status = options_read(&options, argc, argv, &request);
	if (status >= 0)
		return status;
	if (request.config && request.key)
		return options_misused(&options);
	if (patient_read_id(argv[optind], id))
		return CLI_USAGE;
	char *key = request.key ? strdup(request.key) : patient_find_key(request.config);
	status = key && patient_pseudonym(key, id, pseudonym) == 0 ? CLI_GOOD : CLI_USAGE;
	if (status == CLI_GOOD)
		puts(pseudonym);
	free(key);
	explicit_bzero(id, sizeof(id));
	return status;
}
