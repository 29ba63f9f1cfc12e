/* `cathgate audit pseudonym`: what stands for a patient in the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/audit/record.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/options.h"

#define ID_MAX 256

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

/* Reads a line of standard input, without its newline and a carriage return before it,
 * which no ID may hold (PS3.5 6.2, LO). -1 when there is no line, when it is too long, or
 * when it holds a NUL, which no patient ID does. */
static int read_id(char ret[ID_MAX + 2])
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size = getline(&line, &room, stdin);
	if (size > 0 && line[size - 1] == '\n')
		line[--size] = '\0';
	if (size > 0 && line[size - 1] == '\r')
		line[--size] = '\0';
	int result = size >= 0 && size <= ID_MAX && strlen(line) == (size_t)size ? 0 : -1;
	if (result == 0)
		memcpy(ret, line, (size_t)size + 1);
	if (line)
		explicit_bzero(line, room);
	free(line);
	return result;
}

/* The gateway drops the spaces around the ID in a data set, too. */
static char *trim(char *id)
{
	while (*id == ' ')
		id++;
	size_t length = strlen(id);
	while (length > 0 && id[length - 1] == ' ')
		length--;
	id[length] = '\0';
	return id;
}

static char *find_key(const char *config)
{
	struct config_faults faults = { .count = 0 };
	char *path = NULL;
	if (config_audit_pseudonym_key(config, &path, &faults))
		gateway_config_complain(&faults);
	config_faults_clear(&faults);
	return path;
}

static int print_pseudonym(const char *key, const char *id)
{
	struct config_file file = { .path = key };
	char pseudonym[DIGEST_HEX_SIZE];
	const char *error = NULL;
	if (audit_pseudonym(&file, id, pseudonym, &error)) {
		complain("%s: the pseudonym key %s", key, error);
		return CLI_USAGE;
	}
	puts(pseudonym);
	return CLI_GOOD;
}

int audit_pseudonym_main(int argc, char **argv)
{
	struct request request = { .config = NULL };
	char id[ID_MAX + 2] = "";
	int status = options_read(&options, argc, argv, &request);
	if (status >= 0)
		return status;
	if (request.config && request.key)
		return options_misused(&options);
	const char *given = argv[optind];
	if (strcmp(given, "-") == 0 ? read_id(id) : strlen(given) > ID_MAX) {
		complain("this is no patient ID: it is longer than 256 bytes, or nothing "
			 "came");
		return CLI_USAGE;
	}
	if (strcmp(given, "-") != 0)
		strcpy(id, given);
	const char *trimmed = trim(id);
	if (!trimmed[0]) {
		complain("this ID is empty: a log holds nothing for it");
		return CLI_USAGE;
	}
	char *found =
		request.key ? strdup(request.key)
			    : find_key(request.config ? request.config : CATHGATE_CONFIG);
	status = found ? print_pseudonym(found, trimmed) : CLI_USAGE;
	free(found);
	explicit_bzero(id, sizeof(id));
	return status;
}
