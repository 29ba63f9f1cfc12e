#include "sections.h"

#include "items.h"

static void want_group(struct reader *reader, const config_setting_t *setting,
		       const struct key *key, const struct key *keys, size_t count,
		       void *object)
{
	if (config_setting_is_group(setting))
		reader_group(reader, setting, keys, count, object);
	else
		reader_wrong_type(reader, setting, key, "a group");
}

static const struct key gateway_keys[] = {
	{ .name = "name",
	  .read = reader_text,
	  .item = item_gateway_name,
	  .offset = offsetof(struct config, gateway_name),
	  .example = "\"cathlab-3\"" },
};

static void gateway_read(struct reader *reader, const config_setting_t *setting,
			 const struct key *key, void *config)
{
	want_group(reader, setting, key, gateway_keys, KEY_COUNT(gateway_keys), config);
}

static const struct key listen_keys[] = {
	{ .name = "address",
	  .read = reader_text,
	  .item = item_number_address,
	  .offset = offsetof(struct config_listen, address),
	  .example = "\"0.0.0.0\"" },
	{ .name = "port",
	  .read = reader_port,
	  .offset = offsetof(struct config_listen, port),
	  .min = 1,
	  .max = 65535,
	  .zero = "the system picks one",
	  .example = "2762" },
	{ .name = "tls",
	  .read = tls_section_listen,
	  .required = true,
	  .offset = offsetof(struct config_listen, tls),
	  .example = "{ certificate = \"…\"; key = \"…\"; ca = \"…\"; }" },
	{ .name = "socket",
	  .read = reader_text,
	  .item = item_socket,
	  .offset = offsetof(struct config_listen, socket),
	  .example = "\"dicom-tls\"" },
};

/* A socket from systemd has its address already. Without one both keys are needed. */
static void check_place_to_listen(struct reader *reader, const config_setting_t *group)
{
	static const char *const names[] = { "address", "port" };
	static const char *const values[] = { "\"0.0.0.0\"", "2762" };
	bool is_passed = reader_member(group, "socket") != NULL;

	for (size_t i = 0; i < 2; i++) {
		struct config_place place = reader_member_place(reader, group, names[i]);
		bool is_there = reader_member(group, names[i]) != NULL;

		if (is_passed && is_there)
			reader_fault(reader, &place,
				     "the socket unit says where this listener's socket "
				     "listens; remove %s, or remove socket",
				     names[i]);
		else if (!is_passed && !is_there)
			reader_fault(reader, &place,
				     "it is missing; write %s = %s, or socket = "
				     "\"dicom-tls\" for a socket from systemd",
				     names[i], values[i]);
	}
}

static void listen_read(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *object)
{
	struct config *config = object;
	size_t count;
	struct config_listen *listen =
		reader_groups(reader, setting, key, sizeof(*listen), &count);

	if (!listen)
		return;
	for (size_t i = 0; i < count; i++) {
		const config_setting_t *group =
			config_setting_get_elem(setting, (unsigned)i);

		listen[i].place = reader_place(reader, group);
		reader_group(reader, group, listen_keys, KEY_COUNT(listen_keys),
			     &listen[i]);
		if (config_setting_is_group(group))
			check_place_to_listen(reader, group);
	}
	config->listen = listen;
	config->listen_count = count;
}

#define COURIERS_USUAL 2

static const char *const key_exchanges[] = { "default", "classic", NULL };

