#include "messages.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "cathgate/audit/members.h"
#include "cathgate/base/log.h"
#include "outbox.h"
#include "transfers.h"

#define HOUR_SIZE   (sizeof("2026-01-31T12") - 1)
#define MINUTE_SIZE (sizeof("2026-01-31T12:00") - 1)

struct messages {
	const struct config *config;
	struct outbox outbox;
	struct transfers transfers, deliveries;
	char minute[MINUTE_SIZE + 1]; /* of the last line */
	bool tell_all;		      /* before the next line is taken */
};

struct messages *messages_open(const struct config *config, struct position *ret_resume)
{
	static bool is_failing;
	const char *directory = config->audit.messages.path;
	struct messages *messages = memory_resize(NULL, 1, sizeof(*messages));

	*messages = (struct messages){
		.config = config,
		.transfers = { .config = config },
		.deliveries = { .config = config },
	};
	if (outbox_open(&config->audit, &messages->outbox, ret_resume) == 0) {
		is_failing = false;
		return messages;
	}
	if (!is_failing)
		log_error("%s: audit messages can't be written there: %s; make it a "
			  "directory of the gateway's user, for one gateway alone "
			  "(audit.messages). None is lost, it is tried again",
			  directory,
			  errno == EWOULDBLOCK ? "another process has it locked"
					       : strerror(errno));
	is_failing = true;
	free(messages);
	return NULL;
}

void messages_close(struct messages *messages)
{
	if (!messages)
		return;
	outbox_close(&messages->outbox);
	transfers_free(&messages->transfers);
	transfers_free(&messages->deliveries);
	free(messages);
}

void messages_gap(struct messages *messages, uint64_t seq)
{
	(void)seq; /* the next line names the messages of what is gathered */
	messages->tell_all = true;
}

/* With each hour by the log's times all that was gathered of associations is told: one
 * may be open for days, and its end may be missing. Deliveries have no end, and are told
 * with each minute, and before the gateway's stop. Hour and minute aren't each transfer's
 * own: transfers.h says why. */
static void tell_by_time(struct messages *messages, const struct log_line *line)
{
	const char *before = messages->minute;
	bool tells = messages->tell_all || log_line_is(line, "start", NULL);

	if (tells || (before[0] && strncmp(before, line->time, HOUR_SIZE) != 0))
		transfers_tell(&messages->transfers, line, &messages->outbox);
	if (tells || log_line_is(line, "stop", NULL) ||
	    (before[0] && strncmp(before, line->time, MINUTE_SIZE) != 0))
		transfers_tell(&messages->deliveries, line, &messages->outbox);
	messages->tell_all = false;
	strncpy(messages->minute, line->time, MINUTE_SIZE);
}

static void tell_messages_of(struct messages *messages, const struct log_line *line)
{
	struct transfers *transfers = &messages->transfers;
	struct transfers *deliveries = &messages->deliveries;
	struct outbox *outbox = &messages->outbox;

	tell_by_time(messages, line);
	/* A line that sums refused instances up is no transfer's. */
	if (log_line_is(line, "instance", NULL) && line->association[0])
		transfers_add(transfers, line, outbox);
	if (log_line_is(line, "association", "released") ||
	    log_line_is(line, "association", "aborted"))
		transfers_end(transfers, line, outbox);
	if (log_line_is(line, "delivery", NULL))
		transfers_add_delivery(deliveries, line, outbox);
	alerts_take(messages->config, line, outbox);
	if (transfers_are_many(transfers))
		transfers_tell(transfers, line, outbox);
	if (transfers_are_many(deliveries))
		transfers_tell(deliveries, line, outbox);
}

/* The first line of the oldest that is gathered; UINT64_MAX without any. */
static uint64_t first_gathered(const struct messages *messages)
{
	uint64_t transfer = transfers_first_seq(&messages->transfers);
	uint64_t delivery = transfers_first_seq(&messages->deliveries);

	return transfer < delivery ? transfer : delivery;
}

int messages_take(struct messages *messages, const json_t *json, uint64_t seq)
{
	struct log_line line;
	uint64_t again = first_gathered(messages);

	if (outbox_is_full(&messages->outbox) && outbox_flush(&messages->outbox) != 0)
		return -1;
	log_line_read(json, seq, &line);
	if (outbox_line(&messages->outbox, seq, members_text(json, "hash"),
			again < seq ? again : seq) != 0)
		return -1;
	tell_messages_of(messages, &line);
	return 0;
}

int messages_flush(struct messages *messages)
{
	return outbox_flush(&messages->outbox);
}

uint64_t messages_needed_seq(const struct messages *messages)
{
	uint64_t gathered = first_gathered(messages);
	uint64_t waiting = outbox_needed_seq(&messages->outbox);

	return gathered < waiting ? gathered : waiting;
}
