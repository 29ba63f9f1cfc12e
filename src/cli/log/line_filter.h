/*
 * Which lines of a log are wanted, by the words that some members must have. Of each
 * member one of its values must fit; a member without values fits always.
 */
#ifndef CLI_LINE_FILTER_H
#define CLI_LINE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/audit/log_reader.h"

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

/* Values live as long as the filter. -1 after saying what is wrong: an event or an
 * outcome that there isn't. */
int line_filter_add(struct line_filter *filter, enum line_filter_member member,
		    const char *value);
void line_filter_free(struct line_filter *filter);

bool line_filter_fits(const struct line_filter *filter,
		      const struct log_reader_line *line);
/* The two halves of that, for a caller that reads the line by itself: whether its bytes
 * may fit, and whether these words of its members do. */
bool line_filter_may_fit(const struct line_filter *filter,
			 const struct log_reader_line *line);
bool line_filter_fits_words(const struct line_filter *filter,
			    const char *const words[LINE_FILTER_MEMBERS]);

#endif
