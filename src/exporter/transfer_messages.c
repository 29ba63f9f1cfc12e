#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/utc.h"

/* One kind of message about a transfer and a patient. */
struct telling {
	unsigned results;
	bool is_outbound;
	enum audit_severity outcome;
	const char *description;
};

static const struct telling tellings[] = {
	{ FORWARDED | SPOOLED, false, AUDIT_SUCCESS, NULL },
	{ FAILED | UNCONFIRMED, false, AUDIT_MINOR,
	  "not acknowledged to the sender, who may send again" },
	{ FORWARDED, true, AUDIT_SUCCESS, NULL },
	{ FAILED, true, AUDIT_MINOR, "not taken by the receiver" },
	{ UNCONFIRMED, true, AUDIT_MINOR,
	  "sent to the end, but not confirmed: the receiver may hold them" },
	{ UNDELIVERED, true, AUDIT_SERIOUS,
	  "acknowledged to the sender, not taken by the receiver, not tried any more" },
	{ DROPPED, true, AUDIT_SERIOUS,
	  "acknowledged to the sender, and removed by an operator before the receiver "
	  "had "
	  "them" },
};

/* The members that messages are made of, as a line would have them. */
static struct log_line line_of_transfer(const struct transfer *transfer)
{
	struct log_line line = {
		.node = transfer->node,
		.modality = transfer->modality,
		.calling_ae = transfer->calling_ae,
		.called_ae = transfer->called_ae,
		.destination = transfer->destination,
		.association = transfer->association,
	};

	memcpy(line.peer, transfer->peer, sizeof(line.peer));
	log_line_name_stranger(&line);
	return line;
}

static void put_inbound(struct text *to, const struct log_line *line)
{
	struct audit_participant sender = log_line_peer(line);
	struct audit_participant gateway = log_line_gateway(line);

	sender.is_requestor = true;
	sender.role = &AUDIT_ROLE_SOURCE;
	gateway.role = &AUDIT_ROLE_DESTINATION;
	audit_message_participant(to, &sender);
	audit_message_participant(to, &gateway);
}

/* The gateway calls the PACS by an AE title of its own, or by the modality's. */
static void put_outbound(struct text *to, const struct log_line *line,
			 const struct config *config)
{
	const struct config_destination *known = log_line_destination(line, config);
	struct audit_participant gateway = log_line_gateway(line), receiver = {
		.user_id = line->destination[0] ? line->destination : "unknown",
		.role = &AUDIT_ROLE_DESTINATION,
	};

	gateway.is_requestor = true;
	gateway.role = &AUDIT_ROLE_SOURCE;
	gateway.ae_titles = known && known->calling_ae_title.text[0]
				    ? known->calling_ae_title.text
				    : line->calling_ae;
	if (known) {
		receiver.ae_titles = known->called_ae_title.text;
		receiver.address = known->host;
	}
	audit_message_participant(to, &gateway);
	audit_message_participant(to, &receiver);
}

/* A destination that isn't in the configuration any more had TLS, as nearly all have. */
static bool goes_encrypted(const struct log_line *line, const struct config *config)
{
	const struct config_destination *known = log_line_destination(line, config);

	return !known || !known->tls.none;
}

static void put_patient(struct text *to, const char *patient, const struct config *config)
{
	const struct audit_object object = {
		.id = patient,
		.type = '1',
		.role = "1",
		.id_type = &AUDIT_ID_PATIENT,
		.name = config->audit.patient_id == CONFIG_PATIENT_CLEAR
				? "Patient ID"
				: "Pseudonym of the Patient ID",
	};

	if (patient[0])
		audit_message_object(to, &object);
}

/* When the instance began: the line's time is that of its end. */
static void time_of_begin(const struct log_line *line, char *ret, size_t room)
{
	int64_t total_ms = members_number(line->json, "total_ms"), us;

	snprintf(ret, room, "%s", line->time);
	if (total_ms < 0 || utc_parse(line->time, &us) || us / 1000 < total_ms)
		return;
	utc_text(us - 1000 * total_ms, ret);
}

void transfer_tell_begin(const struct config *config, const struct log_line *line,
			 const struct group *group, struct outbox *outbox)
{
	char time[40];
	const struct audit_source source = log_line_source(line);
	const struct audit_event event = {
		.id = &AUDIT_BEGIN_TRANSFERRING,
		.action = 'E',
		.time = time,
	};
	struct text *to = outbox_begin(outbox);

	time_of_begin(line, time, sizeof(time));
	audit_message_open(to, &source, &event);
	put_outbound(to, line, config);
	audit_message_source(to, &source);
	audit_message_study_open(to, group->study);
	audit_message_sop_class(to, group->sop_class, 1);
	audit_message_study_close(to, goes_encrypted(line, config));
	put_patient(to, group->patient, config);
	audit_message_close(to);
	outbox_end(outbox);
}

