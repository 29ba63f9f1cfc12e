#include "cathgate/observer/alerter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/base/utc.h"

#include "alert_command.h"
#include "alert_held.h"
#include "alert_queue.h"
#include "follower.h"
#include "problems.h"

#define LOOK_MS	 1000 /* as often as snapshots come */
#define NICENESS 5

struct alerter {
	const struct config *config;
	int supervisor;
	bool is_ending;
	struct snapshot snapshot;
	struct tally tally;
	struct follower log;
	struct alert_held held;
	struct alert_queue queue;
	struct alert_command command;
	struct alerter_totals totals;
	int64_t look_ms;
};

static void say(void *context, const char *alert, const json_t *problem)
{
	struct alerter *alerter = context;
	char now[UTC_TEXT_SIZE];
	json_t *object = json_pack("{s:s}", "alert", alert);

	utc_text_seconds(time(NULL), now);
	json_object_set_new(object, "node", json_string(alerter->config->gateway_name));
	json_object_set_new(object, "time", json_string(now));
	json_object_set(object, "problem", json_object_get(problem, "problem"));
	json_object_set(object, "level", json_object_get(problem, "level"));
	json_object_set(object, "subject", json_object_get(problem, "subject"));
	json_object_set(object, "text", json_object_get(problem, "text"));
	alert_queue_add(&alerter->queue, object);
}

