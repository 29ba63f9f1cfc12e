#include <unistd.h>

#include "cli/kit/complain.h"
#include "modality.h"
#include "questions.h"

int modality_options_read(const struct options *options, int argc, char **argv,
			  struct modality_options *ret)
{
	int status;

	*ret = (struct modality_options){ .config = CATHGATE_CONFIG };
	status = options_read(options, argc, argv, ret);
	if (status >= 0 || options->most == 0)
		return status;
	ret->name = argv[optind];
	if (!judge_name(ret->name))
		return -1;
	complain("\"%s\" %s", ret->name, judge_name(ret->name));
	return CLI_USAGE;
}

bool modality_is_named(const struct modality_options *options)
{
	return options->common_names.count + options->dns.count + options->uris.count > 0;
}

bool modality_is_issued(const struct modality_options *options)
{
	return !options->certificate && !modality_is_named(options);
}

const char *modality_options_fault(const struct modality_options *asked)
{
	bool says_key = asked->legacy || asked->rsa || asked->ec;
	bool says_how = says_key || asked->pem || asked->password_file;
	bool says_new = asked->certificate || asked->request || says_how ||
			asked->days != 0 || asked->output || asked->trusted.count > 0;

	if (asked->confirm && says_new)
		return "--confirm ends the old certificate and makes nothing: beside it "
		       "go --now, --reload and --config alone";
	if (asked->ec && (asked->legacy || asked->rsa))
		return "--ec is another kind of key than --rsa and --legacy: say one";
	if (asked->certificate && (asked->request || says_how || asked->days != 0))
		return "with its own --certificate nothing is issued: leave the options "
		       "out that say how";
	if (modality_is_named(asked) && (asked->request || says_how || asked->days != 0))
		return "an entry that is bound to a name is for certificates that "
		       "another CA makes: leave the options out that say how to make "
		       "one";
	if (asked->request && says_how)
		return "with a --request the key stays in the modality: leave the "
		       "options out that say how to hand it over";
	return NULL;
}

int modality_options_judge(const struct options *options,
			   const struct modality_options *asked)
{
	const char *fault = modality_options_fault(asked);

	if (!fault)
		return -1;
	complain("%s", fault);
	return options_misused(options);
}

struct site_made modality_made(const struct modality_options *options)
{
	return (struct site_made){ .legacy = options->legacy,
				   .rsa = options->rsa,
				   .pem = options->pem,
				   .request = options->request != NULL };
}
