#include "layouts.h"

#include "cathgate/config/config.h"

static const struct pack_field text_fields[] = {
	{ "text", PACK_TEXT, 0, 0, 0, NULL },
};
static const struct pack_layout text = PACK_LAYOUT(const char *, text_fields);

static const struct pack_field strings_fields[] = {
	PACK_ITEMS(struct config_strings, items, count, text),
};
static const struct pack_layout strings =
	PACK_LAYOUT(struct config_strings, strings_fields);

static const struct pack_field ae_title_fields[] = {
	{ "title", PACK_AE_TITLE, 0, 0, 0, NULL },
};
static const struct pack_layout ae_title = PACK_LAYOUT(struct ae_title, ae_title_fields);

static const struct pack_field ae_titles_fields[] = {
	PACK_ITEMS(struct config_ae_titles, items, count, ae_title),
};
static const struct pack_layout ae_titles =
	PACK_LAYOUT(struct config_ae_titles, ae_titles_fields);

static const struct pack_field place_fields[] = {
	PACK_ONE(struct config_place, file, PACK_MAYBE_TEXT),
	PACK_NUMBER(struct config_place, line),
	PACK_ONE(struct config_place, key, PACK_MAYBE_TEXT),
};
static const struct pack_layout place = PACK_LAYOUT(struct config_place, place_fields);

static const struct pack_field file_fields[] = {
	PACK_ONE(struct config_file, path, PACK_MAYBE_TEXT),
	PACK_ONE(struct config_file, credential, PACK_BOOL),
	PACK_ONE(struct config_file, in_token, PACK_BOOL),
	PACK_NESTED(struct config_file, place, place),
};
static const struct pack_layout file = PACK_LAYOUT(struct config_file, file_fields);

static const struct pack_field files_fields[] = {
	PACK_ITEMS(struct config_files, items, count, file),
};
static const struct pack_layout files = PACK_LAYOUT(struct config_files, files_fields);

static const struct pack_field tls_fields[] = {
	PACK_ONE(struct config_tls, none, PACK_BOOL),
	PACK_NESTED(struct config_tls, certificate, files),
	PACK_NESTED(struct config_tls, key, files),
	PACK_NESTED(struct config_tls, ca, file),
	PACK_NESTED(struct config_tls, crl, files),
	PACK_NUMBER(struct config_tls, min_version),
	PACK_ONE(struct config_tls, server_name, PACK_MAYBE_TEXT),
	PACK_NESTED(struct config_tls, public_key_sha256, strings),
	PACK_NUMBER(struct config_tls, key_exchange),
	PACK_NESTED(struct config_tls, entries_sha256, strings),
	PACK_NESTED(struct config_tls, authorities, files),
	PACK_NESTED(struct config_tls, place, place),
};
static const struct pack_layout tls = PACK_LAYOUT(struct config_tls, tls_fields);

static const struct pack_field listen_fields[] = {
	PACK_ONE(struct config_listen, socket, PACK_MAYBE_TEXT),
	PACK_ONE(struct config_listen, address, PACK_MAYBE_TEXT),
	PACK_NUMBER(struct config_listen, port),
	PACK_NESTED(struct config_listen, tls, tls),
	PACK_NESTED(struct config_listen, place, place),
};
static const struct pack_layout listener =
	PACK_LAYOUT(struct config_listen, listen_fields);

static const struct pack_field certificate_fields[] = {
	PACK_ONE(struct config_certificate, none, PACK_BOOL),
	PACK_NESTED(struct config_certificate, sha256, strings),
	PACK_NESTED(struct config_certificate, public_key_sha256, strings),
	PACK_NESTED(struct config_certificate, dns, strings),
	PACK_NESTED(struct config_certificate, uri, strings),
	PACK_NESTED(struct config_certificate, common_name, strings),
};
static const struct pack_layout certificate =
	PACK_LAYOUT(struct config_certificate, certificate_fields);

static const struct pack_field range_fields[] = {
	PACK_NUMBER(struct address_range, network.bytes),
	PACK_ONE(struct address_range, network.v6, PACK_BOOL),
	PACK_NUMBER(struct address_range, prefix_bits),
};
static const struct pack_layout range = PACK_LAYOUT(struct address_range, range_fields);

static const struct pack_field entry_fields[] = {
	PACK_ONE(struct config_modality, name, PACK_TEXT),
	PACK_NESTED(struct config_modality, ae_titles, ae_titles),
	PACK_NESTED(struct config_modality, called_ae_titles, ae_titles),
	PACK_NESTED(struct config_modality, certificate, certificate),
	PACK_ITEMS(struct config_modality, addresses, address_count, range),
	PACK_NESTED(struct config_modality, sop_classes, strings),
	PACK_NESTED(struct config_modality, move_originators, ae_titles),
	{ "user_identity", PACK_BOOL,
	  offsetof(struct config_modality, user_identity_pass), 0, 0, NULL },
	PACK_NUMBER(struct config_modality, echo),
	PACK_NUMBER(struct config_modality, spool),
	PACK_NUMBER(struct config_modality, idle_seconds),
	PACK_NUMBER(struct config_modality, max_associations),
	PACK_NUMBER(struct config_modality, max_handshakes_per_minute),
	PACK_NUMBER(struct config_modality, max_bytes_per_second),
	PACK_NUMBER(struct config_modality, max_instances_per_minute),
};
const struct pack_layout layout_entry = PACK_LAYOUT(struct config_modality, entry_fields);