static const struct key destination_keys[] = {
	{ .name = "name",
	  .read = reader_text,
	  .item = item_name,
	  .required = true,
	  .offset = offsetof(struct config_destination, name),
	  .example = "\"pacs\"" },
	{ .name = "host",
	  .read = reader_text,
	  .item = item_host,
	  .required = true,
	  .offset = offsetof(struct config_destination, host),
	  .example = "\"pacs.hospital.example\"" },
	{ .name = "port",
	  .read = reader_port,
	  .required = true,
	  .offset = offsetof(struct config_destination, port),
	  .min = 1,
	  .max = 65535,
	  .example = "2762" },
	{ .name = "called_ae_title",
	  .read = reader_text,
	  .item = item_ae_title,
	  .required = true,
	  .offset = offsetof(struct config_destination, called_ae_title),
	  .example = "\"PACS\"" },
	{ .name = "calling_ae_title",
	  .read = reader_text,
	  .item = item_ae_title,
	  .offset = offsetof(struct config_destination, calling_ae_title),
	  .example = "\"CATHGATE\"" },
	{ .name = "key_exchange",
	  .read = reader_choice,
	  .words = key_exchanges,
	  .offset = offsetof(struct config_destination, tls.key_exchange),
	  .example = "\"default\"" },
	{ .name = "couriers",
	  .read = reader_unsigned,
	  .offset = offsetof(struct config_destination, couriers),
	  .min = 1,
	  .max = 32,
	  .example = "2" },
	{ .name = "tls",
	  .read = tls_section_destination,
	  .required = true,
	  .offset = offsetof(struct config_destination, tls),
	  .example = "{ certificate = \"…\"; key = \"…\"; ca = \"…\"; }" },
};

static void destinations_read(struct reader *reader, const config_setting_t *setting,
			      const struct key *key, void *object)
{
	struct config *config = object;
	size_t count;
	struct config_destination *destinations =
		reader_groups(reader, setting, key, sizeof(*destinations), &count);

	if (!destinations)
		return;
	for (size_t i = 0; i < count; i++) {
		struct config_destination *destination = &destinations[i];
		const config_setting_t *group =
			config_setting_get_elem(setting, (unsigned)i);

		destination->place = reader_place(reader, group);
		destination->couriers = COURIERS_USUAL;
		reader_group(reader, group, destination_keys, KEY_COUNT(destination_keys),
			     destination);
		if (!destination->tls.server_name)
			destination->tls.server_name = destination->host;
	}
	config->destinations = destinations;
	config->destination_count = count;
}

static const char *const patient_ids[] = { "pseudonym", "omit", "clear", NULL };

static const char *const journals[] = { "auto", "off", NULL };

#define AUDIT_KEY(key_name, least, most, value)                                        \
	{                                                                              \
		.name = #key_name, .read = reader_unsigned, .min = least, .max = most, \
		.offset = offsetof(struct config_audit, key_name), .example = value    \
	}

static const struct key audit_keys[] = {
	{ .name = "file",
	  .read = reader_text,
	  .item = item_file,
	  .required = true,
	  .offset = offsetof(struct config_audit, file),
	  .example = "\"/var/log/cathgate/audit.jsonl\"" },
	{ .name = "pseudonym_key",
	  .read = reader_text,
	  .item = item_file,
	  .offset = offsetof(struct config_audit, pseudonym_key),
	  .example = "\"tls/pseudonym.key\"" },
	{ .name = "patient_id",
	  .read = reader_choice,
	  .words = patient_ids,
	  .offset = offsetof(struct config_audit, patient_id),
	  .example = "\"pseudonym\"" },
	{ .name = "signing_key",
	  .read = reader_text,
	  .item = item_file,
	  .offset = offsetof(struct config_audit, signing_key),
	  .example = "\"tls/audit.key\"" },
	AUDIT_KEY(checkpoint_records, 1, 1000000, "1000"),
	AUDIT_KEY(checkpoint_seconds, 1, 86400, "300"),
	{ .name = "rotate_bytes",
	  .read = reader_int64,
	  .offset = offsetof(struct config_audit, rotate_bytes),
	  .min = 4096,
	  .max = 1LL << 32, /* each start reads the whole file */
	  .example = "268435456L" },
	AUDIT_KEY(rotate_hours, 1, 8784, "24"),
	{ .name = "reserve_bytes",
	  .read = reader_int64,
	  .offset = offsetof(struct config_audit, reserve_bytes),
	  .min = 4096,
	  .max = 1LL << 50,
	  .zero = "none",
	  .example = "268435456L" },
	{ .name = "keep_days",
	  .read = reader_unsigned,
	  .offset = offsetof(struct config_audit, keep_days),
	  .min = 1,
	  .max = 36525,
	  .zero = "for ever",
	  .example = "0" },
	{ .name = "messages",
	  .read = reader_text,
	  .item = item_file,
	  .offset = offsetof(struct config_audit, messages),
	  .example = "\"/var/log/cathgate/messages\"" },
	{ .name = "journal",
	  .read = reader_choice,
	  .words = journals,
	  .offset = offsetof(struct config_audit, journal),
	  .example = "\"auto\"" },
};

