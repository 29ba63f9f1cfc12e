/*
 * A line of the audit log as the audit messages need it: its members as strings, "" for
 * what it doesn't have.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "audit_message.h"
#include "cathgate/config/config.h"

struct log_line {
	const json_t *json;
	uint64_t seq;
	const char *time, *node, *event, *outcome, *reason, *detail;
	const char *association, *modality, *calling_ae, *called_ae, *destination;
	char peer[64];	   /* its address, without the port */
	char stranger[64]; /* the calling AE title in quotes, for a peer that no entry of
			      the allowlist fitted */
};

/* The strings are the JSON value's. */
void log_line_read(const json_t *json, uint64_t seq, struct log_line *ret);

/* Makes `stranger` of the calling AE title, in a line that was put together. */
void log_line_name_stranger(struct log_line *line);

bool log_line_is(const struct log_line *line, const char *event, const char *outcome);

struct audit_source log_line_source(const struct log_line *line);
/* The sender: the entry's name if one fitted, else what is known of the peer. */
struct audit_participant log_line_peer(const struct log_line *line);
/* The gateway as the log names it, by its one name as its address. */
struct audit_participant log_line_gateway(const struct log_line *line);

/* NULL when the configuration has none of that name (any more). */
const struct config_destination *log_line_destination(const struct log_line *line,
						      const struct config *config);
