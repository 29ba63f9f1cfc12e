/* `cathgate audit pseudonym`: what stands for a patient in the log. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/record.h"
#include "cli/kit/cli.h"

#define ID_MAX 256

static void print_usage(FILE *to)
{
	fputs("usage: cathgate audit pseudonym [--config FILE | --key FILE] ID\n"
	      "Prints what stands for the patient with that ID in the log; - reads the "
	      "ID "
	      "from\nstandard input. More: man cathgate-audit-pseudonym\n",
	      to);
}

/* One line of standard input, its newline cut off, in a text from Windows with what
 * stands before it, which no ID may hold (PS3.5 6.2, LO). -1 when there is none, or a NUL
 * in it, which no patient ID holds. */
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

/* As the gateway reads it from a data set: without the spaces around it. */
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
	if (config_audit_pseudonym_key(config ? config : CATHGATE_CONFIG, &path,
				       &faults)) {
		for (size_t i = 0; i < faults.count; i++)
			fprintf(stderr, "cathgate: %s\n", faults.items[i].text);
	}
	config_faults_clear(&faults);
	return path;
}

static int print_pseudonym(const char *key, const char *id)
{
	struct config_file file = { .path = key };
	char pseudonym[DIGEST_HEX_SIZE];
	const char *error = NULL;
	if (audit_pseudonym(&file, id, pseudonym, &error)) {
		fprintf(stderr, "cathgate: %s: the pseudonym key %s\n", key, error);
		return CLI_USAGE;
	}
	puts(pseudonym);
	return CLI_GOOD;
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(int argc, char **argv, const char **ret_config,
			  const char **ret_key)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'c')
			*ret_config = optarg;
		if (option == 'k')
			*ret_key = optarg;
		if (option != 'c' && option != 'k') {
			print_usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? CLI_GOOD : CLI_USAGE;
		}
	}
	if (optind + 1 == argc && !(*ret_config && *ret_key))
		return -1;
	print_usage(stderr);
	return CLI_USAGE;
}

int audit_pseudonym_main(int argc, char **argv)
{
	const char *config = NULL, *key = NULL;
	char id[ID_MAX + 2] = "";
	int status = read_arguments(argc, argv, &config, &key);
	if (status >= 0)
		return status;
	const char *given = argv[optind];
	if (strcmp(given, "-") == 0 ? read_id(id) : strlen(given) > ID_MAX) {
		fputs("cathgate: this is no patient ID: it is longer than 256 bytes, or "
		      "nothing came\n",
		      stderr);
		return CLI_USAGE;
	}
	if (strcmp(given, "-") != 0)
		strcpy(id, given);
	const char *trimmed = trim(id);
	if (!trimmed[0]) {
		fputs("cathgate: this ID is empty: a log holds nothing for it\n", stderr);
		return CLI_USAGE;
	}
	char *found = key ? strdup(key) : find_key(config);
	status = found ? print_pseudonym(found, trimmed) : CLI_USAGE;
	free(found);
	explicit_bzero(id, sizeof(id));
	return status;
}
