#include "supervision.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define FIGURES_EVERY_MS 500
#define ANSWER_MS	 10000 /* the supervisor never blocks: a later answer is none */

static void take_stop(struct association *association)
{
	struct supervision *supervision = &association->supervision;

	if (supervision->is_stopping)
		return;
	supervision->is_stopping = true;
	supervision->grace_until_ms =
		clock_ms() + (int64_t)association->config->limits.grace_seconds * 1000;
}

/* Tells a new auditor what its predecessor knew. */
static void introduce_to_auditor(const struct association *association)
{
	const struct report *report = &association->report;
	struct audit_record record = report->record;

	record.outcome = association->established ? AUDIT_ACCEPTED : AUDIT_NO_OUTCOME;
	if (audit_announce(report->channel, &record) != 0 ||
	    (report->begin_told &&
	     audit_begin(report->channel, &report->instance) != 0) ||
	    (report->last_fragment_told && audit_last_fragment(report->channel) != 0))
		log_debug("the new auditor is gone as well");
}

static void take_auditor(struct association *association, int channel)
{
	struct report *report = &association->report;

	close(report->channel);
	report->channel = channel;
	report->channel_is_new = true;
	if (!report->last_word_said)
		introduce_to_auditor(association);
}

/* What came, each in its place: those whose bits are set, in order. -1 where none is.
 * False when one is missing, because the process has no descriptor left for it. */
static bool sort_out(uint32_t bits, const int *came, size_t count, int *ret, size_t kinds)
{
	size_t used = 0;
	bool is_whole = true;

	for (size_t i = 0; i < kinds; i++) {
		bool is_named = bits & 1U << i;

		ret[i] = is_named && used < count ? came[used++] : -1;
		is_whole = is_whole && (!is_named || ret[i] >= 0);
	}
	return is_whole;
}

static void take_papers(struct association *association,
			const struct association_notice *notice, const int *came,
			size_t count)
{
	int papers[ASSOCIATION_PAPER_COUNT];

	sort_out(notice->papers, came, count, papers, ASSOCIATION_PAPER_COUNT);
	entry_revise(association, papers);
	for (size_t i = 0; i < count; i++)
		close(came[i]);
}

/* One that nobody waits for any longer is closed: it was for a wait that was interrupted.
 */
static void take_call(struct association *association,
		      const struct association_call *called, const int *came,
		      size_t count)
{
	struct supervision *supervision = &association->supervision;
	int brought[ASSOCIATION_BROUGHT_COUNT];
	bool is_whole =
		sort_out(called->brings, came, count, brought, ASSOCIATION_BROUGHT_COUNT);
	struct outbound_call call = { .fd = brought[ASSOCIATION_SOCKET],
				      .signer = brought[ASSOCIATION_SIGNER],
				      .error = called->error,
				      .address = called->address,
				      .count = called->count,
				      .trusts = association->out.trusts };

	supervision->call_is_due = false;
	if (!supervision->call_is_wanted || !is_whole) {
		outbound_hang_up(&call);
		call.fd = call.signer = -1;
		call.error = EMFILE;
	}
	if (supervision->call_is_wanted)
		supervision->call = call;
}

