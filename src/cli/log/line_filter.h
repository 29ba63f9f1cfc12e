/*
 * Which lines of a log are wanted, by the text that some members must have. Of each
 * member one of its values must fit; a member without values fits always.
 */
#ifndef CLI_LINE_FILTER_H
#define CLI_LINE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/audit/log_reader.h"
#include "cathgate/base/must_use.h"

enum line_filter_member {
	LINE_FILTER_EVENT,
	LINE_FILTER_MODALITY,
	LINE_FILTER_OUTCOME,
	LINE_FILTER_MEMBERS
};

struct line_filter {
	struct {
		const char **values;
		size_t count;
	} members[LINE_FILTER_MEMBERS];
};

/* The value must live as long as the filter. -1 after saying what is wrong: there is no
 * such event or outcome, say. */
MUST_USE int line_filter_add(struct line_filter *filter, enum line_filter_member member,
			     const char *value);
/* The same, as options take their values (options.h); `filter` is a struct line_filter.
 */
bool line_filter_take_event(void *filter, const char *value);
bool line_filter_take_modality(void *filter, const char *value);
bool line_filter_take_outcome(void *filter, const char *value);
void line_filter_free(struct line_filter *filter);

bool line_filter_fits(const struct line_filter *filter,
		      const struct log_reader_line *line);
/* The two halves of that, for a caller that reads the line by itself: whether its bytes
 * may fit, and whether the texts of its members do. */
bool line_filter_may_fit(const struct line_filter *filter,
			 const struct log_reader_line *line);
bool line_filter_fits_texts(const struct line_filter *filter,
			    const char *const texts[LINE_FILTER_MEMBERS]);

#endif
