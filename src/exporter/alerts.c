#include "alerts.h"

#include <string.h>

#include "cathgate/audit/members.h"

/* What the standard calls a refusal (CID 403). A reason that isn't here is a fault of
 * operation, such as a PACS that is away, and no matter of security. */
struct alert_kind {
	const char *reason; /* with `-` at its end: all that begin so */
	const struct audit_code *type;
	enum audit_severity outcome;
};

static const struct alert_kind refusals[] = {
	{ "tls-revoked", &AUDIT_NODE_AUTHENTICATION, AUDIT_SERIOUS },
	{ "tls-", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "not-tls", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "not-dicom", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "handshake-timeout", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "associate-timeout", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "ae-certificate-mismatch", &AUDIT_NODE_AUTHENTICATION, AUDIT_SERIOUS },
	{ "ae-unknown", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "called-ae-unknown", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "address-not-allowed", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "revoked-while-open", &AUDIT_NODE_AUTHENTICATION, AUDIT_SERIOUS },
	{ "limit-associations", &AUDIT_NODE_AUTHENTICATION, AUDIT_MINOR },
	{ "destination-tls", &AUDIT_NODE_AUTHENTICATION, AUDIT_SERIOUS },
	{ "destination-name", &AUDIT_NODE_AUTHENTICATION, AUDIT_SERIOUS },
	{ "sop-class-not-allowed", &AUDIT_RESTRICTED_FUNCTION, AUDIT_MINOR },
	{ "move-originator", &AUDIT_RESTRICTED_FUNCTION, AUDIT_MINOR },
	{ "limit-refusals", &AUDIT_RESTRICTED_FUNCTION, AUDIT_MINOR },
};

/* For deliveries, whatever their outcome. */
static const struct alert_kind deliveries[] = {
	{ "destination-tls", &AUDIT_NODE_AUTHENTICATION, AUDIT_SERIOUS },
	{ "destination-name", &AUDIT_NODE_AUTHENTICATION, AUDIT_SERIOUS },
	{ "spool-corrupt", &AUDIT_RESTRICTED_FUNCTION, AUDIT_SERIOUS },
};

/* For `alert` lines. The last row is for every other reason. */
static const struct alert_kind alerts[] = {
	{ "audit-unavailable", &AUDIT_RECORDING_STOPPED, AUDIT_SERIOUS },
	{ "audit-reserve", &AUDIT_SECURITY_CONFIGURATION, AUDIT_SERIOUS },
	{ "audit-broken", &AUDIT_RESTRICTED_FUNCTION, AUDIT_MAJOR },
	{ "internal", &AUDIT_RESTRICTED_FUNCTION, AUDIT_MAJOR },
	{ "tls-", &AUDIT_SECURITY_CONFIGURATION, AUDIT_MINOR },
	{ NULL, &AUDIT_SECURITY_CONFIGURATION, AUDIT_SERIOUS },
};

static const struct alert_kind of_instance = { NULL, &AUDIT_RESTRICTED_FUNCTION,
					       AUDIT_MINOR };
static const struct alert_kind of_reload = { NULL, &AUDIT_SOFTWARE_CONFIGURATION,
					     AUDIT_SUCCESS };
static const struct alert_kind of_refused_reload = { NULL, &AUDIT_SOFTWARE_CONFIGURATION,
						     AUDIT_MINOR };
static const struct alert_kind of_retention = { NULL, &AUDIT_SECURITY_CONFIGURATION,
						AUDIT_SUCCESS };

static const struct alert_kind *alert_kind_of(const struct alert_kind *kinds,
					      size_t count, const char *reason)
{
	for (size_t i = 0; i < count; i++) {
		const char *wanted = kinds[i].reason;
		size_t length = wanted ? strlen(wanted) : 0;

		if (!wanted ||
		    (wanted[length - 1] == '-' ? strncmp(wanted, reason, length) == 0
					       : strcmp(wanted, reason) == 0))
			return &kinds[i];
	}
	return NULL;
}

static void put_detail(struct text *to, const char *before, const char *value)
{
	if (!value[0])
		return;
	if (to->size > 0)
		text_put(to, "; ");
	text_put(to, before);
	text_put(to, value);
}

