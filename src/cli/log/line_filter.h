/*
 * Which lines of a log are wanted, by the text that some members must have, and by when
 * they were written. Of each member one of its values must fit; a member without values
 * fits always.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/audit/log_reader.h"
#include "cli/kit/options.h"
#include "cli/kit/period.h"

enum line_filter_member {
	LINE_FILTER_EVENT,
	LINE_FILTER_MODALITY,
	LINE_FILTER_OUTCOME,
	LINE_FILTER_PATIENT,
	LINE_FILTER_STUDY,
	LINE_FILTER_INSTANCE,
	LINE_FILTER_MEMBERS
};

struct line_filter {
	struct options_texts members[LINE_FILTER_MEMBERS];
	const struct period *period; /* NULL: of any time */
};

/* What options judge such a value by. Modalities are named by each configuration. */
options_judge line_filter_judge_event, line_filter_judge_modality,
	line_filter_judge_outcome;

bool line_filter_fits(const struct line_filter *filter,
		      const struct log_reader_line *line);
/* The two halves of that but for the time, for a caller that reads the line by itself:
 * whether its bytes may fit, and whether the texts of its members do. */
bool line_filter_may_fit(const struct line_filter *filter,
			 const struct log_reader_line *line);
bool line_filter_fits_texts(const struct line_filter *filter,
			    const char *const texts[LINE_FILTER_MEMBERS]);