static int compare_groups(const void *a, const void *b)
{
	const struct group *first = a, *second = b;
	int order = strcmp(first->patient, second->patient);

	if (order == 0)
		order = strcmp(first->study, second->study);
	if (order == 0)
		order = strcmp(first->sop_class, second->sop_class);
	if (order == 0)
		order = (int)first->result - (int)second->result;
	return order != 0 ? order : strcmp(first->reason, second->reason);
}

/* Those groups of one patient that the next messages tell of. */
struct range {
	const struct group *at, *end;
	unsigned results;
};

static void skip_other_results(struct range *range)
{
	while (range->at < range->end && !(range->at->result & range->results))
		range->at++;
}

/* Each reason once and with its number: "not taken (destination-lost: 3)". */
static void describe_results(struct text *to, const struct telling *telling,
			     const struct range *range)
{
	const char *before = " (";

	text_put(to, telling->description);
	for (const struct group *group = range->at; group < range->end; group++) {
		uint64_t count = 0;
		bool is_told = false;

		if (!(group->result & range->results) || !group->reason[0])
			continue;
		for (const struct group *other = range->at; other < range->end; other++) {
			if (!(other->result & range->results) ||
			    strcmp(other->reason, group->reason) != 0)
				continue;
			is_told = is_told || other < group;
			count += other->count;
		}
		if (is_told)
			continue;
		text_put(to, before);
		text_put(to, group->reason);
		text_put(to, ": ");
		text_put_number(to, count);
		before = ", ";
	}
	if (before[0] == ',')
		text_put(to, ")");
}

/* Studies and their SOP classes, as many as go into one message. */
static void put_studies(struct text *to, size_t began, struct range *range,
			bool is_encrypted)
{
	const char *study = NULL;

	while (range->at < range->end && to->size - began < AUDIT_MESSAGE_SPLIT) {
		const struct group *first = range->at;
		uint64_t count = 0;

		if (!study || strcmp(study, first->study) != 0) {
			if (study)
				audit_message_study_close(to, is_encrypted);
			audit_message_study_open(to, first->study);
		}
		study = first->study;
		while (range->at < range->end && strcmp(study, range->at->study) == 0 &&
		       strcmp(first->sop_class, range->at->sop_class) == 0) {
			count += range->at->count;
			range->at++;
			skip_other_results(range);
		}
		audit_message_sop_class(to, first->sop_class, count);
	}
	audit_message_study_close(to, is_encrypted);
}

static void tell_patient(const struct config *config, const struct transfer *transfer,
			 const struct telling *telling, struct range range,
			 const char *time, struct outbox *outbox)
{
	struct log_line line = line_of_transfer(transfer);
	struct text why = { 0 };
	struct audit_source source = log_line_source(&line);
	struct audit_event event = {
		.id = &AUDIT_INSTANCES_TRANSFERRED,
		/* PS3.15 A.5.3.7: C where the receiver did not hold it, R where that is
		 * not known. */
		.action = telling->is_outbound ? 'R' : 'C',
		.outcome = telling->outcome,
		.time = transfer->last_time,
	};

	range.results = telling->results;
	skip_other_results(&range);
	if (range.at < range.end && telling->description)
		describe_results(&why, telling, &range);
	event.description = why.bytes ? text_string(&why) : NULL;
	source.time = time;
	while (range.at < range.end) {
		const char *patient = range.at->patient;
		struct text *to = outbox_begin(outbox);
		size_t began = to->size;

		audit_message_open(to, &source, &event);
		if (telling->is_outbound)
			put_outbound(to, &line, config);
		else
			put_inbound(to, &line);
		audit_message_source(to, &source);
		put_studies(to, began, &range,
			    telling->is_outbound ? goes_encrypted(&line, config)
						 : transfer->came_encrypted);
		put_patient(to, patient, config);
		audit_message_close(to);
		outbox_end(outbox);
	}
	text_free(&why);
}

void transfer_tell(const struct config *config, struct transfer *transfer,
		   const char *time, struct outbox *outbox)
{
	const struct group *end = transfer->groups + transfer->count;
	struct range range = { .at = transfer->groups };

	if (transfer->count > 0)
		qsort(transfer->groups, transfer->count, sizeof(*transfer->groups),
		      compare_groups);
	for (; range.at < end; range.at = range.end) {
		range.end = range.at;
		while (range.end < end &&
		       strcmp(range.at->patient, range.end->patient) == 0)
			range.end++;
		for (size_t i = 0; i < sizeof(tellings) / sizeof(tellings[0]); i++)
			if (tellings[i].is_outbound || !transfer->is_delivery)
				tell_patient(config, transfer, &tellings[i], range, time,
					     outbox);
	}
}
