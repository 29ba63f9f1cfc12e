/*
 * Words from and to the supervisor.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define FIGURES_EVERY_MS 500
#define ANSWER_MS	 10000 /* the supervisor never blocks: a later answer is none */

static void stop(struct association *association)
{
	if (association->stopping)
		return;
	association->stopping = true;
	association->grace_deadline_ms =
		clock_ms() + (int64_t)association->config->limits.grace_seconds * 1000;
}

static void take_auditor(struct association *association, int line)
{
	close(association->auditor);
	association->auditor = line;
	association->auditor_is_new = true;
	if (!association->last_word_said)
		report_introduce(association);
}

static void take_papers(struct association *association,
			const struct association_notice *word, const int *came,
			size_t count)
{
	int papers[ASSOCIATION_PAPER_COUNT];
	size_t used = 0;

	for (size_t i = 0; i < ASSOCIATION_PAPER_COUNT; i++)
		papers[i] = (word->papers & 1U << i) && used < count ? came[used++] : -1;
	revision_take(association, papers);
	for (size_t i = 0; i < count; i++)
		close(came[i]);
}

static void take_pace(struct association *association,
		      const struct association_pace *pace)
{
	/* What came while there was no limit is not held against it. */
	if (association->bytes_per_second == 0) {
		association->allowance_bytes = pace->bytes_per_second;
		association->allowance_us = clock_us();
	}
	association->bytes_per_second = pace->bytes_per_second;
	leg_take_turns(association, pace->instances_per_minute);
}

/* One word: 1; 0 when there is none now; -1 when the supervisor is gone. */
static int receive(struct association *association, struct association_notice *ret)
{
	int came[ASSOCIATION_PAPER_COUNT];
	size_t count;
	ssize_t size =
		descriptors_receive(association->supervisor, ret, sizeof(*ret), came,
				    ASSOCIATION_PAPER_COUNT, &count, MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return 0;
	if (size != (ssize_t)sizeof(*ret))
		return -1;

	switch (ret->kind) {
	case ASSOCIATION_STOP:
		stop(association);
		break;
	case ASSOCIATION_GRANTED:
	case ASSOCIATION_PACE:
		take_pace(association, &ret->pace);
		break;
	case ASSOCIATION_REVISED:
		take_papers(association, ret, came, count);
		break;
	case ASSOCIATION_AUDITOR:
		if (count == 1)
			take_auditor(association, came[0]);
		break;
	default:
		break;
	}
	return 1;
}

int supervision_listen(struct association *association)
{
	struct association_notice word;
	int got;

	do {
		got = receive(association, &word);
	} while (got > 0);
	if (got < 0)
		stop(association);
	return got;
}

/* Waits for a word of one of the two kinds. */
static int await(struct association *association, enum association_notice_kind kind,
		 enum association_notice_kind other, struct association_notice *ret)
{
	int64_t end_ms = clock_ms() + ANSWER_MS;

	for (;;) {
		struct pollfd line = { .fd = association->supervisor, .events = POLLIN };
		int64_t left_ms = end_ms - clock_ms();
		int got = receive(association, ret);

		if (got < 0)
			return -1;
		if (got > 0 && (ret->kind == kind || ret->kind == other))
			return 0;
		if (got == 0 && left_ms <= 0)
			return -1;
		if (got == 0)
			poll(&line, 1, (int)left_ms);
	}
}

static int send_word(struct association *association, enum association_notice_kind kind,
		     time_t until)
{
	struct association_notice word = { .kind = kind,
					   .until = until,
					   .figures = association->figures };

	if (association->entry)
		snprintf(word.modality, sizeof(word.modality), "%s",
			 association->entry->name);
	if (association->destination)
		snprintf(word.destination, sizeof(word.destination), "%s",
			 association->destination->name);
	return send(association->supervisor, &word, sizeof(word), MSG_NOSIGNAL) ==
			       (ssize_t)sizeof(word)
		       ? 0
		       : -1;
}

void supervision_authenticated(struct association *association)
{
	if (send_word(association, ASSOCIATION_AUTHENTICATED, 0) != 0)
		log_debug("the supervisor is gone");
}

void supervision_saw_destination(struct association *association, time_t until)
{
	if (until == association->out_shown_until)
		return;
	association->out_shown_until = until;
	if (send_word(association, ASSOCIATION_SAW_DESTINATION, until) != 0)
		log_debug("the supervisor is gone");
}

int supervision_ask_place(struct association *association, enum reason *ret_reason,
			  uint8_t *ret_rejection_reason)
{
	struct association_notice word;
	time_t until = association->authenticated ? association->peer.shown_until : 0;

	if (send_word(association, ASSOCIATION_ASKS_PLACE, until) != 0 ||
	    await(association, ASSOCIATION_GRANTED, ASSOCIATION_DENIED, &word) != 0) {
		*ret_reason = REASON_GATEWAY_STOPPING;
		*ret_rejection_reason = 1;
		return -1;
	}
	if (word.kind == ASSOCIATION_DENIED) {
		*ret_reason = word.reason;
		*ret_rejection_reason = (uint8_t)word.rejection_reason;
		return -1;
	}
	association->has_place = true;
	return 0;
}

void supervision_return_place(struct association *association)
{
	if (!association->has_place)
		return;
	association->has_place = false;
	if (send_word(association, ASSOCIATION_RETURNS_PLACE, 0) != 0)
		log_debug("the supervisor is gone");
}

int64_t supervision_figures_due_ms(const struct association *association)
{
	const struct association_figures *told = &association->figures_told;

	if (!association->established ||
	    (told->bytes == association->figures.bytes &&
	     told->instances == association->figures.instances))
		return 0;
	return association->figures_told_ms + FIGURES_EVERY_MS;
}

/* One that doesn't get through is made up for by the next: they are sums. */
void supervision_tell_figures(struct association *association)
{
	int64_t due_ms = supervision_figures_due_ms(association);
	struct association_notice word = { .kind = ASSOCIATION_TELLS_FIGURES,
					   .figures = association->figures };

	if (due_ms == 0 || clock_ms() < due_ms)
		return;
	association->figures_told_ms = clock_ms();
	if (send(association->supervisor, &word, sizeof(word),
		 MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(word))
		association->figures_told = association->figures;
}

int supervision_renew_auditor(struct association *association)
{
	struct association_notice word;
	bool came = association->auditor_is_new;

	association->auditor_is_new = false;
	if (came)
		return 0;
	if (await(association, ASSOCIATION_AUDITOR, ASSOCIATION_AUDITOR, &word) != 0)
		return -1;
	association->auditor_is_new = false;
	return 0;
}