/* What the line says, in one sentence, without the patient: an alert must name none. */
static void describe_alert(struct text *to, const struct log_line *line)
{
	text_put(to, line->event);
	text_put(to, " ");
	text_put(to, line->outcome);
	if (line->reason[0])
		text_put(to, ": ");
	text_put(to, line->reason);
	put_detail(to, "", line->detail);
	put_detail(to, "calling AE title ", line->calling_ae);
	put_detail(to, "called AE title ", line->called_ae);
	put_detail(to, "subject ", members_text(line->json, "subject"));
	put_detail(to, "certificate sha256 ", members_text(line->json, "certificate"));
	put_detail(to, "shown, not proved: subject ",
		   members_text(line->json, "shown_subject"));
	put_detail(to, "shown, not proved: certificate sha256 ",
		   members_text(line->json, "shown_certificate"));
	put_detail(to, "destination ", line->destination);
	put_detail(to, "SOP class ", members_text(line->json, "sop_class"));
	put_detail(to, "SOP instance ", members_text(line->json, "sop_instance"));
}

static void put_alert_object(struct text *to, const struct config *config,
			     const struct log_line *line, const char *description)
{
	struct audit_participant peer = log_line_peer(line);
	const struct audit_object node = {
		.id = line->peer[0] ? line->peer : peer.user_id,
		.type = '2',
		.role = "13",
		.id_type = &AUDIT_ID_NODE,
		.name = "DICOM node",
		.detail_type = "Alert Description",
		.detail = description,
	};

	if (line->peer[0])
		audit_message_object(to, &node);
	else
		audit_message_log(to, config->audit.file.path, "Alert Description",
				  description);
}

static void tell_alert(const struct config *config, const struct log_line *line,
		       const struct alert_kind *kind, struct outbox *outbox)
{
	const struct audit_source source = log_line_source(line);
	const struct audit_event event = {
		.id = &AUDIT_SECURITY_ALERT,
		.type = kind->type,
		.action = 'E',
		.outcome = kind->outcome,
		.time = line->time,
		.description = line->reason,
	};
	struct audit_participant gateway = log_line_gateway(line);
	struct audit_participant peer = log_line_peer(line);
	struct text description = { 0 };
	struct text *to = outbox_begin(outbox);

	gateway.ae_titles = NULL;
	gateway.role = &AUDIT_ROLE_APPLICATION;
	describe_alert(&description, line);
	audit_message_open(to, &source, &event);
	audit_message_participant(to, &gateway);
	if (line->peer[0])
		audit_message_participant(to, &peer);
	audit_message_source(to, &source);
	put_alert_object(to, config, line, text_string(&description));
	audit_message_close(to);
	outbox_end(outbox);
	text_free(&description);
}

static bool is_listed(const char *list, const char *ae_title)
{
	size_t length = strlen(ae_title);

	for (const char *at = list; *at; at++) {
		if (strncmp(at, ae_title, length) == 0 &&
		    (at[length] == ';' || at[length] == '\0'))
			return true;
		at = strchrnul(at, ';');
		if (!*at)
			break;
	}
	return false;
}

static void add_ae_title(struct text *list, const struct ae_title *ae_title)
{
	if (!ae_title->text[0] || is_listed(text_string(list), ae_title->text))
		return;
	if (list->size > 0)
		text_put(list, ";");
	text_put(list, ae_title->text);
}

/* All AE titles that the gateway is called by, and that it calls itself. */
static void list_ae_titles(struct text *list, const struct config *config)
{
	for (size_t i = 0; i < config->modality_count; i++) {
		const struct config_ae_titles *called =
			&config->modalities[i].called_ae_titles;

		for (size_t j = 0; j < called->count; j++)
			add_ae_title(list, &called->items[j]);
	}
	for (size_t i = 0; i < config->destination_count; i++)
		add_ae_title(list, &config->destinations[i].calling_ae_title);
}

static void tell_gateway(const struct config *config, const struct log_line *line,
			 const struct audit_code *id, const struct audit_code *type,
			 struct outbox *outbox)
{
	const struct audit_source source = log_line_source(line);
	const struct audit_event event = {
		.id = id,
		.type = type,
		.action = 'E',
		.time = line->time,
		.description = line->detail,
	};
	struct audit_participant gateway = log_line_gateway(line);
	struct text ae_titles = { 0 };
	struct text *to = outbox_begin(outbox);

