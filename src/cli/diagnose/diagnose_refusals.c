/*
 * `cathgate diagnose` alone: what was refused or failed lately, grouped by kind, and what
 * cures it.
 */
#include "diagnose.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/reason.h"
#include "cathgate/audit/summed.h"
#include "cli/kit/cli.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_ask.h"
#include "cli/kit/keep.h"
#include "cli/kit/moment.h"
#include "cli/kit/shown.h"

#define GROUPS_MAX 200 /* a scan from many addresses must not bury the rest */
#define SHOWN_MAX  10  /* nor somebody who shows many certificates; then one for all */
#define OF_MANY	   "\n*"

struct refusal_group {
	char *key; /* of the heap */
	json_t *last;
	int64_t moment;
	uint64_t count;
};

struct refusals {
	struct refusal_group groups[GROUPS_MAX];
	size_t count;
	uint64_t others;
	json_t *let_in;	 /* of diagnose_note_let_in */
	json_t *taken;	 /* when a destination last took an instance */
	json_t *spooled; /* when the spool last took one for it */
};

#define KEY_SIZE 1024

/* A sum over many addresses has the last of them, which means nothing. */
static bool is_of_others(const json_t *line)
{
	return summed_is_of_others(members_text(line, "association"),
				   members_text(line, "detail"));
}

static bool is_delivery(const json_t *line)
{
	return strcmp(members_text(line, "event"), "delivery") == 0;
}

static void group_key(const json_t *line, char ret[KEY_SIZE])
{
	static const char *const members[] = {
		"reason", "event", "modality", "calling_ae", "certificate", "destination"
	};
	size_t used;

	diagnose_host_of(is_of_others(line) ? "*" : members_text(line, "peer"), ret);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		used = strlen(ret);
		snprintf(ret + used, KEY_SIZE - used, "\n%s",
			 members_text(line, members[i]));
	}
	/* A try that failed isn't a verdict. */
	used = strlen(ret);
	if (is_delivery(line))
		snprintf(ret + used, KEY_SIZE - used, "\n%s",
			 members_text(line, "outcome"));
}

/* Makes room: frees the group that was silent for longest. */
static struct refusal_group *free_oldest(struct refusals *refusals)
{
	struct refusal_group *found = &refusals->groups[0];

	for (size_t i = 1; i < refusals->count; i++)
		if (refusals->groups[i].moment < found->moment)
			found = &refusals->groups[i];
	refusals->others += found->count;
	json_decref(found->last);
	free(found->key);
	*found = (struct refusal_group){ .key = NULL };
	return found;
}

static struct refusal_group *find_group(struct refusals *refusals, const char *key)
{
	for (size_t i = 0; i < refusals->count; i++)
		if (strcmp(refusals->groups[i].key, key) == 0)
			return &refusals->groups[i];
	return NULL;
}

/* Appends the certificate that was shown; or, where as many others were shown before it,
 * the mark of a group that stands for all further ones. */
static void add_shown(struct refusals *refusals, const json_t *line, char key[KEY_SIZE])
{
	const char *shown = members_text(line, "shown_certificate");
	size_t length = strlen(key), others = 0;

	for (size_t i = 0; shown[0] && i < refusals->count; i++)
		others += strncmp(refusals->groups[i].key, key, length) == 0 &&
			  refusals->groups[i].key[length] == '\n';
	snprintf(key + length, KEY_SIZE - length, "\n%s", shown);
	if (others >= SHOWN_MAX && !find_group(refusals, key))
		snprintf(key + length, KEY_SIZE - length, OF_MANY);
}

static bool is_of_many(const struct refusal_group *group)
{
	size_t length = strlen(group->key);

	return length >= strlen(OF_MANY) &&
	       strcmp(group->key + length - strlen(OF_MANY), OF_MANY) == 0;
}

static void add_refusal(struct refusals *refusals, json_t *line)
{
	struct refusal_group *group;
	char key[KEY_SIZE];

	group_key(line, key);
	add_shown(refusals, line, key);
	group = find_group(refusals, key);
	if (!group && refusals->count < GROUPS_MAX)
		group = &refusals->groups[refusals->count++];
	else if (!group)
		group = free_oldest(refusals);
	if (!group->key && !(group->key = strdup(key))) {
		complain_memory();
		exit(CLI_USAGE);
	}
	json_decref(group->last);
	group->last = json_incref(line);
	group->moment = moment_of_line(line);
	group->count += summed_count(members_text(line, "association"),
				     members_text(line, "detail"));
}

