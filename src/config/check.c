/* Faults that only show when keys are compared with each other. */

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "sections.h"

/* The place of a key in an element of a list at the top of the configuration. */
static struct config_place place_of(struct reader *reader, const char *list,
				    size_t element, const char *key)
{
	const config_setting_t *setting = reader_member(reader->root, list);

	return reader_member_place(
		reader, config_setting_get_elem(setting, (unsigned)element), key);
}

static bool is_any(const struct address_range *range)
{
	static const struct address none;

	return memcmp(range->network.bytes, none.bytes, sizeof(none.bytes)) == 0;
}

/* Whether two listeners want the same port. One on "::" takes IPv4 connections, too. */
static bool ports_collide(const struct config_listen *a, const struct config_listen *b)
{
	struct address_range range_a, range_b;

	if (a->port != b->port || a->port == 0 || !a->address || !b->address ||
	    address_range_parse(a->address, &range_a) < 0 ||
	    address_range_parse(b->address, &range_b) < 0)
		return false;
	if ((range_a.network.v6 && is_any(&range_a)) ||
	    (range_b.network.v6 && is_any(&range_b)))
		return true;
	return range_a.network.v6 == range_b.network.v6 &&
	       (is_any(&range_a) || is_any(&range_b) ||
		address_equal(&range_a.network, &range_b.network));
}

static void check_listen(struct reader *reader, const struct config *config, size_t i)
{
	const struct config_listen *listen = &config->listen[i];
	struct config_place place = place_of(reader, "listen", i, "address");
	struct address_range range;

	for (size_t j = 0; j < i; j++) {
		if (listen->socket && config->listen[j].socket &&
		    strcmp(listen->socket, config->listen[j].socket) == 0) {
			place = place_of(reader, "listen", i, "socket");
			reader_fault(reader, &place,
				     "the listener in line %d has that socket already; "
				     "give each its own",
				     config->listen[j].place.line);
		}
		if (ports_collide(listen, &config->listen[j]))
			reader_fault(reader, &place,
				     "port %u of %s is taken by the listener in line %d; "
				     "give one of them another port",
				     listen->port, listen->address,
				     config->listen[j].place.line);
	}
	if (!listen->tls.none)
		return;
	if (!listen->socket &&
	    (!listen->address || address_range_parse(listen->address, &range) < 0))
		return;
	/* The supervisor checks the addresses of systemd's sockets at start. */
	if (!listen->socket && !address_is_loopback(&range.network))
		reader_fault(reader, &place,
			     "a listener without TLS must not be reached from outside; "
			     "write address = \"127.0.0.1\", or give it certificates in "
			     "tls");
	else
		config_fault_add(reader->faults, CONFIG_WARNING, &listen->tls.place,
				 "this listener takes plain DICOM: every process on this "
				 "machine can send under any AE title of an entry with "
				 "certificate = \"none\"");
}

static void check_name(struct reader *reader, const struct config_place *place,
		       const char *name, const char *other_name,
		       const struct config_place *other)
{
	if (!name || !other_name || strcmp(name, other_name) != 0)
		return;
	if (strcmp(place->file, other->file) == 0)
		reader_fault(reader, place,
			     "\"%s\" is also the name of the entry in line %d; write "
			     "another one",
			     name, other->line);
	else
		reader_fault(reader, place,
			     "\"%s\" is also the name of the entry in %s; write another "
			     "one",
			     name, other->file);
}

static void check_modality(struct reader *reader, struct config *config, size_t i)
{
	struct config_modality *modality = &config->modalities[i];
	const struct config_limits *limits = &config->limits;
	const config_setting_t *group = reader->modality_groups[i];
	struct config_place place = reader_member_place(reader, group, "name");

	for (size_t j = 0; j < i; j++)
		check_name(reader, &place, modality->name, config->modalities[j].name,
			   &config->modalities[j].place);
	if (modality->idle_seconds == UINT_MAX)
		modality->idle_seconds = limits->idle_seconds;
	if (modality->spool == CONFIG_SPOOL_USUAL)
		modality->spool = config->spool.mode;
	if (modality->max_associations > limits->max_associations) {
		place = reader_member_place(reader, group, "max_associations");
		if (!reader_member(group, "max_associations"))
			modality->max_associations = limits->max_associations;
		else
			reader_fault(reader, &place,
				     "%u is more than limits.max_associations allows to "
				     "all together; write at most %u, or raise that one",
				     modality->max_associations,
				     limits->max_associations);
	}
	if (modality->max_bytes_per_second > 0 &&
	    modality->max_bytes_per_second < limits->min_bytes_per_second) {
		place = reader_member_place(reader, group, "max_bytes_per_second");
		reader_fault(reader, &place,
			     "it is less than limits.min_bytes_per_second demands; write "
			     "at least %u, or lower that one",
			     limits->min_bytes_per_second);
	}
	if (modality->max_instances_per_minute > 0 &&
	    modality->max_instances_per_minute < modality->max_associations) {
		place = reader_member_place(reader, group, "max_instances_per_minute");
		reader_fault(reader, &place,
			     "it is less than one for each of its max_associations; "
			     "write at least %u, or lower that one",
			     modality->max_associations);
	}
}