static void audit_read(struct reader *reader, const config_setting_t *setting,
		       const struct key *key, void *object)
{
	struct config_audit *audit = &((struct config *)object)->audit;

	want_group(reader, setting, key, audit_keys, KEY_COUNT(audit_keys), audit);
	/* audit_check warns where these two are absent, and needs a place. */
	if (!audit->signing_key.path)
		audit->signing_key.place =
			reader_member_place(reader, setting, "signing_key");
	if (!audit->pseudonym_key.path)
		audit->pseudonym_key.place =
			reader_member_place(reader, setting, "pseudonym_key");
}

static const struct key metrics_keys[] = {
	{ .name = "textfile",
	  .read = reader_text,
	  .item = item_file,
	  .required = true,
	  .offset = offsetof(struct config_metrics, textfile),
	  .example = "\"/var/lib/prometheus/node-exporter/cathgate.prom\"" },
};

static void metrics_read(struct reader *reader, const config_setting_t *setting,
			 const struct key *key, void *object)
{
	want_group(reader, setting, key, metrics_keys, KEY_COUNT(metrics_keys),
		   &((struct config *)object)->metrics);
}

static const struct key control_keys[] = {
	{ .name = "socket",
	  .read = reader_text,
	  .item = item_file,
	  .required = true,
	  .offset = offsetof(struct config_control, socket),
	  .example = "\"/run/cathgate/control\"" },
};

static void control_read(struct reader *reader, const config_setting_t *setting,
			 const struct key *key, void *object)
{
	want_group(reader, setting, key, control_keys, KEY_COUNT(control_keys),
		   &((struct config *)object)->control);
}

static const struct key alerts_keys[] = {
	{ .name = "command",
	  .read = reader_strings,
	  .item = item_word,
	  .required = true,
	  .offset = offsetof(struct config_alerts, command),
	  .example = "[ \"/usr/local/sbin/cathgate-alert\" ]" },
};

static void alerts_read(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *object)
{
	struct config_alerts *alerts = &((struct config *)object)->alerts;

	want_group(reader, setting, key, alerts_keys, KEY_COUNT(alerts_keys), alerts);
	alerts->place = reader_member_place(reader, setting, "command");
}

static const char *const landlocks[] = { "prefer", "require", NULL };

static const struct key sandbox_keys[] = {
	{ .name = "landlock",
	  .read = reader_choice,
	  .words = landlocks,
	  .offset = offsetof(struct config_sandbox, landlock),
	  .example = "\"auto\"" },
};

static void sandbox_read(struct reader *reader, const config_setting_t *setting,
			 const struct key *key, void *object)
{
	struct config_sandbox *sandbox = &((struct config *)object)->sandbox;

	want_group(reader, setting, key, sandbox_keys, KEY_COUNT(sandbox_keys), sandbox);
	sandbox->place = reader_member_place(reader, setting, "landlock");
}

#define LIMIT_KEY(key_name, least, most, value)                                        \
	{                                                                              \
		.name = #key_name, .read = reader_unsigned, .min = least, .max = most, \
		.offset = offsetof(struct config_limits, key_name), .example = value   \
	}

