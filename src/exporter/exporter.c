/*
 * The exporter's loop: it works on the outlets by turns until the log holds no more or
 * none of them can go on. Then it waits for the log to grow, or for the first retry.
 */
#include "cathgate/exporter/exporter.h"

#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <sys/resource.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#include "outlet.h"

/* No process waits for the exporter, so it waits until lines share a sync of the log. */
#define GATHER_MS  200
#define NICENESS   5 /* the associations' processes come first */
#define OUTLET_MAX 2

struct exporter {
	int control;
	bool is_ending;
	int64_t end_ms; /* when ending */
	struct outlet outlets[OUTLET_MAX];
	size_t count;
};

bool exporter_finds_journal(const struct config_audit *audit)
{
	return audit->journal != CONFIG_JOURNAL_OFF && journal_exists();
}

/* Waits at most `wait_ms`, -1 for ever; less when told to end or, with `log`, when the
 * log grows. */
static void wait_for_change(struct exporter *e, int wait_ms, bool log)
{
	struct pollfd fds[1 + OUTLET_MAX] = { { .fd = e->control, .events = POLLIN } };

	for (size_t i = 0; i < e->count; i++)
		fds[1 + i] = (struct pollfd){
			.fd = log ? outlet_descriptor(&e->outlets[i]) : -1,
			.events = POLLIN,
		};
	poll(fds, 1 + e->count, wait_ms);
	if (!fds[0].revents || e->is_ending)
		return;
	e->is_ending = true;
	e->end_ms = clock_ms() + EXPORTER_FINISH_MS;
}

static void wait_idle(struct exporter *e)
{
	int64_t due_ms = INT64_MAX, left_ms;

	for (size_t i = 0; i < e->count; i++)
		if (outlet_due_ms(&e->outlets[i]) < due_ms)
			due_ms = outlet_due_ms(&e->outlets[i]);
	left_ms = due_ms - clock_ms();
	if (left_ms <= 0) {
		wait_for_change(e, 0, false);
		return;
	}
	wait_for_change(e, left_ms < INT_MAX ? (int)left_ms : -1, true);
	if (!e->is_ending)
		wait_for_change(e, GATHER_MS, false);
}

static void export_lines(struct exporter *e)
{
	bool was_ending = false;

	for (;;) {
		bool more = false;
		/* Told to end, each outlet tries once more at once. */
		bool must = e->is_ending && !was_ending;

		/* Noted before the lines are read: after the order to end the log gets
		 * none. */
		was_ending = e->is_ending;

		for (size_t i = 0; i < e->count; i++)
			if (outlet_work(&e->outlets[i], must) == OUTLET_MORE)
				more = true;
		if (was_ending && (!more || clock_ms() >= e->end_ms))
			return;
		wait_idle(e);
	}
}

static void add_outlet(struct exporter *e, enum outlet_kind kind,
		       const struct config *config)
{
	if (outlet_init(&e->outlets[e->count], kind, config) == 0)
		e->count++;
}

int exporter_run(int control, const struct config *config, bool journal)
{
	struct exporter e = { .control = control };
	size_t wanted = (size_t)journal + (config->audit.messages.path != NULL);

	if (journal)
		add_outlet(&e, OUTLET_JOURNAL, config);
	if (config->audit.messages.path)
		add_outlet(&e, OUTLET_MESSAGES, config);
	if (e.count == wanted) {
		setpriority(PRIO_PROCESS, 0, NICENESS);
		export_lines(&e);
	} else {
		log_error("no memory for the exporter");
	}
	for (size_t i = 0; i < e.count; i++)
		outlet_finish(&e.outlets[i]);
	return e.count == wanted ? 0 : 1;
}
