#include "report_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kit/moment.h"

const char *const report_outcome_names[REPORT_OUTCOMES] = {
	[REPORT_FORWARDED] = "forwarded",     [REPORT_SPOOLED] = "spooled",
	[REPORT_FAILED] = "failed",	      [REPORT_REFUSED] = "refused",
	[REPORT_UNCONFIRMED] = "unconfirmed", [REPORT_DEAD] = "dead",
	[REPORT_GIVEN_UP] = "given-up",	      [REPORT_DROPPED] = "dropped",
};

/* Makes room for one more; NULL without memory. */
static void *grow(void *items, size_t size, size_t count, size_t *room)
{
	if (count < *room)
		return items;
	size_t larger = *room ? 2 * *room : 64;
	items = reallocarray(items, larger, size);
	if (items)
		*room = larger;
	return items;
}

static int add_study(struct report *report, const char *uid, size_t *ret)
{
	struct report_study *studies = grow(report->studies, sizeof(*studies),
					    report->study_count, &report->study_room);
	if (!studies)
		return -1;
	report->studies = studies;
	struct report_study study = { .uid = strdup(uid),
				      .modality = strdup(""),
				      .first = MOMENT_NONE,
				      .last = MOMENT_NONE };
	if (!study.uid || !study.modality ||
	    json_object_set_new(report->study_of_uid, uid,
				json_integer((json_int_t)report->study_count))) {
		free(study.uid);
		free(study.modality);
		return -1;
	}
	*ret = report->study_count;
	studies[report->study_count++] = study;
	return 0;
}

int report_open(struct report *report)
{
	size_t unknown;
	*report =
		(struct report){ .since = INT64_MIN,
				 .until = INT64_MAX,
				 .total = { .first = MOMENT_NONE, .last = MOMENT_NONE } };
	report->instance_of_uid = json_object();
	report->study_of_uid = json_object();
	if (report->instance_of_uid && report->study_of_uid &&
	    add_study(report, "", &unknown) == 0)
		return 0;
	report_close(report);
	return -1;
}

void report_close(struct report *report)
{
	for (size_t i = 0; i < report->instance_count; i++)
		free(report->instances[i].sop_instance);
	for (size_t i = 0; i < report->study_count; i++) {
		free(report->studies[i].uid);
		free(report->studies[i].modality);
	}
	free(report->instances);
	free(report->studies);
	json_decref(report->instance_of_uid);
	json_decref(report->study_of_uid);
	*report = (struct report){ .study_count = 0 };
}

int report_reopen(struct report *report)
{
	struct report again;
	if (report_open(&again))
		return -1;
	again.since = report->since;
	again.until = report->until;
	again.study = report->study;
	report_close(report);
	*report = again;
	return 0;
}

static int find_study(struct report *report, const char *uid, size_t *ret)
{
	if (strcmp(report->studies[report->latest_study].uid, uid) != 0) {
		const json_t *index = json_object_get(report->study_of_uid, uid);
		if (index)
			report->latest_study = (size_t)json_integer_value(index);
		else if (add_study(report, uid, &report->latest_study))
			return -1;
	}
	*ret = report->latest_study;
	return 0;
}

/* The instance with that UID, or a new one without attempts; NULL without memory. */
static struct report_instance *find_instance(struct report *report, const char *uid)
{
	const json_t *index =
		uid[0] ? json_object_get(report->instance_of_uid, uid) : NULL;
	if (index)
		return &report->instances[json_integer_value(index)];
	struct report_instance *instances =
		grow(report->instances, sizeof(*instances), report->instance_count,
		     &report->instance_room);
	if (!instances)
		return NULL;
	report->instances = instances;
	char *copy = strdup(uid);
	if (!copy ||
	    (uid[0] &&
	     json_object_set_new(report->instance_of_uid, uid,
				 json_integer((json_int_t)report->instance_count)))) {
		free(copy);
		return NULL;
	}
	struct report_instance *instance = &instances[report->instance_count++];
	*instance = (struct report_instance){ .sop_instance = copy,
					      .stands_for = 1,
					      .bytes = -1 };
	return instance;
}