	list_ae_titles(&ae_titles, config);
	gateway.ae_titles = text_string(&ae_titles);
	gateway.role = &AUDIT_ROLE_APPLICATION;
	audit_message_open(to, &source, &event);
	audit_message_participant(to, &gateway);
	audit_message_source(to, &source);
	audit_message_close(to);
	outbox_end(outbox);
	text_free(&ae_titles);
}

/* The signed note as a .checkpoint file has it (C2SP), put together from its members. */
static void put_signed_note(struct text *to, const struct log_line *line)
{
	const char *origin = members_text(line->json, "origin");
	const char *signature = members_text(line->json, "signature");

	text_put(to, origin);
	text_put(to, "\n");
	text_put_number(
		to, (uint64_t)json_integer_value(json_object_get(line->json, "size")));
	text_put(to, "\n");
	text_put(to, members_text(line->json, "root"));
	text_put(to, "\n\n");
	if (!signature[0])
		return;
	text_put(to, "\u2014 ");
	text_put(to, origin);
	text_put(to, " ");
	text_put(to, signature);
	text_put(to, "\n");
}

/* The repository shall hold each checkpoint, so that a rollback of the log is seen. A
 * checkpoint is no alert, and Application Activity has no object to hold one. So it is
 * told as a use of the audit log by the gateway itself, with a type of its own. */
static void tell_checkpoint(const struct config *config, const struct log_line *line,
			    struct outbox *outbox)
{
	const struct audit_source source = log_line_source(line);
	const struct audit_event event = {
		.id = &AUDIT_LOG_USED,
		.type = &AUDIT_CHECKPOINT,
		.action = 'R',
		.time = line->time,
	};
	struct audit_participant gateway = log_line_gateway(line);
	struct text note = { 0 };
	struct text *to = outbox_begin(outbox);

	gateway.role = &AUDIT_ROLE_APPLICATION;
	put_signed_note(&note, line);
	audit_message_open(to, &source, &event);
	audit_message_participant(to, &gateway);
	audit_message_source(to, &source);
	audit_message_log(to, config->audit.file.path, "C2SP tlog-checkpoint",
			  text_string(&note));
	audit_message_close(to);
	outbox_end(outbox);
	text_free(&note);
}

#define KIND_OF(kinds, reason) \
	alert_kind_of(kinds, sizeof(kinds) / sizeof((kinds)[0]), reason)

void alerts_take(const struct config *config, const struct log_line *line,
		 struct outbox *outbox)
{
	const struct alert_kind *kind = NULL;

	if (log_line_is(line, "start", NULL)) {
		tell_gateway(config, line, &AUDIT_APPLICATION_ACTIVITY,
			     &AUDIT_APPLICATION_START, outbox);
		tell_gateway(config, line, &AUDIT_NETWORK_ENTRY, &AUDIT_ATTACH, outbox);
	} else if (log_line_is(line, "stop", NULL)) {
		tell_gateway(config, line, &AUDIT_NETWORK_ENTRY, &AUDIT_DETACH, outbox);
		tell_gateway(config, line, &AUDIT_APPLICATION_ACTIVITY,
			     &AUDIT_APPLICATION_STOP, outbox);
	} else if (log_line_is(line, "checkpoint", NULL)) {
		tell_checkpoint(config, line, outbox);
	} else if (log_line_is(line, "instance", "refused") ||
		   (log_line_is(line, "instance", "failed") && !line->association[0])) {
		kind = KIND_OF(refusals, line->reason);
		kind = kind ? kind : &of_instance;
	} else if (log_line_is(line, "association", "refused") ||
		   log_line_is(line, "association", "aborted")) {
		kind = KIND_OF(refusals, line->reason);
	} else if (log_line_is(line, "delivery", NULL)) {
		kind = KIND_OF(deliveries, line->reason);
	} else if (log_line_is(line, "alert", NULL)) {
		kind = KIND_OF(alerts, line->reason);
	} else if (log_line_is(line, "reload", NULL)) {
		kind = strcmp(line->outcome, "done") == 0 ? &of_reload
							  : &of_refused_reload;
	} else if (log_line_is(line, "retention", NULL)) {
		kind = &of_retention;
	}
	if (kind)
		tell_alert(config, line, kind, outbox);
}
