#include "outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/audit/log_reader.h"

#define SAVE_MS	       1000 /* at most so much is told twice */
#define LOOK_MS	       1000 /* for a log that isn't there yet */
#define LINES_AT_ONCE  256  /* then it is the other outlet's turn */
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS   60000

/* The journal has the suffix from before the messages had a file of their own. */
static const char *const suffixes[] = {
	[OUTLET_JOURNAL] = "",
	[OUTLET_MESSAGES] = "-messages",
};

/* The log's context while an outlet works. */
static const char *const contexts[] = {
	[OUTLET_JOURNAL] = "exporter to the journal",
	[OUTLET_MESSAGES] = "exporter to audit messages",
};

int outlet_init(struct outlet *outlet, enum outlet_kind kind, const struct config *config)
{
	*outlet = (struct outlet){
		.kind = kind,
		.config = config,
		.position_path = position_path(config->audit.file.path, suffixes[kind]),
		.retry_ms = RETRY_FIRST_MS,
	};
	if (!outlet->position_path)
		return -1;
	if (kind == OUTLET_JOURNAL)
		journal_init(&outlet->journal);
	return 0;
}

/* *ret_known: whether there is a position. */
static int load_position(struct outlet *outlet, bool *ret_known)
{
	enum position_result result =
		position_load(outlet->position_path, &outlet->position);

	*ret_known = result == POSITION_KNOWN;
	if (result == POSITION_LOST)
		log_warning("%s is damaged: how far the audit log was exported is not "
			    "known, so that lines are exported twice",
			    outlet->position_path);
	if (result != POSITION_FAILED)
		return 0;
	if (!outlet->position_failing)
		log_error("%s can't be read: %s; let the gateway's user own it. Nothing "
			  "is exported before",
			  outlet->position_path, strerror(errno));
	outlet->position_failing = true;
	return -1;
}

/* Without a position the messages' own files tell where to go on; without either, all
 * that the log holds is told. */
static int open_outlet(struct outlet *outlet)
{
	struct position resume = { 0 };
	bool known;

	if (load_position(outlet, &known) != 0)
		return -1;
	outlet->position_failing = false;
	if (outlet->kind == OUTLET_MESSAGES) {
		outlet->messages = messages_open(outlet->config, &resume);
		if (!outlet->messages)
			return -1;
	}
	if (!known)
		outlet->position = resume;
	outlet->messages_from = outlet->position.restart;
	source_open(&outlet->source, outlet->config->audit.file.path, &outlet->position);
	outlet->is_open = true;
	return 0;
}

static enum source_result read_next_line(struct outlet *outlet)
{
	enum source_result result = source_next(&outlet->source, &outlet->line);

	if (result == SOURCE_FAILED && !outlet->source_failing)
		log_error(
			"the audit log %s can't be read: %s; see that the gateway's user "
			"may read it. Nothing is lost, it is tried again",
			outlet->source.path, strerror(errno));
	else if (result != SOURCE_FAILED && outlet->source_failing)
		log_info("the audit log can be read again");
	outlet->source_failing = result == SOURCE_FAILED;
	if (result == SOURCE_LINE && outlet->line.after_gap && outlet->messages)
		messages_gap(outlet->messages, outlet->line.seq);
	return result;
}

/* Whether the line in hand is durable: a checkpoint that leaves the host stays for good,
 * and so must the lines that it covers. */
static int settle_line(struct outlet *outlet)
{
	int result = log_reader_settle(outlet->source.reader);

	if (result < 0 && !outlet->settle_failing)
		log_error("the audit log %s can't be synced: %s; what is not known to be "
			  "durable is not exported",
			  outlet->source.path, strerror(errno));
	else if (result >= 0 && outlet->settle_failing)
		log_info("the audit log can be synced again");
	outlet->settle_failing = result < 0;
	return result;
}

static int tell_line(struct outlet *outlet)
{
	const struct source_line *line = &outlet->line;

	if (outlet->kind == OUTLET_JOURNAL)
		return line->repeated ? 0
				      : journal_take(&outlet->journal, line->text,
						     line->size, line->json);
	if (line->repeated && line->seq < outlet->messages_from)
		return 0;
	return messages_take(outlet->messages, line->json, line->seq);
}

static void let_go(struct outlet *outlet)
{
	json_decref(outlet->line.json);
	outlet->line.json = NULL;
}

