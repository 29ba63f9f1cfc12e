#include "sections.h"

#include <string.h>

#include "items.h"

#define TLS_EXAMPLE \
	"{ certificate = \"…\"; key = \"…\"; ca = \"…\"; }, or \"none\" without TLS"

static void read_version(struct reader *reader, const config_setting_t *setting,
			 const struct key *key, void *field)
{
	unsigned number = 0;

	reader_choice(reader, setting, key, &number);
	*(int *)field = 12 + (int)number;
}

static const char *const versions[] = { "1.2", "1.3", NULL };

#define FILE_KEY(key_name, value)                                                  \
	{                                                                          \
		.name = #key_name, .read = reader_text, .item = item_file,         \
		.required = true, .offset = offsetof(struct config_tls, key_name), \
		.example = value                                                   \
	}
#define PAIR_KEY(key_name, reads, value)                                           \
	{                                                                          \
		.name = #key_name, .read = reader_files, .item = reads,            \
		.required = true, .offset = offsetof(struct config_tls, key_name), \
		.example = value                                                   \
	}
#define CRL_KEY(value)                                                       \
	{                                                                    \
		.name = "crl", .read = reader_files, .item = item_file,      \
		.offset = offsetof(struct config_tls, crl), .example = value \
	}
#define VERSION_KEY                                                                      \
	{                                                                                \
		.name = "min_version", .read = read_version, .words = versions,          \
		.offset = offsetof(struct config_tls, min_version), .example = "\"1.2\"" \
	}

static const struct key listen_keys[] = {
	PAIR_KEY(certificate, item_file, "\"tls/gateway.crt\""),
	PAIR_KEY(key, item_key_file, "\"tls/gateway.key\""),
	FILE_KEY(ca, "\"tls/modalities-ca.crt\""),
	CRL_KEY("\"tls/modalities.crl\""),
	VERSION_KEY,
	{ .name = "server_name",
	  .read = reader_elsewhere,
	  .example = "remove it: only a destination has a name to prove" },
	{ .name = "public_key_sha256",
	  .read = reader_elsewhere,
	  .example = "write it into the `certificate` of an entry of modalities" },
};

static const struct key destination_keys[] = {
	PAIR_KEY(certificate, item_file, "\"tls/gateway-client.crt\""),
	PAIR_KEY(key, item_key_file, "\"tls/gateway-client.key\""),
	FILE_KEY(ca, "\"tls/pacs-ca.crt\""),
	CRL_KEY("\"tls/pacs.crl\""),
	VERSION_KEY,
	{ .name = "server_name",
	  .read = reader_text,
	  .item = item_host,
	  .offset = offsetof(struct config_tls, server_name),
	  .example = "\"pacs.hospital.example\"" },
	{ .name = "public_key_sha256",
	  .read = reader_strings,
	  .item = item_digest,
	  .offset = offsetof(struct config_tls, public_key_sha256),
	  .example = "[ \"64 hexadecimal digits\" ]" },
};

/* A certificate that has no key, or the other way round, is told where one is missing.
 */
static void check_pairs(struct reader *reader, const config_setting_t *setting,
			const struct config_tls *tls)
{
	size_t certificates = tls->certificate.count, keys = tls->key.count;
	struct config_place place;

	if (certificates > CONFIG_PAIRS_MAX) {
		place = reader_member_place(reader, setting, "certificate");
		reader_fault(reader, &place,
			     "%zu certificates are too many; write one, or two: one with "
			     "an EC key and one with an RSA key",
			     certificates);
	} else if (certificates != keys && certificates > 0 && keys > 0) {
		place = reader_member_place(reader, setting,
					    certificates > keys ? "key" : "certificate");
		reader_fault(
			reader, &place,
			"certificate names %zu of ours, and key names %zu; write the "
			"key of each certificate, in the same order",
			certificates, keys);
	}
}

static void read_tls(struct reader *reader, const config_setting_t *setting,
		     const struct key *key, const struct key *keys, size_t count,
		     struct config_tls *tls)
{
	const char *text = config_setting_get_string(setting);

	tls->place = reader_place(reader, setting);
	tls->min_version = 12;
	if (text && strcmp(text, "none") == 0) {
		tls->none = true;
	} else if (text) {
		reader_fault(reader, &tls->place,
			     "\"%s\" is no choice here; write tls = %s", text,
			     TLS_EXAMPLE);
	} else if (!config_setting_is_group(setting)) {
		reader_wrong_type(reader, setting, key, "a group");
	} else {
		reader_group(reader, setting, keys, count, tls);
		check_pairs(reader, setting, tls);
	}
}

void tls_section_listen(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *field)
{
	read_tls(reader, setting, key, listen_keys, KEY_COUNT(listen_keys), field);
}

void tls_section_destination(struct reader *reader, const config_setting_t *setting,
			     const struct key *key, void *field)
{
	read_tls(reader, setting, key, destination_keys, KEY_COUNT(destination_keys),
		 field);
}
