/*
 * The exporter's loop: a line of the log, to the journal, to the audit messages; now and
 * then the position; where anything fails, the same again a while later.
 */
#include "cathgate/exporter.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cathgate/clock.h"
#include "cathgate/log.h"
#include "cathgate/log_reader.h"

#include "journal.h"
#include "messages.h"
#include "position.h"
#include "source.h"

#define SAVE_MS	       1000 /* at most so much is exported twice */
#define GATHER_MS      50   /* lets lines come together: nobody waits for this process */
#define LINES_AT_ONCE  256  /* then it looks whether it shall end */
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS   60000
#define NICENESS       5 /* those that relay come first */

struct exporter {
	const struct config *config;
	int control;
	bool is_ending;
	int64_t end_ms; /* when ending */

	struct source source;
	struct source_line line; /* json NULL: none in hand */
	bool journal_has_it;	 /* the line in hand; the messages may not have it yet */
	struct journal journal;
	bool to_journal;
	struct messages *messages;
	uint64_t messages_from; /* of the lines that come again */

	char *position_path;
	struct position position;
	struct position_mark last; /* exported */
	bool unsaved;
	int64_t unsaved_ms; /* since when */
	bool source_failing, position_failing, settle_failing;
	int64_t retry_ms; /* how long to wait after the next failure */
};

enum turn { TURN_MORE, TURN_IDLE, TURN_FAILED };

bool exporter_finds_journal(const struct config_audit *audit)
{
	return audit->journal != CONFIG_JOURNAL_OFF && journal_exists();
}

static enum source_result next_line(struct exporter *e)
{
	enum source_result result = source_next(&e->source, &e->line);

	if (result == SOURCE_FAILED && !e->source_failing)
		log_error(
			"the audit log %s can't be read: %s; see that the gateway's user "
			"may read it. Nothing is lost, it is tried again",
			e->source.path, strerror(errno));
	else if (result != SOURCE_FAILED && e->source_failing)
		log_info("the audit log can be read again");
	e->source_failing = result == SOURCE_FAILED;
	if (result != SOURCE_LINE)
		return result;
	e->journal_has_it = e->line.repeated || !e->to_journal;
	if (e->line.after_gap && e->messages)
		messages_gap(e->messages, e->line.seq);
	return result;
}

static bool is_for_messages(const struct exporter *e)
{
	return e->messages && (!e->line.repeated || e->line.seq >= e->messages_from);
}

/* Whether the line in hand is durable: a checkpoint that leaves the host stays for good,
 * and so must the lines that it covers. */
static int settle(struct exporter *e)
{
	int result = log_reader_settle(e->source.reader);

	if (result < 0 && !e->settle_failing)
		log_error("the audit log %s can't be synced: %s; what is not known to be "
			  "durable is not exported",
			  e->source.path, strerror(errno));
	else if (result >= 0 && e->settle_failing)
		log_info("the audit log can be synced again");
	e->settle_failing = result < 0;
	return result;
}

static void let_go(struct exporter *e)
{
	json_decref(e->line.json);
	e->line.json = NULL;
}

/* The line in hand to whoever hasn't got it yet. */
static int hand_over(struct exporter *e)
{
	int settled = settle(e);

	if (settled > 0) /* the auditor took it back; what stands there now comes next */
		let_go(e);
	if (settled != 0)
		return settled < 0 ? -1 : 0;
	if (!e->journal_has_it &&
	    journal_take(&e->journal, e->line.text, e->line.size, e->line.json) != 0)
		return -1;
	e->journal_has_it = true;
	if (is_for_messages(e) &&
	    messages_take(e->messages, e->line.json, e->line.seq) != 0)
		return -1;
	if (!e->line.repeated) {
		position_mark_of(e->line.json, e->line.seq, &e->last);
		if (!e->unsaved)
			e->unsaved_ms = clock_ms();
		e->unsaved = true;
	}
	let_go(e);
	return 0;
}

static enum turn export_some(struct exporter *e)
{
	for (int i = 0; i < LINES_AT_ONCE; i++) {
		enum source_result result = e->line.json ? SOURCE_LINE : next_line(e);

		if (result == SOURCE_END)
			return TURN_IDLE;
		if (result == SOURCE_FAILED || hand_over(e) != 0)
			return TURN_FAILED;
	}
	return TURN_MORE;
}

