#include "report_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/summed.h"
#include "members.h"
#include "moment.h"

const char *const report_outcome_words[REPORT_OUTCOMES] = {
	[REPORT_FORWARDED] = "forwarded",     [REPORT_SPOOLED] = "spooled",
	[REPORT_FAILED] = "failed",	      [REPORT_REFUSED] = "refused",
	[REPORT_UNCONFIRMED] = "unconfirmed",
};

/* Room for one more; NULL without memory. */
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
	*report = (struct report){ .since = INT64_MIN, .until = INT64_MAX };
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

static int find_study(struct report *report, const char *uid, size_t *ret)
{
	const json_t *index = json_object_get(report->study_of_uid, uid);
	if (!index)
		return add_study(report, uid, ret);
	*ret = (size_t)json_integer_value(index);
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

static bool read_outcome(const json_t *line, enum report_outcome *ret)
{
	const char *word = members_text(line, "outcome");
	for (enum report_outcome i = 0; i < REPORT_OUTCOMES; i++) {
		if (strcmp(word, report_outcome_words[i]) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool is_of_latest_association(const struct report_instance *instance,
				     const json_t *line)
{
	const char *association = members_text(line, "association");
	return association[0] && strncmp(association, instance->association,
					 sizeof(instance->association) - 1) == 0;
}

/* The line says again what became of the attempt before it. */
static bool is_correction(const struct report_instance *instance, const json_t *line,
			  enum report_outcome outcome)
{
	return instance->attempts > 0 && outcome == REPORT_UNCONFIRMED &&
	       instance->latest == REPORT_FORWARDED &&
	       strcmp(members_text(line, "reason"), "audit-unavailable") == 0 &&
	       is_of_latest_association(instance, line) &&
	       members_number(line, "total_ms") == instance->latest_ms;
}

static bool is_repeated(const struct report_instance *instance, const json_t *line,
			enum report_outcome outcome)
{
	return instance->attempts > 0 && outcome == instance->latest &&
	       is_of_latest_association(instance, line) &&
	       members_moment(line) == instance->last;
}

static void note_attempt(struct report_instance *instance, enum report_outcome outcome)
{
	instance->forwarded += outcome == REPORT_FORWARDED;
	instance->spooled += outcome == REPORT_SPOOLED;
	instance->latest = outcome;
}

static enum report_outcome what_counts(const struct report_instance *instance)
{
	return instance->forwarded > 0 ? REPORT_FORWARDED
	       : instance->spooled > 0 ? REPORT_SPOOLED
				       : instance->latest;
}

static int note_study(struct report *report, struct report_instance *instance,
		      const json_t *line, bool counts)
{
	const char *uid = members_text(line, "study");
	const char *modality = members_text(line, "modality");
	if (uid[0] && (instance->study == 0 || counts) &&
	    find_study(report, uid, &instance->study))
		return -1;
	struct report_study *study = &report->studies[instance->study];
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

static void note_line(struct report_instance *instance, const json_t *line, bool counts)
{
	int64_t moment = members_moment(line), bytes = members_number(line, "bytes");
	if (counts) {
		instance->outcome = what_counts(instance);
		snprintf(instance->reason, sizeof(instance->reason), "%s",
			 members_text(line, "reason"));
		if (bytes >= 0)
			instance->bytes = bytes;
	}
	if (instance->attempts == 0)
		instance->first = moment;
	instance->last = moment;
	instance->latest_ms = members_number(line, "total_ms");
	snprintf(instance->association, sizeof(instance->association), "%s",
		 members_text(line, "association"));
}

/* One of the spool's: what was spooled got through, later. */
static int add_delivery(struct report *report, const json_t *line)
{
	enum report_outcome outcome;
	const char *uid = members_text(line, "sop_instance");
	if (!uid[0] || !read_outcome(line, &outcome) || outcome != REPORT_FORWARDED)
		return 0;
	if (!json_object_get(report->instance_of_uid, uid))
		return 0; /* received before the lines that we read */
	struct report_instance *instance = find_instance(report, uid);
	note_attempt(instance, outcome);
	instance->outcome = what_counts(instance);
	instance->reason[0] = '\0';
	instance->last = members_moment(line);
	return 0;
}

int report_add(struct report *report, const json_t *line)
{
	enum report_outcome outcome;
	const char *event = members_text(line, "event");
	int64_t moment = members_moment(line);
	if (moment < report->since || moment >= report->until)
		return 0;
	if (strcmp(event, "delivery") == 0)
		return add_delivery(report, line);
	if (strcmp(event, "instance") != 0 || !read_outcome(line, &outcome))
		return 0;
	struct report_instance *instance =
		find_instance(report, members_text(line, "sop_instance"));
	if (!instance)
		return -1;
	if (is_repeated(instance, line, outcome))
		return 0;
	bool corrects = is_correction(instance, line, outcome);
	if (corrects)
		instance->forwarded--;
	note_attempt(instance, outcome);
	bool counts = what_counts(instance) == outcome;
	note_line(instance, line, counts);
	if (!instance->sop_instance[0])
		instance->stands_for = summed_count(members_text(line, "association"),
						    members_text(line, "detail"));
	instance->attempts += corrects ? 0 : instance->stands_for;
	return note_study(report, instance, line, counts);
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
	if (instance->bytes > 0 &&
	    __builtin_add_overflow(study->bytes, instance->bytes, &study->bytes))
		study->bytes = INT64_MAX;
	if (study->first == MOMENT_NONE || instance->first < study->first)
		study->first = instance->first;
	if (instance->last > study->last)
		study->last = instance->last;
}

void report_finish(struct report *report)
{
	report->total =
		(struct report_study){ .first = MOMENT_NONE, .last = MOMENT_NONE };
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
