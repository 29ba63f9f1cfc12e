#include "transfers.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/members.h"
#include "transfer.h"

#define GROUPS_MAX 1024
#define UNKNOWN	   "unknown" /* the schema wants a token */

struct outcome {
	const char *outcome;
	enum result result;
};

static const struct outcome of_instances[] = {
	{ "forwarded", FORWARDED },
	{ "spooled", SPOOLED },
	{ "failed", FAILED },
	{ "unconfirmed", UNCONFIRMED },
	{ 0 },
};

/* An object that is held, queued or exported stays where it was. */
static const struct outcome of_deliveries[] = {
	{ "forwarded", FORWARDED },
	{ "failed", FAILED },
	{ "unconfirmed", UNCONFIRMED },
	{ "dead", UNDELIVERED },
	{ "given-up", UNDELIVERED },
	{ "dropped", DROPPED },
	{ 0 },
};

static void group_free(struct group *group)
{
	free((void *)group->patient);
	free((void *)group->study);
	free((void *)group->sop_class);
	free((void *)group->reason);
}

static void transfer_free(struct transfer *transfer)
{
	for (size_t i = 0; i < transfer->count; i++)
		group_free(&transfer->groups[i]);
	free(transfer->groups);
	free(transfer->association);
	free(transfer->node);
	free(transfer->modality);
	free(transfer->calling_ae);
	free(transfer->called_ae);
	free(transfer->destination);
	free(transfer->last_time);
	free(transfer->latest_instance);
}

void transfers_free(struct transfers *transfers)
{
	for (size_t i = 0; i < transfers->count; i++)
		transfer_free(&transfers->items[i]);
	free(transfers->items);
	*transfers = (struct transfers){ .config = transfers->config };
}

bool transfers_are_many(const struct transfers *transfers)
{
	return transfers->group_count >= GROUPS_MAX;
}

uint64_t transfers_first_seq(const struct transfers *transfers)
{
	return transfers->count > 0 ? transfers->items[0].first_seq : UINT64_MAX;
}

/* `destination`: NULL for any. */
static struct transfer *find_transfer(const struct transfers *transfers,
				      const char *association, const char *destination)
{
	for (size_t i = 0; i < transfers->count; i++) {
		struct transfer *transfer = &transfers->items[i];

		if (strcmp(transfer->association, association) == 0 &&
		    (!destination || strcmp(transfer->destination, destination) == 0))
			return transfer;
	}
	return NULL;
}

static struct transfer *add_transfer(struct transfers *transfers,
				     const struct log_line *line)
{
	struct transfer *transfer;

	if (transfers->count == transfers->room) {
		transfers->room = transfers->room ? 2 * transfers->room : 16;
		transfers->items = memory_resize(transfers->items, transfers->room,
						 sizeof(*transfers->items));
	}
	transfer = &transfers->items[transfers->count++];
	*transfer = (struct transfer){
		.association = memory_copy(line->association),
		.node = memory_copy(line->node),
		.modality = memory_copy(line->modality),
		.calling_ae = memory_copy(line->calling_ae),
		.called_ae = memory_copy(line->called_ae),
		.destination = memory_copy(line->destination),
		.first_seq = line->seq,
		.came_encrypted = json_object_get(line->json, "tls") != NULL,
	};
	memcpy(transfer->peer, line->peer, sizeof(transfer->peer));
	return transfer;
}

static struct group *find_group(const struct transfer *transfer,
				const struct group *wanted)
{
	for (size_t i = 0; i < transfer->count; i++) {
		struct group *group = &transfer->groups[i];

		if (group->result == wanted->result &&
		    strcmp(group->sop_class, wanted->sop_class) == 0 &&
		    strcmp(group->study, wanted->study) == 0 &&
		    strcmp(group->patient, wanted->patient) == 0 &&
		    strcmp(group->reason, wanted->reason) == 0)
			return group;
	}
	return NULL;
}

/* Whether something was on its way to the destination. */
static bool has_gone_out(enum result result)
{
	return result & (FORWARDED | FAILED | UNCONFIRMED);
}

static bool has_begun(const struct transfer *transfer, const char *patient)
{
	for (size_t i = 0; i < transfer->count; i++) {
		if (has_gone_out(transfer->groups[i].result) &&
		    strcmp(transfer->groups[i].patient, patient) == 0)
			return true;
	}
	return false;
}

/* Whether the line corrects the one before it: the destination or the spool took the
 * instance, but the record was not durable in time, and the modality was told of a
 * failure. */