static const struct pack_field modality_fields[] = {
	{ "entry", PACK_STRUCT, 0, 0, 0, &layout_entry },
	PACK_NUMBER(struct config_modality, destination),
	PACK_NESTED(struct config_modality, place, place),
};
static const struct pack_layout modality =
	PACK_LAYOUT(struct config_modality, modality_fields);

static const struct pack_field destination_fields[] = {
	PACK_ONE(struct config_destination, name, PACK_TEXT),
	PACK_ONE(struct config_destination, host, PACK_TEXT),
	PACK_NUMBER(struct config_destination, port),
	PACK_ONE(struct config_destination, called_ae_title, PACK_AE_TITLE),
	PACK_ONE(struct config_destination, calling_ae_title, PACK_AE_TITLE),
	PACK_NUMBER(struct config_destination, couriers),
	PACK_NESTED(struct config_destination, tls, tls),
	PACK_NESTED(struct config_destination, place, place),
};
static const struct pack_layout destination =
	PACK_LAYOUT(struct config_destination, destination_fields);

static const struct pack_field audit_fields[] = {
	PACK_NESTED(struct config_audit, file, file),
	PACK_NESTED(struct config_audit, signing_key, file),
	PACK_NESTED(struct config_audit, pseudonym_key, file),
	PACK_NUMBER(struct config_audit, patient_id),
	PACK_NUMBER(struct config_audit, checkpoint_records),
	PACK_NUMBER(struct config_audit, checkpoint_seconds),
	PACK_NUMBER(struct config_audit, rotate_bytes),
	PACK_NUMBER(struct config_audit, reserve_bytes),
	PACK_NUMBER(struct config_audit, rotate_hours),
	PACK_NUMBER(struct config_audit, keep_days),
	PACK_NESTED(struct config_audit, messages, file),
	PACK_NUMBER(struct config_audit, journal),
};
static const struct pack_layout audit = PACK_LAYOUT(struct config_audit, audit_fields);

static const struct pack_field spool_fields[] = {
	PACK_NUMBER(struct config_spool, mode),
	PACK_NESTED(struct config_spool, directory, file),
	PACK_NESTED(struct config_spool, key, files),
	PACK_NESTED(struct config_spool, public_key, file),
	PACK_NUMBER(struct config_spool, max_bytes),
	PACK_NUMBER(struct config_spool, min_free_bytes),
	PACK_NESTED(struct config_spool, accept, strings),
	PACK_NUMBER(struct config_spool, retry_first_seconds),
	PACK_NUMBER(struct config_spool, retry_max_seconds),
	PACK_NUMBER(struct config_spool, give_up_hours),
	PACK_NUMBER(struct config_spool, duplicate_hours),
	PACK_NUMBER(struct config_spool, resend),
	PACK_NUMBER(struct config_spool, on_conflict),
	PACK_NESTED(struct config_spool, place, place),
};
static const struct pack_layout spool = PACK_LAYOUT(struct config_spool, spool_fields);

static const struct pack_field limits_fields[] = {
	PACK_NUMBER(struct config_limits, max_associations),
	PACK_NUMBER(struct config_limits, max_handshakes),
	PACK_NUMBER(struct config_limits, max_associations_per_address),
	PACK_NUMBER(struct config_limits, handshakes_per_address_per_minute),
	PACK_NUMBER(struct config_limits, max_bytes_per_address_per_second),
	PACK_NUMBER(struct config_limits, instances_per_address_per_minute),
	PACK_NUMBER(struct config_limits, max_object_bytes),
	PACK_NUMBER(struct config_limits, max_pdu_bytes),
	PACK_NUMBER(struct config_limits, handshake_seconds),
	PACK_NUMBER(struct config_limits, associate_seconds),
	PACK_NUMBER(struct config_limits, idle_seconds),
	PACK_NUMBER(struct config_limits, store_seconds),
	PACK_NUMBER(struct config_limits, min_bytes_per_second),
	PACK_NUMBER(struct config_limits, connect_seconds),
	PACK_NUMBER(struct config_limits, response_seconds),
	PACK_NUMBER(struct config_limits, grace_seconds),
};
static const struct pack_layout limits = PACK_LAYOUT(struct config_limits, limits_fields);

static const struct pack_field config_fields[] = {
	PACK_ONE(struct config, path, PACK_TEXT),
	PACK_ONE(struct config, gateway_name, PACK_TEXT),
	PACK_ITEMS(struct config, listen, listen_count, listener),
	PACK_ITEMS(struct config, modalities, modality_count, modality),
	PACK_ITEMS(struct config, destinations, destination_count, destination),
	PACK_NESTED(struct config, audit, audit),
	PACK_NESTED(struct config, spool, spool),
	PACK_NESTED(struct config, metrics.textfile, file),
	PACK_NESTED(struct config, control.socket, file),
	PACK_NESTED(struct config, alerts.command, strings),
	PACK_NESTED(struct config, alerts.place, place),
	PACK_NESTED(struct config, limits, limits),
};
const struct pack_layout layout_config = PACK_LAYOUT(struct config, config_fields);