/* Whether somebody may want to know why: not of whom was let in, nor of what an operator
 * did in the spool. */
static bool is_to_explain(const json_t *line)
{
	static const char *const explained[] = { "forwarded", "failed", "unconfirmed",
						 "dead", "given-up" };
	const char *outcome = members_text(line, "outcome");
	bool is_explained = !is_delivery(line) && strcmp(outcome, "accepted") != 0;

	for (size_t i = 0; i < sizeof(explained) / sizeof(*explained); i++)
		is_explained |= strcmp(outcome, explained[i]) == 0;
	return is_explained && members_text(line, "reason")[0];
}

static void visit_for_refusals(void *context, json_t *line)
{
	struct refusals *refusals = context;
	const char *outcome = members_text(line, "outcome");
	const char *destination = members_text(line, "destination");
	json_t *well = strcmp(outcome, "forwarded") == 0 ? refusals->taken
		       : strcmp(outcome, "spooled") == 0 ? refusals->spooled
							 : NULL;

	diagnose_note_let_in(refusals->let_in, line);
	if (is_to_explain(line))
		add_refusal(refusals, line);
	if (well && destination[0])
		json_object_set_new(well, destination,
				    json_integer(moment_of_line(line)));
}

static int newest_first(const void *a, const void *b)
{
	const struct refusal_group *one = a, *other = b;

	return one->moment > other->moment ? -1 : one->moment < other->moment;
}

/* When that destination was last noted; MOMENT_NONE: never. */
static int64_t noted(const json_t *moments, const struct refusal_group *group)
{
	const json_t *moment =
		json_object_get(moments, members_text(group->last, "destination"));

	return moment ? (int64_t)json_integer_value(moment) : MOMENT_NONE;
}

/* Whether it is of an object that the spool keeps, and nobody tries to deliver: that
 * others go well cures nothing. */
static bool is_verdict(const json_t *line)
{
	const char *outcome = members_text(line, "outcome");

	return is_delivery(line) &&
	       (strcmp(outcome, "dead") == 0 || strcmp(outcome, "given-up") == 0);
}

/* When all went well again after the last refusal of a group; MOMENT_NONE: never. */
static int64_t well_since(const struct config *config, const struct refusals *refusals,
			  const struct refusal_group *group)
{
	enum reason reason = reason_of_name(members_text(group->last, "reason"));
	const struct reason_help *help = reason_help(reason);
	int64_t when = MOMENT_NONE;

	if (is_verdict(group->last))
		return MOMENT_NONE;
	if (reason == REASON_SPOOL_FULL || reason == REASON_SPOOL_UNAVAILABLE)
		when = noted(refusals->spooled, group);
	else if (help && help->place == REASON_PLACE_DESTINATION)
		when = noted(refusals->taken, group);
	else if (!help || help->place != REASON_PLACE_SPOOL)
		when = diagnose_let_in_since(config, refusals->let_in, group->last);
	return when > group->moment ? when : MOMENT_NONE;
}

static const char *courier_text(const json_t *line)
{
	const char *modality = members_text(line, "modality");

	return modality[0] ? keep_format("The gateway, with what %s sent", modality)
			   : "The gateway, with an object of its spool";
}

/* "AE CATHLAB3 came from 10.0.0.7 with certificate … (CN=angio)", as far as known. */
static const char *visitor_text(const struct refusal_group *group)
{
	const json_t *line = group->last;
	const char *calling = members_text(line, "calling_ae");
	const char *called = members_text(line, "called_ae");
	const char *peer = members_text(line, "peer");
	const char *certificate = diagnose_certificate_text(line);
	const char *destination = members_text(line, "destination");
	const char *text = is_delivery(line) ? courier_text(line)
			   : calling[0]	     ? keep_format("AE %s", calling)
			   : peer[0]	     ? "Somebody"
					     : "The gateway";

	if (peer[0])
		text = keep_format("%s came from %s%s", text,
				   is_of_others(line) ? "many addresses, last from " : "",
				   diagnose_host(peer));
	if (called[0] && !is_delivery(line))
		text = keep_format("%s, called %s", text, called);
	if (certificate[0])
		text = keep_format("%s, with %s %s", text,
				   is_of_many(group) ? "many certificates, last"
						     : "certificate",
				   certificate);
	else if (peer[0])
		text = keep_format("%s, and proved nothing", text);
	if (destination[0])
		text = keep_format("%s, for the destination %s", text, destination);
	return text;
}