static bool is_correction(const struct transfer *transfer, const struct log_line *line,
			  const struct group *wanted)
{
	enum result before =
		transfer->count > 0 ? transfer->groups[transfer->latest].result : 0;

	return ((before == FORWARDED && wanted->result == UNCONFIRMED) ||
		(before == SPOOLED && wanted->result == FAILED)) &&
	       strcmp(line->reason, "audit-unavailable") == 0 &&
	       strcmp(transfer->latest_instance,
		      members_text(line->json, "sop_instance")) == 0 &&
	       transfer->latest_ms == members_number(line->json, "total_ms");
}

static void take_back(struct transfers *transfers, struct transfer *transfer)
{
	struct group *group = &transfer->groups[transfer->latest];

	if (--group->count > 0)
		return;
	group_free(group);
	*group = transfer->groups[--transfer->count];
	transfers->group_count--;
}

static void note_latest(struct transfer *transfer, const struct log_line *line,
			const struct group *group)
{
	transfer->latest = (size_t)(group - transfer->groups);
	free(transfer->latest_instance);
	transfer->latest_instance = memory_copy(members_text(line->json, "sop_instance"));
	transfer->latest_ms = members_number(line->json, "total_ms");
}

/* Adds a group without instances. */
static struct group *add_group(struct transfer *transfer, const struct group *group)
{
	struct group *added;

	if (transfer->count == transfer->room) {
		transfer->room = transfer->room ? 2 * transfer->room : 4;
		transfer->groups = memory_resize(transfer->groups, transfer->room,
						 sizeof(*transfer->groups));
	}
	added = &transfer->groups[transfer->count++];
	*added = (struct group){
		.patient = memory_copy(group->patient),
		.study = memory_copy(group->study),
		.sop_class = memory_copy(group->sop_class),
		.reason = memory_copy(group->reason),
		.result = group->result,
	};
	return added;
}

static const char *or_unknown(const char *uid)
{
	return uid[0] ? uid : UNKNOWN;
}

/* A group of one, without a result where the outcome isn't in the table. */
static struct group group_of(const struct log_line *line, const struct outcome *outcomes)
{
	struct group group = {
		.patient = members_text(line->json, "patient"),
		.study = or_unknown(members_text(line->json, "study")),
		.sop_class = or_unknown(members_text(line->json, "sop_class")),
		.reason = line->reason,
	};

	for (; outcomes->outcome; outcomes++)
		if (strcmp(outcomes->outcome, line->outcome) == 0)
			group.result = outcomes->result;
	return group;
}

static void add_line(struct transfers *transfers, struct transfer *transfer,
		     const struct log_line *line, const struct group *wanted,
		     struct outbox *outbox)
{
	struct group *group;

	free(transfer->last_time);
	transfer->last_time = memory_copy(line->time);
	if (has_gone_out(wanted->result) && !has_begun(transfer, wanted->patient))
		transfer_tell_begin(transfers->config, line, wanted, outbox);
	if (is_correction(transfer, line, wanted))
		take_back(transfers, transfer);
	group = find_group(transfer, wanted);
	if (!group) {
		group = add_group(transfer, wanted);
		transfers->group_count++;
	}
	group->count++;
	note_latest(transfer, line, group);
}

void transfers_add(struct transfers *transfers, const struct log_line *line,
		   struct outbox *outbox)
{
	struct group wanted = group_of(line, of_instances);
	struct transfer *transfer;

	if (!wanted.result)
		return;
	transfer = find_transfer(transfers, line->association, NULL);
	if (!transfer)
		transfer = add_transfer(transfers, line);
	add_line(transfers, transfer, line, &wanted, outbox);
}

void transfers_add_delivery(struct transfers *transfers, const struct log_line *line,
			    struct outbox *outbox)
{
	struct group wanted = group_of(line, of_deliveries);
	struct transfer *transfer;

	if (!wanted.result)
		return;
	transfer = find_transfer(transfers, line->association, line->destination);
	if (!transfer)
		transfer = add_transfer(transfers, line);
	transfer->is_delivery = true;
	add_line(transfers, transfer, line, &wanted, outbox);
}

void transfers_end(struct transfers *transfers, const struct log_line *line,
		   struct outbox *outbox)
{
	struct transfer *transfer = find_transfer(transfers, line->association, NULL);
	size_t after;

	if (!transfer)
		return;
	transfer_tell(transfers->config, transfer, line->time, outbox);
	transfers->group_count -= transfer->count;
	transfer_free(transfer);
	after = transfers->count - (size_t)(transfer - transfers->items) - 1;
	memmove(transfer, transfer + 1, after * sizeof(*transfer));
	transfers->count--;
}

void transfers_tell(struct transfers *transfers, const struct log_line *line,
		    struct outbox *outbox)
{
	for (size_t i = 0; i < transfers->count; i++) {
		transfer_tell(transfers->config, &transfers->items[i], line->time,
			      outbox);
		transfer_free(&transfers->items[i]);
	}
	transfers->count = 0;
	transfers->group_count = 0;
}
