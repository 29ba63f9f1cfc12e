/* `cathgate spool retry`, `hold` and `drop`: other states, each with its audit record. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/options.h"
#include "taking.h"

struct change {
	struct taking taking; /* first */
	enum spool_operation operation;
	const char *note;
};

static const struct options_row rows[] = {
	SELECTION_ROWS(struct change, taking.selection),
	OPTIONS_ROW("note", "TEXT", OPTIONS_TEXT, struct change, note),
	OPTIONS_ROW("yes", NULL, OPTIONS_FLAG, struct change, taking.is_yes),
	OPTIONS_ROW("key", "FILE", OPTIONS_TEXTS, struct change, taking.keys),
	OPTIONS_ROW("config", "FILE", OPTIONS_TEXT, struct change, taking.config),
	{ 0 },
};

#define FORMS                                                                            \
	SELECTION_FORMS PERIOD_FORMS "TEXT is for the audit log, as is who asks. More: " \
				     "man cathgate-spool\n"

static const struct options retry_options = {
	.command = "cathgate spool retry",
	.behind = "[OBJECT…]",
	.about = "Has objects delivered at once, and dead or held ones again. " FORMS,
	.rows = rows,
	.most = SIZE_MAX,
};

static const struct options hold_options = {
	.command = "cathgate spool hold",
	.behind = "[OBJECT…]",
	.about = "Keeps objects in the spool until they are retried. " FORMS,
	.rows = rows,
	.most = SIZE_MAX,
};

static const struct options drop_options = {
	.command = "cathgate spool drop",
	.behind = "[OBJECT…]",
	.about = "Removes objects from the spool for good: nobody gets them from here "
		 "any more. Asks first, unless --yes. " FORMS,
	.rows = rows,
	.most = SIZE_MAX,
};

static bool change_one(struct taking *taking, const struct reach *reach,
		       struct taken *taken)
{
	const struct change *change = (const struct change *)taking;
	int error;

	if (taken->why)
		complain("object %s doesn't open: %s; the record of it has its number "
			 "alone",
			 taken->name, taken->why);
	error = taking_ask(reach, taken, change->operation, change->note);
	if (error != 0 && !(taking->may_be_gone && (error == ENOENT || error == EBUSY))) {
		taking_fail(taking, taken, reach_why(error));
		return !reach_is_lost(error);
	}
	taking->done++;
	return true;
}

static int change(const struct options *options, struct change *change, int argc,
		  char **argv, const char *done)
{
	struct taking *taking = &change->taking;
	int status = options_read(options, argc, argv, change);

	if (status >= 0)
		return status;
	taking->take = change_one;
	taking->must_be_given = true;
	status = taking_run(taking, argv + optind, (size_t)(argc - optind));
	if (taking->done > 0)
		printf("%zu object%s %s.\n", taking->done, taking->done == 1 ? "" : "s",
		       done);
	return status;
}

int spool_retry_main(int argc, char **argv)
{
	struct change asked = { .taking = { .config = CATHGATE_CONFIG,
					    .states = SELECTION_HERE,
					    .may_be_gone = true,
					    .asks_selected = "Deliver at once" },
				.operation = SPOOL_QUEUES };

	return change(&retry_options, &asked, argc, argv, "tried at once");
}

int spool_hold_main(int argc, char **argv)
{
	struct change asked = { .taking = { .config = CATHGATE_CONFIG,
					    .states =
						    1U << SPOOL_QUEUED | 1U << SPOOL_DEAD,
					    .asks_selected = "Hold" },
				.operation = SPOOL_HOLDS };

	return change(&hold_options, &asked, argc, argv, "held");
}

int spool_drop_main(int argc, char **argv)
{
	struct change asked = { .taking = { .config = CATHGATE_CONFIG,
					    .states = SELECTION_HERE,
					    .asks = "Drop",
					    .behind = " for good" },
				.operation = SPOOL_DROPS };

	return change(&drop_options, &asked, argc, argv, "dropped");
}
