#include "log_line.h"

#include <stdio.h>
#include <string.h>

#include "cathgate/audit/members.h"

/* "192.0.2.1:104", "[2001:db8::1]:104" */
static void read_peer(const char *peer, char *ret, size_t room)
{
	const char *port = strrchr(peer, ':');
	size_t length = port ? (size_t)(port - peer) : strlen(peer);

	if (length >= 2 && peer[0] == '[' && peer[length - 1] == ']') {
		peer++;
		length -= 2;
	}
	snprintf(ret, room, "%.*s", (int)length, peer);
}

void log_line_name_stranger(struct log_line *line)
{
	snprintf(line->stranger, sizeof(line->stranger), "\"%.60s\"", line->calling_ae);
}

void log_line_read(const json_t *json, uint64_t seq, struct log_line *ret)
{
	struct log_line line = { .json = json, .seq = seq };

	line.time = members_text(json, "time");
	line.node = members_text(json, "node");
	line.event = members_text(json, "event");
	line.outcome = members_text(json, "outcome");
	line.reason = members_text(json, "reason");
	line.detail = members_text(json, "detail");
	line.association = members_text(json, "association");
	line.modality = members_text(json, "modality");
	line.calling_ae = members_text(json, "calling_ae");
	line.called_ae = members_text(json, "called_ae");
	line.destination = members_text(json, "destination");
	log_line_name_stranger(&line);
	read_peer(members_text(json, "peer"), line.peer, sizeof(line.peer));
	*ret = line;
}

bool log_line_is(const struct log_line *line, const char *event, const char *outcome)
{
	return strcmp(line->event, event) == 0 &&
	       (!outcome || strcmp(line->outcome, outcome) == 0);
}

struct audit_source log_line_source(const struct log_line *line)
{
	return (struct audit_source){
		.time = line->time,
		.node = line->node,
		.group = line->association,
	};
}

struct audit_participant log_line_peer(const struct log_line *line)
{
	return (struct audit_participant){
		.user_id = line->modality[0]	 ? line->modality
			   : line->calling_ae[0] ? line->stranger
			   : line->peer[0]	 ? line->peer
						 : "unknown",
		.ae_titles = line->calling_ae,
		.address = line->peer,
	};
}

struct audit_participant log_line_gateway(const struct log_line *line)
{
	return (struct audit_participant){
		.user_id = line->node,
		.ae_titles = line->called_ae,
		.address = line->node,
	};
}

const struct config_destination *log_line_destination(const struct log_line *line,
						      const struct config *config)
{
	for (size_t i = 0; i < config->destination_count; i++) {
		if (strcmp(config->destinations[i].name, line->destination) == 0)
			return &config->destinations[i];
	}
	return NULL;
}
