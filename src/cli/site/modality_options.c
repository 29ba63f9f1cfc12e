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
