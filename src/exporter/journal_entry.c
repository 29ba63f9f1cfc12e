#include "journal_entry.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "cathgate/audit/checkpoint.h"
#include "cathgate/audit/members.h"
#include "cathgate/audit/summed.h"
#include "cathgate/base/visible.h"

#include "journal_kinds.h"

#define PREFIX	  "CATHGATE_"
#define NAME_SIZE 64 /* journald takes no longer ones */

static int add_field(struct journal_entry *entry, const char *name, const char *value,
		     size_t size)
{
	size_t length = strlen(name);
	char *field;

	if (entry->count == JOURNAL_ENTRY_FIELDS)
		return 0; /* more members than any line of ours has */
	field = malloc(length + 1 + size);
	if (!field)
		return -1;
	memcpy(field, name, length);
	field[length] = '=';
	memcpy(field + length + 1, value, size);
	entry->fields[entry->count++] =
		(struct iovec){ .iov_base = field, .iov_len = length + 1 + size };
	return 0;
}

/* What a peer sent may hold characters that steer a terminal: these are escaped. */
static int add_visible(struct journal_entry *entry, const char *name, const char *value,
		       size_t size)
{
	size_t room = size * VISIBLE_MAX + VISIBLE_MAX + 1;
	char *shown = malloc(room);
	int result = shown ? add_field(entry, name, shown,
				       visible_copy(shown, room, value, size))
			   : -1;

	free(shown);
	return result;
}

static int add_text_field(struct journal_entry *entry, const char *name,
			  const char *value)
{
	return add_field(entry, name, value, strlen(value));
}

