#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "modality.h"
#include "questions.h"

/* Where an option's value goes: a list, a text, a flag or the days. */
enum kind { LIST, TEXT, FLAG, DAYS, HELP };

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	question_judge *judge;
};

#define ROW(option, kind, field, judge)                                       \
	{                                                                     \
		option, kind, offsetof(struct modality_options, field), judge \
	}

static const struct row rows[] = {
	ROW("ae-title", LIST, ae_titles, judge_ae_title),
	ROW("called-ae-title", LIST, called_ae_titles, judge_ae_title),
	ROW("address", LIST, addresses, NULL),
	ROW("sop-class", LIST, sop_classes, NULL),
	ROW("destination", TEXT, destination, NULL),
	ROW("certificate", TEXT, certificate, judge_certificate),
	ROW("request", TEXT, request, NULL),
	ROW("password-file", TEXT, password_file, NULL),
	ROW("output", TEXT, output, NULL),
	ROW("config", TEXT, config, NULL),
	ROW("days", DAYS, days, judge_days),
	ROW("legacy", FLAG, legacy, NULL),
	ROW("rsa", FLAG, rsa, NULL),
	ROW("pem", FLAG, pem, NULL),
	ROW("reload", FLAG, reload, NULL),
	ROW("now", FLAG, now, NULL),
	ROW("confirm", FLAG, confirm, NULL),
	ROW("json", FLAG, json, NULL),
	{ "help", HELP, 0, NULL },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool take(const struct row *row, const char *value, struct modality_options *ret)
{
	void *field = (char *)ret + row->offset;
	const char *fault = row->judge != NULL ? row->judge(value) : NULL;
	struct modality_list *list = field;

	if (fault != NULL) {
		complain("--%s: \"%s\" %s", row->name, value, fault);
		return false;
	}
	switch (row->kind) {
	case LIST:
		if (list->count == MODALITY_LIST_MAX) {
			complain("--%s: that is too often", row->name);
			return false;
		}
		list->items[list->count++] = value;
		break;
	case TEXT:
		*(const char **)field = value;
		break;
	case FLAG:
		*(bool *)field = true;
		break;
	case DAYS:
		*(unsigned *)field = (unsigned)strtoul(value, NULL, 10);
		break;
	case HELP:
		break;
	}
	return true;
}

/* Only those of the verb, so that one for another verb is unknown here. */
static void name_options(const struct modality_verb *verb, struct option ret[ROWS + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < ROWS; i++) {
		int wants = rows[i].kind == FLAG || rows[i].kind == HELP
				    ? no_argument
				    : required_argument;

		if (rows[i].kind != HELP && strcmp(rows[i].name, "config") != 0 &&
		    strstr(verb->takes, keep_format(" %s ", rows[i].name)) == NULL)
			continue;
		ret[count++] = (struct option){ rows[i].name, wants, NULL, (int)i };
	}
	ret[count] = (struct option){ 0 };
}

static int misused(const struct modality_verb *verb)
{
	fprintf(stderr, "%s", verb->usage);
	return CLI_USAGE;
}

int modality_options_read(const struct modality_verb *verb, int argc, char **argv,
			  struct modality_options *ret)
{
	struct option names[ROWS + 1];
	int row;

	*ret = (struct modality_options){ .config = CATHGATE_CONFIG };
	name_options(verb, names);
	while ((row = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (row < 0 || row >= (int)ROWS)
			return misused(verb);
		if (rows[row].kind == HELP) {
			printf("%s", verb->usage);
			return CLI_GOOD;
		}
		if (!take(&rows[row], optarg, ret))
			return CLI_USAGE;
	}
	if (argc - optind != (verb->wants_name ? 1 : 0)) {
		complain(verb->wants_name ? "%s wants the name of one modality"
					  : "%s wants no names",
			 verb->name);
		return misused(verb);
	}
	ret->name = verb->wants_name ? argv[optind] : NULL;
	if (ret->name != NULL && judge_name(ret->name) != NULL) {
		complain("\"%s\" %s", ret->name, judge_name(ret->name));
		return CLI_USAGE;
	}
	return -1;
}
