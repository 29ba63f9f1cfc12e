/*
 * The audit log's lines of the last days: from the file in which they begin.
 */
#include "diagnose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log_source.h"
#include "members.h"
#include "moment.h"

#define DAY_MICROSECONDS (86400 * INT64_C(1000000))

/* Most lines of a busy log are instances that went well; those needn't be parsed twice,
 * but they tell that a way works. Checkpoints and the like say nothing here. */
static bool may_tell(const struct log_reader_line *line)
{
	static const char *const events[] = { "\"event\":\"association\"",
					      "\"event\":\"instance\"",
					      "\"event\":\"alert\"" };

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (memmem(line->text, line->size, events[i], strlen(events[i])))
			return true;
	return false;
}

/* When the first line of a file was written; MOMENT_NONE where it can't be told. */
static int64_t first_moment(const char *path)
{
	struct log_reader *reader = log_reader_open_file(path);
	struct log_reader_line line;
	int64_t moment = MOMENT_NONE;

	if (reader && log_reader_next(reader, &line) == LOG_READER_LINE) {
		json_t *read = members_read(line.text, line.size);

		if (read)
			moment = members_moment(read);
		json_decref(read);
	}
	log_reader_close(reader);
	return moment;
}

static int visit_file(const char *path, int64_t since, diagnose_visitor *visit,
		      void *context)
{
	struct log_reader *reader = log_reader_open_file(path);
	enum log_reader_result result;
	struct log_reader_line line;

	if (!reader) /* rotated or removed meanwhile */
		return errno == ENOENT ? 0 : -1;
	while ((result = log_reader_next(reader, &line)) == LOG_READER_LINE ||
	       result == LOG_READER_GAP) {
		json_t *read = result == LOG_READER_LINE && may_tell(&line)
				       ? members_read(line.text, line.size)
				       : NULL;

		if (read && members_moment(read) >= since)
			visit(context, read);
		json_decref(read);
	}
	log_reader_close(reader);
	return result == LOG_READER_FAILED ? -1 : 0;
}

static int visit_files(char **files, size_t count, int64_t since, diagnose_visitor *visit,
		       void *context)
{
	size_t first = count;

	while (first > 0) {
		int64_t moment = first_moment(files[--first]);

		if (moment != MOMENT_NONE && moment < since)
			break;
	}
	for (size_t i = first; i < count; i++) {
		if (visit_file(files[i], since, visit, context)) {
			log_source_complain(files[i]);
			return -1;
		}
	}
	return 0;
}

int diagnose_log_each(const struct diagnose *how, diagnose_visitor *visit, void *context)
{
	int64_t since = (int64_t)time(NULL) * 1000000 - how->days * DAY_MICROSECONDS;
	char *own = NULL, **files = NULL;
	const char *path = how->log_path;
	size_t count = 0;
	int result = -1;

	if (path == NULL)
		path = own = log_source_default(how->config_path);
	if (path == NULL)
		return -1;
	if (log_reader_files(path, &files, &count) == 0) {
		errno = ENOENT;
		if (count == 0)
			log_source_complain(path);
		else
			result = visit_files(files, count, since, visit, context);
		log_reader_files_free(files, count);
	} else {
		log_source_complain(path);
	}
	free(own);
	return result;
}
