/* What the gateway's audit log says of modalities. */
#include <string.h>

#include "cathgate/audit/members.h"
#include "cli/kit/log_source.h"
#include "cli/kit/moment.h"
#include "site.h"

#define DAY_US (86400 * INT64_C(1000000))

/* The many other lines aren't parsed, nor those that end an association: these say no
 * more than the one that began it. */
static bool begins_or_refuses(const struct log_reader_line *line)
{
	static const char event[] = "\"event\":\"association\",\"outcome\":\"";
	const char *at = memmem(line->text, line->size, event, strlen(event));
	size_t left;

	if (!at)
		return false;
	at += strlen(event);
	left = line->size - (size_t)(at - line->text);
	return left > strlen("accepted") &&
	       (strncmp(at, "accepted", 8) == 0 || strncmp(at, "refused", 7) == 0);
}

int site_log_each(const struct site *site, int64_t since, site_log_take *take,
		  void *context)
{
	struct log_source source;
	struct log_reader_line line;
	enum log_reader_result result = LOG_READER_LINE;
	bool is_done = false;

	if (log_source_open_log(&source, site->config->audit.file.path, since) < 0)
		return -1;
	log_source_show_progress(&source, 1);
	while (!is_done && result != LOG_READER_END && result != LOG_READER_FAILED) {
		json_t *read;

		result = log_source_next(&source, &line);
		if (result != LOG_READER_LINE || !begins_or_refuses(&line))
			continue;
		read = members_read(line.text, line.size);
		if (read && moment_of_line(read) >= since)
			is_done = take(context, read);
		json_decref(read);
	}
	log_source_close(&source);
	return result == LOG_READER_FAILED ? -1 : 0;
}

struct search {
	const char *sha256;
	bool is_found;
};

/* Only who has the key gets a line with `certificate`. */
static bool is_shown_in(void *context, const json_t *line)
{
	struct search *search = context;

	search->is_found = strcmp(members_text(line, "certificate"), search->sha256) == 0;
	return search->is_found;
}

int site_was_shown(const struct site *site, const char *sha256,
		   const struct site_certificate *known)
{
	struct search search = { .sha256 = sha256 };
	int64_t since = known ? (int64_t)known->kept.tv_sec * 1000000 - DAY_US : 0;

	if (site_log_each(site, since, is_shown_in, &search) < 0)
		return -1;
	return search.is_found;
}
