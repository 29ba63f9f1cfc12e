/*
 * An outlet is where the log's lines are told to: the journal, or the audit messages.
 * Each has its own position in the log, saved in a file of its own, and its own retries:
 * one that fails doesn't hold up the other.
 *
 * Every line from its position on is told once, in order. After a crash those of the last
 * second come again: the audit messages find out which they have.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/config/config.h"

#include "journal.h"
#include "messages.h"
#include "position.h"
#include "source.h"

enum outlet_kind { OUTLET_JOURNAL, OUTLET_MESSAGES };

enum outlet_turn {
	OUTLET_MORE, /* there may be more lines now */
	OUTLET_IDLE, /* the log has no more */
	OUTLET_FAILED
};

struct outlet {
	enum outlet_kind kind;
	const struct config *config;
	bool is_open; /* until then nothing is known of where to begin */
	struct journal journal;
	struct messages *messages;
	uint64_t messages_from; /* lines that come again count from here on */

	struct source source;
	struct source_line line; /* in hand; json NULL: none is */

	char *position_path;
	struct position position;
	struct position_mark last; /* of the last line that was told */
	bool unsaved;
	int64_t unsaved_ms; /* since when */
	bool source_failing, position_failing, settle_failing;

	enum outlet_turn turn; /* how the last one ended */
	int64_t retry_ms;      /* how long to wait after the next failure */
	int64_t retry_due_ms;
};

/* 0; -1 without memory. `config` must outlive it. */
MUST_USE int outlet_init(struct outlet *outlet, enum outlet_kind kind,
			 const struct config *config);
/* Saves how far it has come, and frees everything. */
void outlet_finish(struct outlet *outlet);

/* Tells some lines, and saves the position when that is due. After a failure it does
 * nothing before the retry is due, unless `must`. */
enum outlet_turn outlet_work(struct outlet *outlet, bool must);

/* When outlet_work is to be called again, by clock_ms; INT64_MAX: when the descriptor is
 * readable. */
int64_t outlet_due_ms(const struct outlet *outlet);
/* Becomes readable when the log grows; -1 when the outlet waits for something else. */
int outlet_descriptor(const struct outlet *outlet);