/* PREFIX_MEMBER: journald takes only capitals, digits and underscores. */
static void field_name_of(const char *prefix, const char *member, char ret[NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "%s%s", prefix, member);
	for (char *c = ret; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
}

static int add_value(struct journal_entry *entry, const char *name, const json_t *value)
{
	char *text;
	int result;

	if (json_is_string(value))
		return add_visible(entry, name, json_string_value(value),
				   json_string_length(value));
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	result = text ? add_text_field(entry, name, text) : -1;
	free(text);
	return result;
}

/* An object's members become fields of their own: tls is CATHGATE_TLS_VERSION and so
 * on. */
static int add_members(struct journal_entry *entry, const char *prefix,
		       const json_t *object)
{
	const char *member;
	json_t *value;

	/* jansson's iteration wants an object that could be changed. */
	json_object_foreach((json_t *)(uintptr_t)object, member, value)
	{
		char name[NAME_SIZE];
		int result;

		field_name_of(prefix, member, name);
		if (json_is_object(value) && strcmp(prefix, PREFIX) == 0) {
			strncat(name, "_", sizeof(name) - strlen(name) - 1);
			result = add_members(entry, name, value);
		} else {
			result = add_value(entry, name, value);
		}
		if (result != 0)
			return -1;
	}
	return 0;
}

static int add_checkpoint(struct journal_entry *entry, const char *text, size_t size)
{
	struct checkpoint checkpoint;
	char note[CHECKPOINT_TEXT_SIZE];

	if (checkpoint_read_line(text, size, &checkpoint) != 0)
		return 0; /* its members become fields all the same */
	return add_field(entry, PREFIX "CHECKPOINT", note,
			 checkpoint_note(&checkpoint, note));
}

/* The modality, or as much as is known of it. An AE title stands in quotes if no entry of
 * the allowlist fitted: any peer can choose it. */
static void write_sender(FILE *to, const json_t *line)
{
	const char *modality = members_text(line, "modality");
	const char *calling = members_text(line, "calling_ae");
	const char *peer = members_text(line, "peer");

	if (!modality[0] && calling[0])
		fprintf(to, "\"%s\"", calling);
	else
		fputs(modality[0] ? modality : peer[0] ? peer : "unknown", to);
}

/* What holds an instance of which no answer came. */
static void write_doubt(FILE *to, const char *destination)
{
	fprintf(to, ", %s may hold it", destination[0] ? destination : "the destination");
}

static void write_instance(FILE *to, const json_t *line)
{
	const char *outcome = members_text(line, "outcome");
	const char *destination = members_text(line, "destination");
	const char *instance = members_text(line, "sop_instance");

	fprintf(to, "Instance %s from ", instance[0] ? instance : "unknown");
	write_sender(to, line);
	fprintf(to, " %s", outcome);
	if (strcmp(outcome, "forwarded") == 0 && destination[0])
		fprintf(to, " to %s", destination);
	else if (strcmp(outcome, "spooled") == 0 && destination[0])
		fprintf(to, " for %s", destination);
	else if (strcmp(outcome, "unconfirmed") == 0)
		write_doubt(to, destination);
}

static void write_delivery(FILE *to, const json_t *line)
{
	const char *outcome = members_text(line, "outcome");
	const char *destination = members_text(line, "destination");
	const char *instance = members_text(line, "sop_instance");

	fprintf(to, "Delivery of instance %s from ", instance[0] ? instance : "unknown");
	write_sender(to, line);
	fprintf(to, " to %s %s", destination[0] ? destination : "the destination",
		outcome);
	if (strcmp(outcome, "unconfirmed") == 0)
		write_doubt(to, destination);
}

static void write_event(FILE *to, const json_t *line)
{
	const char *event = members_text(line, "event");
	const char *outcome = members_text(line, "outcome");

	if (strcmp(event, "instance") == 0 &&
	    summed_is(members_text(line, "association"), members_text(line, "detail"))) {
		fputs("Instances from ", to);
		write_sender(to, line);
		fprintf(to, " %s", outcome);
	} else if (strcmp(event, "instance") == 0) {
		write_instance(to, line);
	} else if (strcmp(event, "delivery") == 0) {
		write_delivery(to, line);
	} else if (strcmp(event, "association") == 0) {
		fputs("Association from ", to);
		write_sender(to, line);
		fprintf(to, " (%s) %s", members_text(line, "peer"), outcome);
	} else if (strcmp(event, "start") == 0 || strcmp(event, "stop") == 0) {
		fprintf(to, "Gateway %s %s", members_text(line, "node"),
			strcmp(event, "start") == 0 ? "started" : "stopped");
	} else if (strcmp(event, "checkpoint") == 0) {
		fprintf(to, "Checkpoint %s at %lld lines, %s",
			members_text(line, "origin"),
			(long long)json_integer_value(json_object_get(line, "size")),
			members_text(line, "signature")[0] ? "signed" : "not signed");
	} else {
		fprintf(to, "%s%s%s", event, outcome[0] ? " " : "", outcome);
	}
}

static int add_message(struct journal_entry *entry, const json_t *line)
{
	const char *reason = members_text(line, "reason");
	const char *detail = members_text(line, "detail");
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int result;

	if (!to)
		return -1;
	write_event(to, line);
	if (reason[0])
		fprintf(to, ": %s", reason);
	if (detail[0])
		fprintf(to, ": %s", detail);
	if (fclose(to) != 0) {
		free(text);
		return -1;
	}
	if (size > 0)
		text[0] = (char)toupper((unsigned char)text[0]);
	result = add_visible(entry, "MESSAGE", text, size);
	free(text);
	return result;
}

/* Whether the gateway itself can't do its work. */
static bool is_critical(const json_t *line)
{
	const char *reason = members_text(line, "reason");

	return strcmp(reason, "audit-unavailable") == 0 ||
	       strcmp(reason, "internal") == 0;
}

static int add_kind(struct journal_entry *entry, const json_t *line)
{
	const struct journal_kind *kind = journal_kind_of(members_text(line, "event"),
							  members_text(line, "outcome"));
	int priority = kind->priority == LOG_ERR && is_critical(line) ? LOG_CRIT
								      : kind->priority;
	char text[2] = { (char)('0' + priority), '\0' };

	return add_text_field(entry, "PRIORITY", text) != 0 ||
			       add_text_field(entry, "MESSAGE_ID", kind->message_id) !=
				       0 ||
			       add_text_field(entry, "SYSLOG_IDENTIFIER", "cathgated") !=
				       0
		       ? -1
		       : 0;
}

int journal_entry_make(const char *text, size_t size, const json_t *line,
		       struct journal_entry *ret)
{
	struct journal_entry entry = { .count = 0 };
	bool is_checkpoint = strcmp(members_text(line, "event"), "checkpoint") == 0;

	if (add_message(&entry, line) != 0 || add_kind(&entry, line) != 0 ||
	    add_members(&entry, PREFIX, line) != 0 ||
	    (is_checkpoint && add_checkpoint(&entry, text, size) != 0)) {
		journal_entry_clear(&entry);
		*ret = (struct journal_entry){ .count = 0 };
		return -1;
	}
	*ret = entry;
	return 0;
}

void journal_entry_clear(struct journal_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++)
		free(entry->fields[i].iov_base);
	entry->count = 0;
}
