/*
 * The exporter's loop: it works on the outlets by turns until the log holds no more or
 * none of them can go on. Then it waits for the log to grow, or for the first retry.
 */
#include "cathgate/exporter/exporter.h"

#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/process/process.h"

#include "outlet.h"

/* No process waits for the exporter, so it waits until lines share a sync of the log. */
#define GATHER_MS  200
#define NICENESS   5 /* the associations' processes come first */
#define OUTLET_MAX 2

struct exporter {
	int control;
	bool is_ending;
	int64_t end_ms; /* when ending */
	bool is_stale;	/* a folder that it wants is another than it may reach */
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
			switch (outlet_work(&e->outlets[i], must)) {
			case OUTLET_MORE:
				more = true;
				break;
			case OUTLET_FAILED:
				e->is_stale = e->is_stale || sandbox_is_stale();
				break;
			case OUTLET_IDLE:
				break;
			}
		if (e->is_stale)
			return;
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

/* The messages' folder must be there: a process can be let into no other. */
MUST_USE static int enter_sandbox(const struct config_audit *audit,
				  const struct sandbox_program *sandbox)
{
	char *folder = sandbox_folder_of(audit->file.path);
	const struct sandbox_path paths[] = { { folder, SANDBOX_CHANGE },
					      { "/dev/urandom", SANDBOX_READ },
					      { audit->messages.path, SANDBOX_CHANGE } };
	int result = -1;

	if (audit->messages.path)
		(void)!mkdir(audit->messages.path, 0750); /* the outlet says what fails */
	if (folder)
		result = sandbox_enter(sandbox, paths, audit->messages.path ? 3 : 2);
	free(folder);
	return result;
}

int exporter_run(int control, const struct config *config, bool journal,
		 const struct sandbox_program *sandbox)
{
	struct exporter e = { .control = control };
	size_t wanted = (size_t)journal + (config->audit.messages.path != NULL);
	int status = 0;

	if (journal)
		add_outlet(&e, OUTLET_JOURNAL, config);
	if (config->audit.messages.path)
		add_outlet(&e, OUTLET_MESSAGES, config);
	setpriority(PRIO_PROCESS, 0, NICENESS);
	if (e.count < wanted) {
		log_error("no memory for the exporter");
		status = 1;
	} else if (enter_sandbox(&config->audit, sandbox) != 0) {
		status = 1;
	} else {
		export_lines(&e);
	}
	for (size_t i = 0; i < e.count; i++)
		outlet_finish(&e.outlets[i]);
	return e.is_stale ? ROLE_ANEW : status;
}
