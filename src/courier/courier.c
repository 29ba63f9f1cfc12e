#include "internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/secrets.h"

/* Until there is an order. SPOOL_REST when the courier is to end. */
MUST_USE static enum spool_order await_order(struct courier *courier,
					     struct spool_work *ret)
{
	const struct courier_start *start = courier->start;
	const struct leg *leg = &courier->out.leg;
	enum spool_order order = SPOOL_NOTHING;

	while (order == SPOOL_NOTHING) {
		struct pollfd fds[3] = {
			{ .fd = start->spooler, .events = POLLIN },
			{ .fd = courier->contact.channel, .events = POLLIN },
			{ .fd = leg->ul ? leg->carrier.fd : -1, .events = POLLIN },
		};

		if (courier->is_stopping)
			return SPOOL_REST;
		if (poll(fds, 3, -1) <= 0)
			continue;
		if (fds[1].revents)
			courier_listen(courier);
		if (fds[2].revents && outbound_has_spoken(&courier->out))
			outbound_close_left(&courier->out);
		if (fds[0].revents && spool_work_hear(start->spooler, &order, ret) != 0)
			return SPOOL_REST;
	}
	return order;
}

static void serve(struct courier *courier)
{
	struct spool_work work;
	bool goes_on = true;

	reach_begin(courier);
	while (goes_on && spool_work_ask(courier->start->spooler) == 0) {
		if (await_order(courier, &work) != SPOOL_OBJECT)
			break;
		goes_on = deliver(courier, &work);
	}
	outbound_release(&courier->out);
}

int courier_run(const struct courier_start *start)
{
	struct courier *courier = calloc(1, sizeof(*courier));
	char context[64];
	int status = 1;

	snprintf(context, sizeof(context), "courier %s", start->id);
	log_context(context);
	secrets_begin();
	if (!courier) {
		log_error("no memory for a courier");
		return 1;
	}
	courier->start = start;
	courier->contact.channel = start->supervisor;
	courier->auditor = start->auditor;
	outbound_way_of(start->destination, &courier->way);
	leg_init(&courier->out.leg, &(struct leg_owner){ .context = courier });
	if (sandbox_enter(start->sandbox, NULL, 0) == 0) {
		serve(courier);
		status = 0;
	}
	close(courier->auditor);
	close(start->keeper);
	close(start->spooler);
	close(courier->contact.channel);
	free(courier);
	return status;
}