static void check_destination(struct reader *reader, const struct config *config,
			      size_t i)
{
	const struct config_destination *destination = &config->destinations[i];

	struct config_place place = place_of(reader, "destinations", i, "name");

	for (size_t j = 0; j < i; j++)
		check_name(reader, &place, destination->name,
			   config->destinations[j].name, &config->destinations[j].place);
	if (!destination->tls.none)
		return;
	place = place_of(reader, "destinations", i, "key_exchange");
	if (destination->tls.key_exchange == CONFIG_KEY_EXCHANGE_DEFAULT)
		config_fault_add(reader->faults, CONFIG_WARNING, &destination->tls.place,
				 "images go to this destination unencrypted, and nothing "
				 "proves that it is the PACS");
	else
		reader_fault(reader, &place,
			     "without TLS there is no key exchange; remove the key");
}

static void check_limits(struct reader *reader, const struct config *config)
{
	const config_setting_t *group = reader_member(reader->root, "limits");
	struct config_place place;

	if (config->limits.max_pdu_bytes % 2 == 0)
		return;
	place = reader_member_place(reader, group, "max_pdu_bytes");
	reader_fault(reader, &place, "%u is odd; write an even number, as in %u",
		     config->limits.max_pdu_bytes, config->limits.max_pdu_bytes - 1);
}

static void check_audit(struct reader *reader, const struct config_audit *audit)
{
	if (audit->file.credential)
		reader_fault(
			reader, &audit->file.place,
			"a credential can't be written to; write the path of a file");
	if (audit->pseudonym_key.path && audit->patient_id != CONFIG_PATIENT_PSEUDONYM)
		config_fault_add(reader->faults, CONFIG_WARNING,
				 &audit->pseudonym_key.place,
				 "the key is of no use while patient_id is not "
				 "\"pseudonym\"");
}

/* The host's own name, unless the configuration gives one. */
static void check_gateway_name(struct reader *reader, struct config *config)
{
	char name[HOST_NAME_MAX + 1] = "";
	const config_setting_t *group = reader_member(reader->root, "gateway");
	struct config_place place;

	if (config->gateway_name || (group && reader_member(group, "name")))
		return;
	place = group ? reader_member_place(reader, group, "name")
		      : reader_member_place(reader, reader->root, "gateway.name");
	gethostname(name, sizeof(name) - 1);
	item_gateway_name(reader, &place, name, &config->gateway_name);
}

/* A modality's certificate may stand in `ca` without its CA if an entry names it. */
static void collect_named(struct reader *reader, struct config *config)
{
	struct config_strings named = { 0 };
	const char **items;
	size_t count = 0;

	for (size_t i = 0; i < config->modality_count; i++)
		count += config->modalities[i].certificate.sha256.count;
	named.items = items = arena_alloc(reader->arena, count + 1, sizeof(*items));
	for (size_t i = 0; i < config->modality_count; i++) {
		const struct config_strings *own =
			&config->modalities[i].certificate.sha256;

		for (size_t j = 0; j < own->count; j++)
			items[named.count++] = own->items[j];
	}
	for (size_t i = 0; i < config->listen_count; i++)
		config->listen[i].tls.entries_sha256 = named;
}

static void collect_authorities(struct reader *reader, struct config *config)
{
	struct config_files all = { 0 };

	all.items = arena_alloc(reader->arena,
				config->listen_count + config->destination_count + 1,
				sizeof(*all.items));
	for (size_t i = 0; i < config->listen_count; i++)
		if (!config->listen[i].tls.none)
			all.items[all.count++] = config->listen[i].tls.ca;
	for (size_t i = 0; i < config->destination_count; i++)
		if (!config->destinations[i].tls.none)
			all.items[all.count++] = config->destinations[i].tls.ca;
	for (size_t i = 0; i < config->listen_count; i++)
		config->listen[i].tls.authorities = all;
	for (size_t i = 0; i < config->destination_count; i++)
		config->destinations[i].tls.authorities = all;
}

void sections_check(struct reader *reader, struct config *config)
{
	check_gateway_name(reader, config);
	for (size_t i = 0; i < config->listen_count; i++)
		check_listen(reader, config, i);
	for (size_t i = 0; i < config->modality_count; i++)
		check_modality(reader, config, i);
	for (size_t i = 0; i < config->destination_count; i++)
		check_destination(reader, config, i);
	collect_named(reader, config);
	collect_authorities(reader, config);
	check_limits(reader, config);
	check_audit(reader, &config->audit);
	spool_section_check(reader, config);
}
