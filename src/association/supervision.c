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
	    (report->begin_told && audit_begin_again(report->channel, &report->instance,
						     report->last_fragment_told) != 0))
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

static void take_papers(struct association *association,
			const struct association_notice *notice, const int *came,
			size_t count)
{
	int papers[ASSOCIATION_PAPER_COUNT];

	contact_sort_out(notice->papers, came, count, papers, ASSOCIATION_PAPER_COUNT);
	entry_revise(association, papers);
	for (size_t i = 0; i < count; i++)
		close(came[i]);
}

/* One notice: 1; 0 when there is none now; -1 when the supervisor is gone. */
MUST_USE static int receive_notice(struct association *association,
				   struct association_notice *ret)
{
	struct contact *contact = &association->supervision.contact;
	int came[ASSOCIATION_PAPER_COUNT], got;
	size_t count;

	got = contact_receive(contact, ret, came, &count);
	if (got <= 0)
		return got;
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
		contact_take_call(contact, &ret->called, came, count,
				  association->out.trusts);
		break;
	case ASSOCIATION_AUDITOR:
		if (count == 1)
			take_auditor(association, came[0]);
		break;
	case ASSOCIATION_SPOOLER:
		if (count == 1)
			spool_client_adopt(&association->spool.client, came[0]);
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
		association->supervision.contact.is_gone = true;
		take_stop(association);
	}
	return got;
}

/* Waits for a notice of one of the two kinds. */
MUST_USE static int await_notice(struct association *association,
				 enum association_notice_kind kind,
				 enum association_notice_kind other, int64_t timeout_ms,
				 struct association_notice *ret)
{
	int64_t end_ms = clock_ms() + timeout_ms;

	for (;;) {
		struct pollfd channel = { .fd = association->supervision.contact.channel,
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

/* What each notice says. */
static void fill_notice(const struct association *association,
			struct association_notice *notice)
{
	notice->figures = association->supervision.figures;
	if (association->entry.now)
		snprintf(notice->modality, sizeof(notice->modality), "%s",
			 association->entry.now->name);
	if (association->destination)
		snprintf(notice->destination, sizeof(notice->destination), "%s",
			 association->destination->name);
}

/* 0, or -1 when the supervisor is gone. */
static int send_notice(struct association *association, struct association_notice notice)
{
	fill_notice(association, &notice);
	return contact_send(&association->supervision.contact, &notice);
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
	    await_notice(association, ASSOCIATION_GRANTED, ASSOCIATION_DENIED, ANSWER_MS,
			 &notice) != 0) {
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

int supervision_dial(void *context, struct leg *leg, size_t number,
		     struct outbound_call *ret)
{
	struct association *association = context;
	struct association_notice asked = { .kind = ASSOCIATION_ASKS_CONNECTION };

	fill_notice(association, &asked);
	return contact_dial(&association->supervision.contact, &asked, leg, number, ret);
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
	if (send(association->supervision.contact.channel, &notice, sizeof(notice),
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
	if (await_notice(association, ASSOCIATION_AUDITOR, ASSOCIATION_AUDITOR, ANSWER_MS,
			 &notice) != 0)
		return -1;
	association->report.channel_is_new = false;
	return 0;
}

bool supervision_renew_spooler(struct association *association, int64_t end_ms)
{
	struct association_notice notice = { .kind = ASSOCIATION_ASKS_SPOOLER };

	if (supervision_listen(association) == 0 &&
	    association->spool.client.channel < 0 &&
	    send_notice(association, notice) == 0 && end_ms > clock_ms())
		(void)!await_notice(association, ASSOCIATION_SPOOLER, ASSOCIATION_STOP,
				    end_ms - clock_ms(), &notice);
	return association->spool.client.channel >= 0;
}
