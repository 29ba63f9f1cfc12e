#include "line_filter.h"

#include <string.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/utf8.h"
#include "cli/kit/keep.h"
#include "cli/kit/moment.h"

static const char *const names[LINE_FILTER_MEMBERS] = {
	[LINE_FILTER_EVENT] = "event",	   [LINE_FILTER_MODALITY] = "modality",
	[LINE_FILTER_OUTCOME] = "outcome", [LINE_FILTER_PATIENT] = "patient",
	[LINE_FILTER_STUDY] = "study",	   [LINE_FILTER_INSTANCE] = "sop_instance",
};

static bool is_among(const char *list, const char *value)
{
	size_t length = strlen(value);
	for (const char *at = list; length > 0 && (at = strstr(at, value));
	     at += length) {
		if ((at == list || at[-1] == ' ') &&
		    (at[length] == ' ' || at[length] == '\0'))
			return true;
	}
	return false;
}

static const char *judge_among(const char *list, const char *value)
{
	return is_among(list, value)
		       ? NULL
		       : keep_format("is no such word; write one of: %s", list);
}

const char *line_filter_judge_event(const char *value)
{
	return judge_among("start stop reload association instance delivery checkpoint "
			   "alert retention",
			   value);
}

const char *line_filter_judge_outcome(const char *value)
{
	return judge_among("forwarded spooled refused failed unconfirmed accepted "
			   "released aborted done raised removed dead given-up held "
			   "dropped exported queued",
			   value);
}

const char *line_filter_judge_modality(const char *value)
{
	return utf8_is_valid(value)
		       ? NULL
		       : "isn't UTF-8, as all in the log is; write it where the locale "
			 "is, as with LC_ALL=C.UTF-8";
}

static bool is_empty(const struct line_filter *filter)
{
	size_t count = 0;
	for (size_t i = 0; i < LINE_FILTER_MEMBERS; i++)
		count += filter->members[i].count;
	return count == 0 && !filter->period;
}

/* The bytes of most lines show that they don't fit, which is much quicker than to parse
 * them. Where the log would escape a part of a value, the parser must decide. */
static bool member_may_fit(const struct line_filter *filter,
			   enum line_filter_member member,
			   const struct log_reader_line *line)
{
	for (size_t i = 0; i < filter->members[member].count; i++) {
		const char *value = filter->members[member].items[i];
		for (const char *at = value; *at; at++) {
			if (*at <= ' ' || *at > '~' || *at == '"' || *at == '\\')
				return true;
		}
		if (memmem(line->text, line->size, value, strlen(value)))
			return true;
	}
	return filter->members[member].count == 0;
}

bool line_filter_may_fit(const struct line_filter *filter,
			 const struct log_reader_line *line)
{
	for (enum line_filter_member i = 0; i < LINE_FILTER_MEMBERS; i++) {
		if (!member_may_fit(filter, i, line))
			return false;
	}
	return true;
}

bool line_filter_fits_texts(const struct line_filter *filter,
			    const char *const texts[LINE_FILTER_MEMBERS])
{
	for (size_t i = 0; i < LINE_FILTER_MEMBERS; i++) {
		bool fits = filter->members[i].count == 0;
		for (size_t j = 0; j < filter->members[i].count && !fits; j++)
			fits = strcmp(filter->members[i].items[j], texts[i]) == 0;
		if (!fits)
			return false;
	}
	return true;
}

bool line_filter_fits(const struct line_filter *filter,
		      const struct log_reader_line *line)
{
	const char *texts[LINE_FILTER_MEMBERS];
	if (is_empty(filter))
		return true;
	json_t *read = line_filter_may_fit(filter, line)
			       ? members_read(line->text, line->size)
			       : NULL;
	for (size_t i = 0; i < LINE_FILTER_MEMBERS && read; i++)
		texts[i] = members_text(read, names[i]);
	bool result =
		read && line_filter_fits_texts(filter, texts) &&
		(!filter->period || period_holds(filter->period, moment_of_line(read)));
	json_decref(read);
	return result;
}
