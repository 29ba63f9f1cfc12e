#include "source.h"

#include <errno.h>
#include <inttypes.h>

#include "cathgate/base/log.h"
#include "cathgate/audit/log_reader.h"
#include "cathgate/audit/members.h"

void source_open(struct source *source, const char *log_path, const struct position *from)
{
	*source = (struct source){ .path = log_path, .from = *from };
}

void source_close(struct source *source)
{
	log_reader_close(source->reader);
	source->reader = NULL;
	source->found = false;
}

int source_descriptor(const struct source *source)
{
	return source->reader ? log_reader_descriptor(source->reader) : -1;
}

static int reopen_log(struct source *source, uint64_t seq)
{
	source_close(source);
	source->reader = log_reader_open(source->path, seq);
	return source->reader ? 0 : -1;
}

/* The index of the line's mark; their count when the line has none, or is no line of a
 * log any more. */
static size_t mark_of(const struct position *position, const struct log_reader_line *line)
{
	struct position_mark mark;
	json_t *json = NULL;
	size_t i;

	for (i = 0; i < position->count; i++) {
		if (position->marks[i].seq != line->seq)
			continue;
		if (!json) {
			json = members_read(line->text, line->size);
			position_mark_of(json, line->seq, &mark);
		}
		if (json && position_mark_equals(&position->marks[i], &mark))
			break;
	}
	json_decref(json);
	return i;
}

static uint64_t first_needed(const struct position *position)
{
	uint64_t seq = position->restart;

	for (size_t i = 0; i < position->count; i++)
		if (position->marks[i].seq < seq)
			seq = position->marks[i].seq;
	return seq;
}

/* *ret_best: the index of the newest mark whose line the log has; their count without. */
static enum source_result find_newest_mark(struct source *source, size_t *ret_best)
{
	const struct position *from = &source->from;
	struct log_reader_line line;
	size_t best = from->count;

	if (reopen_log(source, first_needed(from)) != 0)
		return SOURCE_FAILED;
	while (best != 0) {
		size_t mark;

		switch (log_reader_next(source->reader, &line)) {
		case LOG_READER_LINE:
			mark = mark_of(from, &line);
			best = mark < best ? mark : best;
			continue;
		case LOG_READER_GAP:
			continue;
		case LOG_READER_FAILED:
			return SOURCE_FAILED;
		case LOG_READER_END:
			break;
		}
		break;
	}
	*ret_best = best;
	return SOURCE_LINE;
}

/* The log has no line that the position names: begins with the first that it has. */
static enum source_result start_elsewhere(struct source *source)
{
	uint64_t last = source->from.marks[0].seq;
	struct log_reader_line line;
	enum log_reader_result result;

	if (reopen_log(source, 0) != 0)
		return SOURCE_FAILED;
	while ((result = log_reader_next(source->reader, &line)) == LOG_READER_GAP)
		;
	if (result != LOG_READER_LINE)
		return result == LOG_READER_END ? SOURCE_END : SOURCE_FAILED;
	if (line.seq > last)
		log_warning("%s: the lines after %" PRIu64 ", which was the last to be "
			    "exported, and before %" PRIu64 " are gone: going on there",
			    line.file, last, line.seq);
	else
		log_warning("%s: line %" PRIu64 ", which was the last to be exported, is "
			    "not in the log: a new chain began, or lines were lost. All "
			    "that is there is exported, from %" PRIu64
			    " on; cathgate audit verify says whether it holds",
			    line.file, last, line.seq);
	source->gap = true;
	source->from.restart = line.seq;
	return reopen_log(source, line.seq) == 0 ? SOURCE_LINE : SOURCE_FAILED;
}

static enum source_result find_place(struct source *source)
{
	struct position *from = &source->from;
	enum source_result result;
	size_t best;

	if (from->count == 0) {
		result = reopen_log(source, from->restart) == 0 ? SOURCE_LINE
								: SOURCE_FAILED;
	} else if ((result = find_newest_mark(source, &best)) == SOURCE_LINE &&
		   best == from->count) {
		result = start_elsewhere(source);
		if (result == SOURCE_LINE)
			from->count = 0;
	} else if (result == SOURCE_LINE) {
		if (best > 0)
			log_warning(
				"%s: line %" PRIu64 " as it was exported is not in the "
				"log: the last lines were lost, or taken back. Going "
				"on after line %" PRIu64,
				source->path, from->marks[0].seq, from->marks[best].seq);
		source->last_exported = from->marks[best];
		source->repeating = true;
		if (reopen_log(source, first_needed(from)) != 0)
			result = SOURCE_FAILED;
	}
	source->found = result == SOURCE_LINE;
	return result;
}

static void fill_line(struct source *source, const struct log_reader_line *line,
		      json_t *json, struct source_line *ret)
{
	struct position_mark mark;

	*ret = (struct source_line){
		.text = line->text,
		.size = line->size,
		.seq = line->seq,
		.json = json,
		.after_gap = source->gap,
		.repeated = source->repeating,
	};
	source->gap = false;
	if (!source->repeating)
		return;
	position_mark_of(json, line->seq, &mark);
	if (position_mark_equals(&mark, &source->last_exported))
		source->repeating = false;
}

enum source_result source_next(struct source *source, struct source_line *ret)
{
	struct log_reader_line line;
	enum source_result result;
	bool is_new_gap = false;
	json_t *json;

	if (!source->found && (result = find_place(source)) != SOURCE_LINE)
		return result;
	for (;;) {
		switch (log_reader_next(source->reader, &line)) {
		case LOG_READER_LINE:
			break;
		case LOG_READER_GAP:
			source->gap = is_new_gap = true;
			continue;
		case LOG_READER_END:
			return SOURCE_END;
		case LOG_READER_FAILED:
			return SOURCE_FAILED;
		}
		if (is_new_gap && !source->repeating)
			log_warning("%s: line %" PRIu64 " isn't the one after the last "
				    "exported: a file of the log is gone, lines were "
				    "taken back, or a new chain began. Going on there; "
				    "cathgate audit verify says more",
				    line.file, line.seq);
		is_new_gap = false;
		json = members_read(line.text, line.size);
		if (json) {
			fill_line(source, &line, json, ret);
			return SOURCE_LINE;
		}
		log_error("%s:%" PRIu64 ": no line of an audit log, so it is not "
			  "exported; cathgate audit verify says what became of it",
			  line.file, line.number);
	}
}