/* One notice: 1; 0 when there is none now; -1 when the supervisor is gone. */
MUST_USE static int receive_notice(struct association *association,
				   struct association_notice *ret)
{
	int came[ASSOCIATION_PAPER_COUNT];
	size_t count;
	ssize_t size =
		descriptors_receive(association->supervision.channel, ret, sizeof(*ret),
				    came, ASSOCIATION_PAPER_COUNT, &count, MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return 0;
	if (size != (ssize_t)sizeof(*ret))
		return -1;

	switch (ret->kind) {
	case ASSOCIATION_STOP:
		take_stop(association);
		break;
	case ASSOCIATION_GRANTED:
	case ASSOCIATION_PACE:
		association->supervision.fastest = ret->pace;
		association->supervision.fastest_since_us = clock_us();
		break;
	case ASSOCIATION_REVISED:
		take_papers(association, ret, came, count);
		break;
	case ASSOCIATION_CONNECTION:
		take_call(association, &ret->called, came, count);
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
	struct association_notice notice;
	int got;

	do {
		got = receive_notice(association, &notice);
	} while (got > 0);
	if (got < 0) {
		association->supervision.is_gone = true;
		take_stop(association);
	}
	return got;
}

/* Waits for a notice of one of the two kinds. */
MUST_USE static int await_notice(struct association *association,
				 enum association_notice_kind kind,
				 enum association_notice_kind other,
				 struct association_notice *ret)
{
	int64_t end_ms = clock_ms() + ANSWER_MS;

	for (;;) {
		struct pollfd channel = { .fd = association->supervision.channel,
					  .events = POLLIN };
		int64_t left_ms = end_ms - clock_ms();
		int got = receive_notice(association, ret);

		if (got < 0)
			return -1;
		if (got > 0 && (ret->kind == kind || ret->kind == other))
			return 0;
		if (got == 0 && left_ms <= 0)
			return -1;
		if (got == 0)
			poll(&channel, 1, (int)left_ms);
	}
}

/* Adds what each notice says. 0, or -1 when the supervisor is gone. */
static int send_notice(struct association *association, struct association_notice notice)
{
	notice.figures = association->supervision.figures;
	if (association->entry.now)
		snprintf(notice.modality, sizeof(notice.modality), "%s",
			 association->entry.now->name);
	if (association->destination)
		snprintf(notice.destination, sizeof(notice.destination), "%s",
			 association->destination->name);
	if (send(association->supervision.channel, &notice, sizeof(notice),
		 MSG_NOSIGNAL) == (ssize_t)sizeof(notice))
		return 0;
	log_debug("the supervisor is gone");
	return -1;
}

void supervision_authenticated(struct association *association)
{
	send_notice(association,
		    (struct association_notice){ .kind = ASSOCIATION_AUTHENTICATED });
}

void supervision_saw_destination(struct association *association, time_t until)
{
	if (until == association->supervision.shown_until)
		return;
	association->supervision.shown_until = until;
	send_notice(association,
		    (struct association_notice){ .kind = ASSOCIATION_SAW_DESTINATION,
						 .until = until });
}

int supervision_ask_place(struct association *association, enum reason *ret_reason,
			  uint8_t *ret_rejection_reason)
{
	struct association_notice notice;
	struct association_notice asked = { .kind = ASSOCIATION_ASKS_PLACE };

	if (association->is_authenticated)
		asked.until = association->peer.shown_until;
	if (send_notice(association, asked) != 0 ||
	    await_notice(association, ASSOCIATION_GRANTED, ASSOCIATION_DENIED, &notice) !=
		    0) {
		*ret_reason = REASON_GATEWAY_STOPPING;
		*ret_rejection_reason = 1;
		return -1;
	}
	if (notice.kind == ASSOCIATION_DENIED) {
		*ret_reason = notice.reason;
		*ret_rejection_reason = (uint8_t)notice.rejection_reason;
		return -1;
	}
	association->supervision.has_place = true;
	return 0;
}

void supervision_return_place(struct association *association)
{
	if (!association->supervision.has_place)
		return;
	association->supervision.has_place = false;
	send_notice(association,
		    (struct association_notice){ .kind = ASSOCIATION_RETURNS_PLACE });
}

/* Until the connection that was asked for has come. The leg's owner hears all notices
 * meanwhile. */
MUST_USE static int await_call(struct supervision *supervision, struct leg *leg)
{
	while (supervision->call_is_due) {
		if (supervision->is_gone)
			leg->interrupted = REASON_GATEWAY_STOPPING;
		if (leg_wait(leg, supervision->channel, POLLIN) != 0)
			return -1;
	}
	return 0;
}

int supervision_dial(void *context, struct leg *leg, size_t number,
		     struct outbound_call *ret)
{
	struct association *association = context;
	struct supervision *supervision = &association->supervision;
	struct association_notice asked = { .kind = ASSOCIATION_ASKS_CONNECTION,
					    .number = (uint32_t)number };
	int rc;

	/* The supervisor takes one request at a time, and an earlier one may still be
	 * due. */
	if (await_call(supervision, leg) != 0)
		return -1;
	supervision->call_is_due = supervision->call_is_wanted = true;
	supervision->call = (struct outbound_call){ .fd = -1, .signer = -1 };
	if (send_notice(association, asked) != 0)
		supervision->is_gone = true;
	rc = await_call(supervision, leg);
	supervision->call_is_wanted = false;
	if (rc == 0)
		*ret = supervision->call;
	else /* it may have come with what interrupts the wait */
		outbound_hang_up(&supervision->call);
	return rc;
}

int64_t supervision_figures_due_ms(const struct association *association)
{
	const struct association_figures *told = &association->supervision.figures_told;

	if (!association->established ||
	    (told->bytes == association->supervision.figures.bytes &&
	     told->instances == association->supervision.figures.instances))
		return 0;
	return association->supervision.figures_told_ms + FIGURES_EVERY_MS;
}

/* A notice that doesn't get through is made up for by the next, since figures are sums.
 */
void supervision_tell_figures(struct association *association)
{
	int64_t due_ms = supervision_figures_due_ms(association);
	struct association_notice notice = { .kind = ASSOCIATION_TELLS_FIGURES,
					     .figures =
						     association->supervision.figures };

	if (due_ms == 0 || clock_ms() < due_ms)
		return;
	association->supervision.figures_told_ms = clock_ms();
	if (send(association->supervision.channel, &notice, sizeof(notice),
		 MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(notice))
		association->supervision.figures_told = association->supervision.figures;
}

int supervision_renew_auditor(struct association *association)
{
	struct association_notice notice;
	bool came = association->report.channel_is_new;

	association->report.channel_is_new = false;
	if (came)
		return 0;
	if (await_notice(association, ASSOCIATION_AUDITOR, ASSOCIATION_AUDITOR,
			 &notice) != 0)
		return -1;
	association->report.channel_is_new = false;
	return 0;
}
