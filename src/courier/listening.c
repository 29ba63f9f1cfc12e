#include "internal.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/memory_file.h"

#define AUDITOR_MS 10000

static void take_stop(struct courier *courier)
{
	if (courier->is_stopping)
		return;
	courier->is_stopping = true;
	courier->grace_until_ms =
		clock_ms() + courier->start->config->limits.grace_seconds * 1000LL;
}

static void take_papers(struct courier *courier, const struct association_notice *notice,
			const int *came, size_t count)
{
	int papers[ASSOCIATION_PAPER_COUNT];
	uint8_t *bytes;
	size_t size = 0;

	contact_sort_out(notice->papers, came, count, papers, ASSOCIATION_PAPER_COUNT);
	bytes = memory_file_read(papers[ASSOCIATION_WAY], &size);
	courier->is_astray = !bytes || size != sizeof(courier->way);
	if (!courier->is_astray)
		courier->way = *(const struct outbound_way *)bytes;
	outbound_revise_way(&courier->out, courier->is_astray ? NULL : &courier->way);
	free(bytes);
	if (papers[ASSOCIATION_CLIENT_TRUST] >= 0 && courier->out.setup.context) {
		bytes = memory_file_read(papers[ASSOCIATION_CLIENT_TRUST], &size);
		outbound_revise_trust(&courier->out, bytes, size);
		free(bytes);
	}
}

/* Tells a new auditor what its predecessor knew. */
static void take_auditor(struct courier *courier, int channel)
{
	close(courier->auditor);
	courier->auditor = channel;
	courier->auditor_is_new = true;
	if (courier->begin_told && audit_begin_again(channel, &courier->record,
						     courier->last_fragment_told) != 0)
		log_debug("the new auditor is gone as well");
}

/* 1; 0 when there is nothing now; -1. */
static int hear_one(struct courier *courier)
{
	struct association_notice notice;
	int came[ASSOCIATION_PAPER_COUNT];
	size_t count = 0, kept = 0;
	int got = contact_receive(&courier->contact, &notice, came, &count);

	if (got <= 0)
		return got;
	switch (notice.kind) {
	case ASSOCIATION_STOP:
		take_stop(courier);
		break;
	case ASSOCIATION_REVISED:
		take_papers(courier, &notice, came, count);
		break;
	case ASSOCIATION_CONNECTION:
		contact_take_call(&courier->contact, &notice.called, came, count,
				  courier->out.trusts);
		kept = count;
		break;
	case ASSOCIATION_AUDITOR:
		kept = count == 1;
		if (count == 1)
			take_auditor(courier, came[0]);
		break;
	default:
		break;
	}
	for (size_t i = kept; i < count; i++)
		close(came[i]);
	return 1;
}

void courier_listen(struct courier *courier)
{
	int got;

	do
		got = hear_one(courier);
	while (got > 0);
	if (got < 0) {
		courier->contact.is_gone = true;
		take_stop(courier);
	}
}

static bool is_to_stop_now(const struct courier *courier)
{
	return courier->is_stopping &&
	       (!courier->has_object || courier->contact.is_gone ||
		clock_ms() >= courier->grace_until_ms);
}

static void begin_wait(void *context, struct leg_poll *ret)
{
	const struct courier *courier = context;

	ret->fds[1] = (struct pollfd){ .fd = courier->contact.is_gone
						     ? -1
						     : courier->contact.channel,
				       .events = POLLIN };
	ret->until_ms = courier->grace_until_ms;
}

static enum reason heard(void *context, struct leg_poll *polled)
{
	struct courier *courier = context;

	if (polled->fds[1].revents)
		courier_listen(courier);
	if (courier->contact.is_gone)
		polled->fds[1].fd = -1;
	polled->until_ms = courier->grace_until_ms;
	return is_to_stop_now(courier) ? REASON_GATEWAY_STOPPING : REASON_NONE;
}

static enum reason look_up(void *context)
{
	struct courier *courier = context;

	courier_listen(courier);
	return is_to_stop_now(courier) ? REASON_GATEWAY_STOPPING : REASON_NONE;
}

struct leg_owner courier_waits(struct courier *courier)
{
	return (struct leg_owner){ .begin = begin_wait,
				   .heard = heard,
				   .look_up = look_up,
				   .context = courier };
}

int courier_renew_auditor(struct courier *courier)
{
	int64_t end_ms = clock_ms() + AUDITOR_MS;

	while (!courier->auditor_is_new && !courier->contact.is_gone &&
	       clock_ms() < end_ms) {
		struct pollfd channel = { .fd = courier->contact.channel,
					  .events = POLLIN };

		if (poll(&channel, 1, (int)(end_ms - clock_ms())) > 0)
			courier_listen(courier);
	}
	if (!courier->auditor_is_new)
		return -1;
	courier->auditor_is_new = false;
	return 0;
}
