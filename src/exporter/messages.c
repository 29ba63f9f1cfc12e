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

#define HOUR_SIZE (sizeof("2026-01-31T12") - 1)

struct messages {
	const struct config *config;
	struct outbox outbox;
	struct transfers transfers;
	char hour[HOUR_SIZE + 1]; /* of the last line */
	bool tell_all;		  /* before the next line is taken */
};

struct messages *messages_open(const struct config *config, struct position *ret_resume)
{
	static bool is_failing;
	const char *directory = config->audit.messages.path;
	struct messages *messages = memory_resize(NULL, 1, sizeof(*messages));

	*messages = (struct messages){
		.config = config,
		.transfers = { .config = config },
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
	free(messages);
}

void messages_gap(struct messages *messages, uint64_t seq)
{
	(void)seq; /* the next line names the messages of what is gathered */
	messages->tell_all = true;
}

/* With each hour by the log's times all that was gathered is told: an association may be
 * open for days, and its end may be missing. The hour is not each association's own:
 * transfers.h says why. */
static bool is_new_hour(struct messages *messages, const struct log_line *line)
{
	bool is_new =
		messages->hour[0] && strncmp(messages->hour, line->time, HOUR_SIZE) != 0;

	strncpy(messages->hour, line->time, HOUR_SIZE);
	return is_new;
}

static void tell_messages_of(struct messages *messages, const struct log_line *line)
{
	struct transfers *transfers = &messages->transfers;
	struct outbox *outbox = &messages->outbox;
	bool is_new = is_new_hour(messages, line);

	if (is_new || messages->tell_all || log_line_is(line, "start", NULL))
		transfers_tell(transfers, line, outbox);
	messages->tell_all = false;
	/* A line that sums refused instances up is no transfer's. */
	if (log_line_is(line, "instance", NULL) && line->association[0])
		transfers_add(transfers, line, outbox);
	if (log_line_is(line, "association", "released") ||
	    log_line_is(line, "association", "aborted"))
		transfers_end(transfers, line, outbox);
	alerts_take(messages->config, line, outbox);
	if (transfers_are_many(transfers))
		transfers_tell(transfers, line, outbox);
}

int messages_take(struct messages *messages, const json_t *json, uint64_t seq)
{
	struct log_line line;
	uint64_t again = transfers_first_seq(&messages->transfers);

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
	uint64_t gathered = transfers_first_seq(&messages->transfers);
	uint64_t waiting = outbox_needed_seq(&messages->outbox);

	return gathered < waiting ? gathered : waiting;
}