static void tell_totals(const struct alerter *alerter)
{
	if (send(alerter->supervisor, &alerter->totals, sizeof(alerter->totals),
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("the supervisor doesn't listen: %s", strerror(errno));
}

/* A failure that is followed by a success within a second isn't in any look. */
static void touch_destination(struct alerter *alerter, const char *name)
{
	const struct tally_destination *known = tally_find(&alerter->tally, name);
	json_t *problem = known ? problems_of_destination(known) : NULL;

	if (problem)
		alert_held_touch(&alerter->held, problem);
	json_decref(problem);
}

/* A line of the log that no alerter has heard of yet. What is a problem, too, is told as
 * one. */
static void hear_line(void *context, const json_t *line)
{
	const char *reason = members_text(line, "reason");
	struct alerter *alerter = context;
	json_t *problem;

	touch_destination(alerter, members_text(line, "destination"));
	if (strcmp(members_text(line, "event"), "alert") != 0)
		return;
	alerter->totals.heard = alerter->tally.sequence + 1;
	tell_totals(alerter);
	if (problems_have_alert(reason))
		return;
	problem = json_pack("{s:s,s:s,s:s,s:s}", "problem", reason, "level", "warning",
			    "subject", "", "text", members_text(line, "detail"));
	say(alerter, "raised", problem);
	json_decref(problem);
}

/* A start and a stop are meant. */
static bool is_told(const json_t *problem)
{
	const char *what = json_string_value(json_object_get(problem, "problem"));
	const char *level = json_string_value(json_object_get(problem, "level"));

	return strcmp(what, "not-serving") != 0 || strcmp(level, "warning") != 0;
}

static void look(struct alerter *alerter)
{
	json_t *now, *told, *item;
	size_t i;

	alerter->look_ms = clock_ms() + LOOK_MS;
	if (!alerter->snapshot.memory || alerter->log.has_more)
		return; /* it isn't known yet how things are */
	now = problems_list(&alerter->snapshot, &alerter->tally);
	told = json_array();
	json_array_foreach(now, i, item) if (is_told(item)) json_array_append(told, item);
	if (now && told)
		alert_held_look(&alerter->held, told, clock_ms(), say, alerter);
	json_decref(told);
	json_decref(now);
}

static void command_failed(struct alerter *alerter)
{
	json_t *dropped = alert_queue_failed(&alerter->queue);

	if (dropped) {
		alerter->totals.dropped++;
		log_error("an alert is dropped after %d tries: %s", ALERTER_TRIES,
			  members_text(dropped, "text"));
	} else {
		alerter->totals.failed++;
	}
	json_decref(dropped);
	tell_totals(alerter);
}

static void run_next(struct alerter *alerter)
{
	const json_t *alert = alert_queue_next(&alerter->queue);
	char *text = alert ? json_dumps(alert, JSON_COMPACT) : NULL;

	if (!alert)
		return;
	if (!text || alert_command_start(&alerter->command, text) != 0) {
		log_error("alerts.command can't be started: %s", strerror(errno));
		command_failed(alerter);
	}
	free(text);
}

static void look_at_command(struct alerter *alerter)
{
	if (alerter->command.pid > 0) {
		switch (alert_command_look(&alerter->command)) {
		case ALERT_COMMAND_RUNS:
			return;
		case ALERT_COMMAND_DONE:
			alert_queue_done(&alerter->queue);
			alerter->totals.done++;
			tell_totals(alerter);
			break;
		case ALERT_COMMAND_FAILED:
			command_failed(alerter);
			break;
		}
	}
	run_next(alerter);
}

static void wait_and_work(struct alerter *alerter)
{
	struct pollfd fds[] = {
		{ .fd = alerter->supervisor, .events = POLLIN },
		{ .fd = follower_descriptor(&alerter->log), .events = POLLIN },
		{ .fd = alerter->command.process, .events = POLLIN },
		{ .fd = alerter->command.output, .events = POLLIN },
	};

	/* An output that the command has closed would wake this up for ever. */
	if (poll(fds, alerter->command.output_ended ? 3 : 4,
		 (int)follower_wait_ms(&alerter->log, alerter->look_ms - clock_ms())) < 0)
		return;
	if (fds[0].revents)
		switch (snapshot_receive(&alerter->snapshot, alerter->supervisor)) {
		case SNAPSHOT_NEW:
			tally_names(&alerter->tally, &alerter->snapshot);
			break;
		case SNAPSHOT_HUNG_UP:
			alerter->is_ending = true;
			break;
		case SNAPSHOT_NONE:
			break;
		}
	if (fds[1].revents || follower_is_due(&alerter->log))
		follower_read(&alerter->log, &alerter->tally);
	if (clock_ms() >= alerter->look_ms)
		look(alerter);
	look_at_command(alerter);
}

bool alerter_is_wanted(const struct config *config)
{
	return config->alerts.command.count > 0;
}

void alerter_check(const struct config *config, struct config_faults *faults)
{
	const struct config_alerts *alerts = &config->alerts;
	const char *path = alerts->command.count > 0 ? alerts->command.items[0] : NULL;
	struct stat status;

	if (!path)
		return;
	if (path[0] != '/')
		config_fault_add(faults, CONFIG_ERROR, &alerts->place,
				 "%s is no absolute path; write the program's whole path",
				 path);
	else if (stat(path, &status) != 0)
		config_fault_add(faults, CONFIG_ERROR, &alerts->place,
				 "%s: %s; name a program that is there", path,
				 strerror(errno));
	else if (!S_ISREG(status.st_mode) || access(path, X_OK) != 0)
		config_fault_add(faults, CONFIG_ERROR, &alerts->place,
				 "%s can't be run; chmod 0755 %s", path, path);
	else if (status.st_mode & (S_IWGRP | S_IWOTH))
		config_fault_add(faults, CONFIG_ERROR, &alerts->place,
				 "%s can be changed by others than its owner; chmod 0755 "
				 "%s",
				 path, path);
	else
		config_check_owner(faults, &alerts->place, path, status.st_uid);
}

int alerter_run(int supervisor, const struct config *config, uint64_t heard,
		const struct sandbox_program *sandbox)
{
	struct alerter alerter = {
		.config = config,
		.supervisor = supervisor,
		.log = { .path = config->audit.file.path,
			 .for_whom = "alerts",
			 .on_new = hear_line,
			 .unheard = heard },
		.totals = { .heard = heard },
		.command = { .words = &config->alerts.command,
			     .process = -1,
			     .output = -1 },
	};
	int status = 1;

	alerter.log.context = &alerter;
	setpriority(PRIO_PROCESS, 0, NICENESS);
	signal(SIGPIPE, SIG_IGN);
	if (tally_open(&alerter.tally) != 0 ||
	    alert_queue_open(&alerter.queue, config->gateway_name) != 0) {
		log_error("no memory for the alerter");
		goto out;
	}
	if (sandbox_enter(sandbox, NULL, 0) != 0)
		goto out;
	follower_read(&alerter.log, &alerter.tally);
	while (!alerter.is_ending)
		wait_and_work(&alerter);
	status = 0;
out:
	alert_command_stop(&alerter.command);
	follower_close(&alerter.log);
	alert_queue_close(&alerter.queue);
	tally_close(&alerter.tally);
	snapshot_free(&alerter.snapshot);
	alert_held_clear(&alerter.held);
	return status;
}