/* What can't be saved is only exported twice, so nothing waits for it. */
static void save(struct exporter *e)
{
	struct position next = e->position;

	e->unsaved_ms = clock_ms();
	if (e->messages && messages_flush(e->messages) != 0)
		return;
	position_add(&next, &e->last);
	next.restart = e->last.seq + 1;
	if (e->messages && messages_needed_seq(e->messages) < next.restart)
		next.restart = messages_needed_seq(e->messages);
	if (position_save(e->position_path, &next) != 0) {
		if (!e->position_failing)
			log_error("%s can't be written: %s; after a restart lines are "
				  "exported twice",
				  e->position_path, strerror(errno));
		e->position_failing = true;
		return;
	}
	if (e->position_failing)
		log_info("%s can be written again", e->position_path);
	e->position_failing = false;
	e->position = next;
	e->unsaved = false;
}

static int64_t save_due_ms(const struct exporter *e)
{
	return e->unsaved ? e->unsaved_ms + SAVE_MS : INT64_MAX;
}

/* At most `wait_ms`, -1 for ever; less when told to end or, with `log`, when the log
 * grows. */
static void wait_for(struct exporter *e, int64_t wait_ms, bool log)
{
	struct pollfd fds[] = {
		{ .fd = e->control, .events = POLLIN },
		{ .fd = log ? source_descriptor(&e->source) : -1, .events = POLLIN },
	};

	poll(fds, 2, (int)wait_ms);
	if (!fds[0].revents || e->is_ending)
		return;
	e->is_ending = true;
	e->end_ms = clock_ms() + EXPORTER_FINISH_MS;
}

static void wait_idle(struct exporter *e)
{
	int64_t left_ms = -1;

	if (!e->source.found) /* nothing is watched that could say more */
		left_ms = SAVE_MS;
	if (e->unsaved)
		left_ms = save_due_ms(e) > clock_ms() ? save_due_ms(e) - clock_ms() : 0;
	wait_for(e, left_ms, true);
	if (!e->is_ending)
		wait_for(e, GATHER_MS, false);
}

static void wait_failed(struct exporter *e)
{
	wait_for(e, e->retry_ms, false);
	e->retry_ms *= 2;
	if (e->retry_ms > RETRY_MAX_MS)
		e->retry_ms = RETRY_MAX_MS;
}

static void work(struct exporter *e)
{
	for (;;) {
		/* Looked at first: whatever the log holds once this is true is all. */
		bool was_ending = e->is_ending;
		enum turn turn = export_some(e);

		if (clock_ms() >= save_due_ms(e))
			save(e);
		if (was_ending && (turn != TURN_MORE || clock_ms() >= e->end_ms))
			return;
		if (turn == TURN_FAILED) {
			wait_failed(e);
			continue;
		}
		e->retry_ms = RETRY_FIRST_MS;
		if (turn == TURN_IDLE)
			wait_idle(e);
		else
			wait_for(e, 0, false);
	}
}

/* Where to begin. *ret_known: by our own position, not by what the messages hold. */
static int load_position(struct exporter *e, bool *ret_known)
{
	enum position_result result = position_load(e->position_path, &e->position);

	*ret_known = result == POSITION_KNOWN;
	if (result == POSITION_LOST)
		log_warning("%s is damaged: how far the audit log was exported is not "
			    "known, so that lines are exported twice",
			    e->position_path);
	if (result != POSITION_FAILED)
		return 0;
	if (!e->position_failing)
		log_error("%s can't be read: %s; let the gateway's user own it. Nothing "
			  "is exported before",
			  e->position_path, strerror(errno));
	e->position_failing = true;
	return -1;
}

static int begin(struct exporter *e)
{
	uint64_t resume = 0;
	bool known;

	if (load_position(e, &known) != 0)
		return -1;
	e->position_failing = false;
	if (e->config->audit.messages.path && !e->messages) {
		e->messages = messages_open(e->config, &resume);
		if (!e->messages)
			return -1;
	}
	if (!known)
		e->position.restart = resume;
	e->messages_from = e->position.restart;
	source_open(&e->source, e->config->audit.file.path, &e->position);
	return 0;
}

static void finish(struct exporter *e)
{
	if (e->unsaved)
		save(e);
	json_decref(e->line.json);
	source_close(&e->source);
	messages_close(e->messages);
	free(e->position_path);
}

int exporter_run(int control, const struct config *config, bool journal)
{
	struct exporter e = {
		.config = config,
		.control = control,
		.to_journal = journal,
		.retry_ms = RETRY_FIRST_MS,
		.position_path = position_path(config->audit.file.path),
	};
	bool has_begun;

	if (!e.position_path) {
		log_error("no memory for the exporter");
		return 1;
	}
	setpriority(PRIO_PROCESS, 0, NICENESS);
	journal_init(&e.journal);
	while (!(has_begun = begin(&e) == 0) && !e.is_ending)
		wait_failed(&e);
	e.retry_ms = RETRY_FIRST_MS;
	if (has_begun)
		work(&e);
	finish(&e);
	return 0;
}