static const struct key limits_keys[] = {
	LIMIT_KEY(max_associations, 1, 4096, "128"),
	LIMIT_KEY(max_handshakes, 1, 4096, "64"),
	LIMIT_KEY(max_associations_per_address, 1, 4096, "32"),
	LIMIT_KEY(handshakes_per_address_per_minute, 1, 1000000, "240"),
	{ .name = "max_bytes_per_address_per_second",
	  .read = reader_int64,
	  .offset = offsetof(struct config_limits, max_bytes_per_address_per_second),
	  .min = 1024,
	  .max = 1000000000000,
	  .zero = "no limit",
	  .example = "0" },
	{ .name = "instances_per_address_per_minute",
	  .read = reader_unsigned,
	  .offset = offsetof(struct config_limits, instances_per_address_per_minute),
	  .min = 1,
	  .max = 10000000,
	  .zero = "no limit",
	  .example = "0" },
	{ .name = "max_object_bytes",
	  .read = reader_int64,
	  .offset = offsetof(struct config_limits, max_object_bytes),
	  .min = 1024,
	  .max = 1LL << 50,
	  .example = "8589934592L" },
	LIMIT_KEY(max_pdu_bytes, 4096, 131072, "131072"),
	LIMIT_KEY(handshake_seconds, 1, 600, "10"),
	LIMIT_KEY(associate_seconds, 1, 600, "10"),
	{ .name = "idle_seconds",
	  .read = reader_unsigned,
	  .offset = offsetof(struct config_limits, idle_seconds),
	  .min = 1,
	  .max = 604800,
	  .zero = "never",
	  .example = "300" },
	LIMIT_KEY(store_seconds, 1, 3600, "60"),
	LIMIT_KEY(min_bytes_per_second, 1, 1000000000, "1024"),
	LIMIT_KEY(connect_seconds, 1, 600, "10"),
	LIMIT_KEY(response_seconds, 1, 3600, "120"),
	LIMIT_KEY(grace_seconds, 1, 3600, "30"),
};

static const struct config_limits limits_usual = {
	.max_associations = 128,
	.max_handshakes = 64,
	.max_associations_per_address = 32,
	.handshakes_per_address_per_minute = 240,
	.max_object_bytes = 8589934592,
	.max_pdu_bytes = 131072,
	.handshake_seconds = 10,
	.associate_seconds = 10,
	.idle_seconds = 300,
	.store_seconds = 60,
	.min_bytes_per_second = 1024,
	.connect_seconds = 10,
	.response_seconds = 120,
	.grace_seconds = 30,
};

static void limits_read(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *object)
{
	want_group(reader, setting, key, limits_keys, KEY_COUNT(limits_keys),
		   &((struct config *)object)->limits);
}

static const struct key top_keys[] = {
	{ .name = "gateway",
	  .read = gateway_read,
	  .example = "{ name = \"cathlab-3\"; }" },
	{ .name = "listen",
	  .read = listen_read,
	  .required = true,
	  .example = "( { address = \"0.0.0.0\"; port = 2762; tls: { … } } )" },
	{ .name = "modalities", .read = modalities_read, .example = MODALITIES_EXAMPLE },
	{ .name = "destinations",
	  .read = destinations_read,
	  .required = true,
	  .example = "( { name = \"pacs\"; host = \"pacs.hospital.example\"; … } )" },
	{ .name = "audit",
	  .read = audit_read,
	  .required = true,
	  .example = "{ file = \"/var/log/cathgate/audit.jsonl\"; }" },
	{ .name = "spool", .read = spool_section_read, .example = "{ mode = \"off\"; }" },
	{ .name = "metrics",
	  .read = metrics_read,
	  .example = "{ textfile = "
		     "\"/var/lib/prometheus/node-exporter/cathgate.prom\"; }" },
	{ .name = "control",
	  .read = control_read,
	  .example = "{ socket = \"/run/cathgate/control\"; }" },
	{ .name = "alerts",
	  .read = alerts_read,
	  .example = "{ command = [ \"/usr/local/sbin/cathgate-alert\" ]; }" },
	{ .name = "sandbox",
	  .read = sandbox_read,
	  .example = "{ landlock = \"prefer\"; }" },
	{ .name = "limits",
	  .read = limits_read,
	  .example = "{ max_associations = 128; }" },
};

static const struct config_audit audit_usual = {
	.checkpoint_records = 1000,
	.checkpoint_seconds = 300,
	.rotate_bytes = 268435456,
	.reserve_bytes = 268435456,
	.rotate_hours = 24,
};

void sections_read(struct reader *reader, struct config *config)
{
	config->audit = audit_usual;
	config->limits = limits_usual;
	spool_section_usual(reader, config);
	/* A warning may want a place. */
	config->sandbox.place = reader_member_place(reader, reader->root, "sandbox");
	reader_group(reader, reader->root, top_keys, KEY_COUNT(top_keys), config);
	modalities_read_drop_ins(reader, config);
}