/* What came of an attempt. */
static bool read_outcome(const struct report_line *line, enum report_outcome *ret)
{
	for (enum report_outcome i = 0; i <= REPORT_UNCONFIRMED; i++) {
		if (strcmp(line->outcome, report_outcome_names[i]) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool is_of_latest_association(const struct report_instance *instance,
				     const struct report_line *line)
{
	const char *association = line->association;
	return association[0] && strncmp(association, instance->association,
					 sizeof(instance->association) - 1) == 0;
}

/* Whether the line corrects the one before it, which told of the same attempt. */
static bool is_correction(const struct report_instance *instance,
			  const struct report_line *line, enum report_outcome outcome)
{
	return instance->attempts > 0 && outcome == REPORT_UNCONFIRMED &&
	       (instance->latest == REPORT_FORWARDED ||
		instance->latest == REPORT_SPOOLED) &&
	       strcmp(line->reason, "audit-unavailable") == 0 &&
	       is_of_latest_association(instance, line) &&
	       line->total_ms == instance->latest_ms;
}

static bool is_repeated(const struct report_instance *instance,
			const struct report_line *line, enum report_outcome outcome)
{
	return instance->attempts > 0 && outcome == instance->latest &&
	       is_of_latest_association(instance, line) && line->moment == instance->last;
}

static void note_attempt(struct report_instance *instance, enum report_outcome outcome)
{
	bool is_spooled = outcome == REPORT_SPOOLED;
	instance->forwarded += outcome == REPORT_FORWARDED;
	instance->was_spooled = instance->is_spooled;
	/* The spool has what it had: a held object stays held when it comes again. */
	instance->is_spooled |= is_spooled;
	instance->latest = instance->verdict = outcome;
}

/* Whether the spool has it after all, nobody knows: its modality was told of a failure.
 */
static void take_back(struct report_instance *instance)
{
	instance->forwarded -= instance->latest == REPORT_FORWARDED;
	if (instance->latest == REPORT_SPOOLED)
		instance->is_spooled = instance->was_spooled;
}

static enum report_outcome what_counts(const struct report_instance *instance)
{
	return instance->forwarded > 0 ? REPORT_FORWARDED
	       : instance->is_spooled  ? REPORT_SPOOLED
				       : instance->verdict;
}

/* Notes the modality that a line of the study names. */
static int note_modality(struct report_study *study, const char *modality)
{
	if (study->modality[0]) {
		study->has_others |=
			modality[0] && strcmp(study->modality, modality) != 0;
		return 0;
	}
	char *copy = strdup(modality);
	if (!copy)
		return -1;
	free(study->modality);
	study->modality = copy;
	return 0;
}

static int note_study(struct report *report, struct report_instance *instance,
		      const struct report_line *line, bool counts)
{
	if (line->study[0] && (instance->study == 0 || counts) &&
	    find_study(report, line->study, &instance->study))
		return -1;
	return note_modality(&report->studies[instance->study], line->modality);
}

static void note_line(struct report_instance *instance, const struct report_line *line,
		      bool counts)
{
	int64_t moment = line->moment, bytes = line->bytes;
	if (counts) {
		instance->outcome = what_counts(instance);
		snprintf(instance->reason, sizeof(instance->reason), "%s", line->reason);
		if (bytes >= 0)
			instance->bytes = bytes;
	}
	if (instance->attempts == 0)
		instance->first = moment;
	instance->last = moment;
	instance->latest_ms = line->total_ms;
	snprintf(instance->association, sizeof(instance->association), "%s",
		 line->association);
}

/* What a line `delivery` says of the object; that it was exported changes nothing. */
static const struct delivery {
	const char *outcome;
	enum report_outcome verdict;
	bool is_spooled, is_held;
} deliveries[] = {
	{ "forwarded", REPORT_FORWARDED, false, false },
	{ "failed", REPORT_SPOOLED, true, false },
	{ "unconfirmed", REPORT_SPOOLED, true, false },
	{ "queued", REPORT_SPOOLED, true, false },
	{ "held", REPORT_SPOOLED, true, true },
	{ "dead", REPORT_DEAD, false, false },
	{ "given-up", REPORT_GIVEN_UP, false, false },
	{ "dropped", REPORT_DROPPED, false, false },
};

static void note_delivery(struct report_instance *instance,
			  const struct delivery *delivery, const struct report_line *line)
{
	instance->forwarded += delivery->verdict == REPORT_FORWARDED;
	instance->is_spooled = delivery->is_spooled;
	instance->is_held = delivery->is_held;
	instance->verdict = delivery->verdict;
	instance->outcome = what_counts(instance);
	instance->last = line->moment;
	snprintf(instance->reason, sizeof(instance->reason), "%s",
		 instance->outcome == REPORT_FORWARDED ? "" : line->reason);
}

/* A line of a courier or the spooler. */
static int add_delivery(struct report *report, const struct report_line *line)
{
	const char *uid = line->sop_instance;
	if (!uid[0] || !json_object_get(report->instance_of_uid, uid))
		return 0; /* it may have come before the lines that we read */
	for (size_t i = 0; i < sizeof(deliveries) / sizeof(*deliveries); i++)
		if (strcmp(line->outcome, deliveries[i].outcome) == 0)
			note_delivery(find_instance(report, uid), &deliveries[i], line);
	return 0;
}

/* Neither the destination has it nor the spool. */
static bool is_missing(const struct report_instance *instance)
{
	return instance->outcome != REPORT_FORWARDED &&
	       instance->outcome != REPORT_SPOOLED;
}

static void add_up(struct report_study *study, const struct report_instance *instance)
{
	study->received += instance->stands_for;
	study->attempts += instance->attempts;
	study->missing += is_missing(instance) ? instance->stands_for : 0;
	study->by_outcome[instance->outcome] += instance->stands_for;
	study->held += instance->outcome == REPORT_SPOOLED && instance->is_held;
	if (instance->bytes > 0 &&
	    __builtin_add_overflow(study->bytes, instance->bytes, &study->bytes))
		study->bytes = INT64_MAX;
	if (study->first == MOMENT_NONE || instance->first < study->first)
		study->first = instance->first;
	if (instance->last > study->last)
		study->last = instance->last;
}

static int take_remembered(struct report *report, const struct report_line *line,
			   enum report_outcome outcome)
{
	struct report_instance *instance = find_instance(report, line->sop_instance);
	if (!instance)
		return -1;
	if (is_repeated(instance, line, outcome))
		return 0;
	bool corrects = is_correction(instance, line, outcome);
	if (corrects)
		take_back(instance);
	note_attempt(instance, outcome);
	bool counts = what_counts(instance) == outcome;
	note_line(instance, line, counts);
	if (!instance->sop_instance[0]) {
		instance->stands_for = line->stands_for;
		instance->is_sum = line->is_sum;
	}
	instance->attempts += corrects ? 0 : instance->stands_for;
	return note_study(report, instance, line, counts);
}

/* Takes the only line of an instance. A missing instance is remembered, since it will be
 * printed. */
static int take_single(struct report *report, const struct report_line *line,
		       enum report_outcome outcome)
{
	struct report_instance instance = { .outcome = outcome,
					    .attempts = line->stands_for,
					    .stands_for = line->stands_for,
					    .bytes = line->bytes,
					    .first = line->moment,
					    .last = line->moment };
	bool is_asked_for = !report->study || strcmp(report->study, line->study) == 0;
	if (!is_asked_for) {
		/* The report only says how many of these there are. */
		if (!line->study[0] && is_missing(&instance))
			report->studies[0].missing += instance.stands_for;
		return 0;
	}
	if (is_missing(&instance))
		return take_remembered(report, line, outcome);
	if (line->study[0] && find_study(report, line->study, &instance.study))
		return -1;
	add_up(&report->studies[instance.study], &instance);
	add_up(&report->total, &instance);
	return note_modality(&report->studies[instance.study], line->modality);
}

static bool is_in_window(const struct report *report, const struct report_line *line)
{
	return line->moment >= report->since && line->moment < report->until;
}

/* Whether a sum that names no study may hold refusals of the one asked for. */
static bool may_be_of_study(const struct report *report, const struct report_line *line)
{
	return report->study && line->is_sum && !line->study[0] &&
	       (!report->repeats ||
		report_repeats_is_near(report->repeats, line->moment, line->modality));
}

int report_take(struct report *report, const struct report_line *line)
{
	enum report_outcome outcome = REPORT_OUTCOMES;
	bool is_delivery = strcmp(line->event, "delivery") == 0;
	if (!is_in_window(report, line) ||
	    (!is_delivery && !read_outcome(line, &outcome)) ||
	    (!is_delivery && strcmp(line->event, "instance") != 0))
		return 0;
	const struct report_repeats *repeats = report->repeats;
	if (!is_delivery && may_be_of_study(report, line))
		report->uncertain += line->stands_for;
	bool is_single = repeats && (!line->sop_instance[0] ||
				     !report_repeats_has(repeats, line->sop_instance));
	if (is_single)
		return is_delivery ? 0 : take_single(report, line, outcome);
	if (repeats && report->study &&
	    !report_repeats_concerns(repeats, line->sop_instance))
		return 0;
	return is_delivery ? add_delivery(report, line)
			   : take_remembered(report, line, outcome);
}

int report_look(const struct report *report, struct report_repeats *repeats,
		const struct report_line *line, bool *ret_needs_all)
{
	enum report_repeats_line kind = REPORT_REPEATS_OTHER;
	if (!is_in_window(report, line))
		return 0;
	if (line->moment == MOMENT_NONE)
		*ret_needs_all = true;
	if (strcmp(line->event, "instance") == 0 && !line->study[0])
		kind = REPORT_REPEATS_NO_STUDY;
	else if (report->study && strcmp(line->study, report->study) == 0)
		kind = REPORT_REPEATS_OF_STUDY;
	if (kind == REPORT_REPEATS_OF_STUDY)
		report_repeats_note_study(repeats, line->moment, line->modality);
	if (!line->sop_instance[0])
		return 0;
	return report_repeats_note(repeats, line->sop_instance, kind);
}

void report_finish(struct report *report)
{
	for (size_t i = 0; i < report->study_count; i++)
		report->studies[i].first_missing = REPORT_NONE;
	/* From the last on, so that each list begins with the first. */
	for (size_t i = report->instance_count; i-- > 0;) {
		struct report_instance *instance = &report->instances[i];
		struct report_study *study = &report->studies[instance->study];
		add_up(study, instance);
		add_up(&report->total, instance);
		if (is_missing(instance)) {
			instance->next_missing = study->first_missing;
			study->first_missing = i;
		}
	}
}

const struct report_study *report_find(const struct report *report, const char *uid)
{
	const json_t *index = json_object_get(report->study_of_uid, uid);
	const struct report_study *study =
		index ? &report->studies[json_integer_value(index)] : NULL;
	return study && study->received > 0 ? study : NULL;
}