static int hand_over(struct outlet *outlet)
{
	int settled = settle_line(outlet);

	if (settled < 0)
		return -1;
	/* The auditor took the line back: what stands there now comes next. */
	if (settled > 0) {
		let_go(outlet);
		return 0;
	}
	if (tell_line(outlet) != 0)
		return -1;
	if (!outlet->line.repeated) {
		position_mark_of(outlet->line.json, outlet->line.seq, &outlet->last);
		if (!outlet->unsaved)
			outlet->unsaved_ms = clock_ms();
		outlet->unsaved = true;
	}
	let_go(outlet);
	return 0;
}

static enum outlet_turn tell_some(struct outlet *outlet)
{
	if (!outlet->is_open && open_outlet(outlet) != 0)
		return OUTLET_FAILED;
	for (int i = 0; i < LINES_AT_ONCE; i++) {
		enum source_result result =
			outlet->line.json ? SOURCE_LINE : read_next_line(outlet);

		if (result == SOURCE_END)
			return OUTLET_IDLE;
		if (result == SOURCE_FAILED || hand_over(outlet) != 0)
			return OUTLET_FAILED;
	}
	return OUTLET_MORE;
}

/* 0 also when the position can't be saved: lines are told twice after a restart then, no
 * more. -1 when the messages up to there couldn't be written. */
static int save_position(struct outlet *outlet)
{
	struct position next = outlet->position;

	outlet->unsaved_ms = clock_ms();
	if (outlet->messages && messages_flush(outlet->messages) != 0)
		return -1;
	position_add(&next, &outlet->last);
	next.restart = outlet->last.seq + 1;
	if (outlet->messages && messages_needed_seq(outlet->messages) < next.restart)
		next.restart = messages_needed_seq(outlet->messages);
	if (position_save(outlet->position_path, &next) != 0) {
		if (!outlet->position_failing)
			log_error("%s can't be written: %s; after a restart lines are "
				  "exported twice",
				  outlet->position_path, strerror(errno));
		outlet->position_failing = true;
		return 0;
	}
	if (outlet->position_failing)
		log_info("%s can be written again", outlet->position_path);
	outlet->position_failing = false;
	outlet->position = next;
	outlet->unsaved = false;
	return 0;
}

static int64_t save_due_ms(const struct outlet *outlet)
{
	return outlet->unsaved ? outlet->unsaved_ms + SAVE_MS : INT64_MAX;
}

static void note_failure(struct outlet *outlet)
{
	outlet->turn = OUTLET_FAILED;
	outlet->retry_due_ms = clock_ms() + outlet->retry_ms;
	outlet->retry_ms *= 2;
	if (outlet->retry_ms > RETRY_MAX_MS)
		outlet->retry_ms = RETRY_MAX_MS;
}

enum outlet_turn outlet_work(struct outlet *outlet, bool must)
{
	enum outlet_turn turn;

	if (outlet->turn == OUTLET_FAILED && !must && clock_ms() < outlet->retry_due_ms)
		return OUTLET_FAILED;
	log_context(contexts[outlet->kind]);
	turn = tell_some(outlet);
	if (clock_ms() >= save_due_ms(outlet) && save_position(outlet) != 0)
		turn = OUTLET_FAILED;
	if (turn == OUTLET_FAILED) {
		note_failure(outlet);
	} else {
		outlet->turn = turn;
		outlet->retry_ms = RETRY_FIRST_MS;
	}
	log_context("exporter");
	return turn;
}

int64_t outlet_due_ms(const struct outlet *outlet)
{
	if (outlet->turn == OUTLET_FAILED)
		return outlet->retry_due_ms;
	if (outlet->turn == OUTLET_MORE)
		return 0;
	if (!outlet->source.found) /* no descriptor tells of a log that appears */
		return clock_ms() + LOOK_MS;
	return save_due_ms(outlet);
}

int outlet_descriptor(const struct outlet *outlet)
{
	return outlet->turn == OUTLET_IDLE ? source_descriptor(&outlet->source) : -1;
}

void outlet_finish(struct outlet *outlet)
{
	if (outlet->unsaved)
		(void)save_position(outlet);
	json_decref(outlet->line.json);
	source_close(&outlet->source);
	messages_close(outlet->messages);
	free(outlet->position_path);
}