static const char *cause_of(const json_t *line)
{
	const struct reason_help *help =
		reason_help(reason_of_name(members_text(line, "reason")));

	return help ? help->cause : "this program doesn't know that reason";
}

static const char *cure_of(const struct config *config, const struct refusals *refusals,
			   const json_t *line)
{
	return diagnose_cure(config, line,
			     diagnose_entry_of(config, refusals->let_in, line));
}

static void print_group(const struct diagnose *how, const struct config *config,
			const struct refusals *refusals,
			const struct refusal_group *group)
{
	const char *detail = summed_detail(members_text(group->last, "association"),
					   members_text(group->last, "detail"));
	int64_t well = well_since(config, refusals, group);
	char time[MOMENT_SIZE];

	moment_show(group->moment, how->utc, time);
	printf("%s  ", time);
	shown_text(stdout, members_text(group->last, "reason"));
	printf("  (");
	shown_text(stdout, members_text(group->last, "event"));
	putchar(' ');
	shown_text(stdout, members_text(group->last, "outcome"));
	if (group->count > 1)
		printf(", %" PRIu64 " times", group->count);
	puts(")");
	diagnose_print("  Who:   ", visitor_text(group));
	if (detail[0] && strcmp(detail, members_text(group->last, "reason")) != 0)
		diagnose_print("  Found: ", detail);
	diagnose_print("  Cause: ", cause_of(group->last));
	diagnose_print("  Cure:  ", cure_of(config, refusals, group->last));
	if (well != MOMENT_NONE) {
		moment_show(well, how->utc, time);
		diagnose_print(
			"  Since: ",
			keep_format("it went well again at %s: perhaps cured", time));
	}
	putchar('\n');
}

static json_t *group_json(const struct config *config, const struct refusals *refusals,
			  const struct refusal_group *group)
{
	int64_t well = well_since(config, refusals, group);
	char time[MOMENT_SIZE];

	moment_write(well, time);
	return json_pack("{s:o*, s:I, s:O, s:o*, s:o*, s:o*}", "reason",
			 json_string(members_text(group->last, "reason")), "count",
			 (json_int_t)group->count, "last", group->last, "cause",
			 json_string(cause_of(group->last)), "cure",
			 json_string(cure_of(config, refusals, group->last)),
			 "well_since", well != MOMENT_NONE ? json_string(time) : NULL);
}

static void print_text(const struct diagnose *how, const struct config *config,
		       const struct refusals *refusals)
{
	const char *trouble = gateway_trouble(how->config_path);

	if (trouble)
		diagnose_print("The gateway isn't running: ", trouble);
	for (size_t i = 0; i < refusals->count; i++)
		print_group(how, config, refusals, &refusals->groups[i]);
	if (refusals->others > 0)
		printf("And %" PRIu64 " older ones.\n", refusals->others);
	if (refusals->count > 0)
		return;
	diagnose_print("", keep_format("Nothing was refused and nothing failed in the "
				       "last %u days. If a modality can't get in all the "
				       "same, it doesn't reach the gateway: look at its "
				       "address, port and firewall.",
				       how->days));
}

static void print_json(const struct config *config, const struct refusals *refusals)
{
	json_t *list = json_array();

	for (size_t i = 0; i < refusals->count; i++)
		json_array_append_new(list,
				      group_json(config, refusals, &refusals->groups[i]));
	diagnose_print_json(list);
}

int diagnose_refusals(const struct diagnose *how)
{
	struct refusals *refusals = calloc(1, sizeof(*refusals));
	struct config *config = diagnose_config(how);
	int status = CLI_USAGE;

	if (refusals) {
		refusals->let_in = json_object();
		refusals->taken = json_object();
		refusals->spooled = json_object();
		if (diagnose_log_each(how, visit_for_refusals, refusals) == 0)
			status = CLI_GOOD;
		qsort(refusals->groups, refusals->count, sizeof(refusals->groups[0]),
		      newest_first);
	}
	if (status == CLI_GOOD && how->as_json)
		print_json(config, refusals);
	else if (status == CLI_GOOD)
		print_text(how, config, refusals);
	for (size_t i = 0; refusals && i < refusals->count; i++) {
		json_decref(refusals->groups[i].last);
		free(refusals->groups[i].key);
	}
	if (refusals) {
		json_decref(refusals->let_in);
		json_decref(refusals->taken);
		json_decref(refusals->spooled);
	}
	free(refusals);
	config_free(config);
	return status;
}
