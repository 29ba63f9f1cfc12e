/*
 * The audit log's lines of the last days, of the files that may hold any.
 */
#include "diagnose.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cathgate/audit/members.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/log_source.h"
#include "cli/kit/moment.h"

#define DAY_MICROSECONDS (86400 * INT64_C(1000000))

/* Lines of other events, as checkpoints, tell nothing here. */
static bool may_tell(const struct log_reader_line *line)
{
	static const char *const events[] = { "\"event\":\"association\"",
					      "\"event\":\"instance\"",
					      "\"event\":\"delivery\"",
					      "\"event\":\"alert\"" };

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (memmem(line->text, line->size, events[i], strlen(events[i])))
			return true;
	return false;
}

/* Which row a line is of. */
struct row_kind {
	const char *members;  /* NULL when it is of none */
	char association[17]; /* by which the object came */
};

/* Most lines of a busy log tell of instances of one association that went well in a row.
 * Only the last of a row is parsed, when the row has ended. */
struct row {
	struct row_kind kind;
	char *text; /* of its last line */
	size_t size, room;
};

/* Whether the line tells of an object that went well, and of which association. */
static bool is_in_row(const struct log_reader_line *line, struct row_kind *ret)
{
#define ROW(event, outcome) \
	"\"event\":\"" event "\",\"outcome\":\"" outcome "\",\"association\":\""
	static const char *const rows[] = { ROW("instance", "forwarded"),
					    ROW("instance", "spooled"),
					    ROW("delivery", "forwarded") };
	const char *at = NULL;
	size_t length = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && !at; i++) {
		length = strlen(rows[i]);
		at = memmem(line->text, line->size, rows[i], length);
		ret->members = rows[i];
	}
	if (!at || line->size - (size_t)(at - line->text) <= length + 16)
		return false;
	memcpy(ret->association, at + length, 16);
	ret->association[16] = '\0';
	return true;
}

static void keep_row(struct row *row, const struct log_reader_line *line)
{
	if (line->size > row->room) {
		char *text = realloc(row->text, line->size);

		if (!text) {
			complain_memory();
			exit(CLI_USAGE);
		}
		row->text = text;
		row->room = line->size;
	}
	memcpy(row->text, line->text, line->size);
	row->size = line->size;
}

struct visit {
	int64_t since;
	diagnose_visitor *visitor;
	void *context;
	struct row row;
};

static void visit_text(const struct visit *visit, const char *text, size_t size)
{
	json_t *read = members_read(text, size);

	if (read && moment_of_line(read) >= visit->since)
		visit->visitor(visit->context, read);
	json_decref(read);
}

static void end_row(struct visit *visit)
{
	if (visit->row.kind.members)
		visit_text(visit, visit->row.text, visit->row.size);
	visit->row.kind.members = NULL;
}

static void visit_line(struct visit *visit, const struct log_reader_line *line)
{
	struct row_kind kind;

	if (!may_tell(line))
		return;
	if (!is_in_row(line, &kind)) {
		end_row(visit);
		visit_text(visit, line->text, line->size);
		return;
	}
	if (visit->row.kind.members != kind.members ||
	    strcmp(visit->row.kind.association, kind.association) != 0)
		end_row(visit);
	visit->row.kind = kind;
	keep_row(&visit->row, line);
}

static int visit_log(struct log_source *source, struct visit *visit)
{
	enum log_reader_result result;
	struct log_reader_line line;

	while ((result = log_source_next(source, &line)) == LOG_READER_LINE ||
	       result == LOG_READER_GAP)
		if (result == LOG_READER_LINE)
			visit_line(visit, &line);
	end_row(visit);
	return result == LOG_READER_FAILED ? -1 : 0;
}

int diagnose_log_each(const struct diagnose *how, diagnose_visitor *visit, void *context)
{
	struct visit all = {
		.since = (int64_t)time(NULL) * 1000000 - how->days * DAY_MICROSECONDS,
		.visitor = visit,
		.context = context,
	};
	struct log_source source;
	int result =
		how->log_path
			? log_source_open_log(&source, how->log_path, all.since)
			: log_source_open(&source, NULL, 0, how->config_path, all.since);

	if (result < 0)
		return -1;
	result = visit_log(&source, &all);
	log_source_close(&source);
	free(all.row.text);
	return result;
}
