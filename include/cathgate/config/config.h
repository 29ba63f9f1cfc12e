/*
 * The configuration: libconfig text to one const struct, every fault named with its
 * file, line, key and what to write instead.
 *
 * Promises: all faults are reported, not just the first (after a syntax error, only that
 * one); unknown keys, wrong types, wrapped integers, keys of parts that are not built yet
 * and contradictions are faults; a struct config is whole and consistent, or there is
 * none. It holds text, numbers and paths: certificates and keys are read and judged by
 * tls/, entries that overlap by policy/, both adding their faults to the same list.
 */
#ifndef CATHGATE_CONFIG_H
#define CATHGATE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/address.h"
#include "cathgate/base/ae_title.h"
#include "cathgate/base/must_use.h"
#include "cathgate/base/reason.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A folder beside the configuration: each NAME.conf in it is one more entry of
 * `modalities`, its keys at the top of the file. Includes begin at the configuration's
 * folder there, too. */
#define CONFIG_MODALITIES_FOLDER "modalities.d"

/* Where something stands in the configuration, for messages about it. */
struct config_place {
	const char *file;
	int line;
	const char *key; /* in full, as in "destinations[0].tls.ca" */
};

struct config_file {
	const char *path; /* made absolute; NULL when not given */
	bool credential;  /* from systemd's credentials folder: its mode is not judged */
	struct config_place place;
};

struct config_strings {
	const char **items;
	size_t count;
};

struct config_files {
	struct config_file *items;
	size_t count;
};

struct config_ae_titles {
	struct ae_title *items;
	size_t count;
};

/* Which groups are offered for the key exchange: with "classic" no post-quantum one. */
enum config_key_exchange { CONFIG_KEY_EXCHANGE_DEFAULT, CONFIG_KEY_EXCHANGE_CLASSIC };

struct config_tls {
	bool none; /* tls = "none": a plain connection */
	struct config_file certificate, key, ca;
	struct config_files crl;
	int min_version;			 /* 12 or 13 */
	const char *server_name;		 /* of a destination */
	struct config_strings public_key_sha256; /* of a destination: hex, lower case */
	enum config_key_exchange key_exchange;	 /* of a destination */
	/* Of a listener: the certificates that entries name by their SHA-256. */
	struct config_strings entries_sha256;
	struct config_place place;
};

struct config_listen {
	const char *socket; /* the name of one that systemd passes; NULL: our own */
	const char *address;
	uint16_t port; /* 0: the system picks one, and the log says which */
	struct config_tls tls;
	struct config_place place;
};

/* Which certificates an entry is bound to: of each kind that has values, one must match.
 */
struct config_certificate {
	bool none; /* certificate = "none": plain listeners only */
	struct config_strings sha256, public_key_sha256; /* hex, lower case, no colons */
	struct config_strings dns, uri, common_name;
};

enum config_echo { CONFIG_ECHO_GATEWAY, CONFIG_ECHO_DESTINATION };

struct config_modality {
	const char *name;
	struct config_ae_titles ae_titles, called_ae_titles;
	struct config_certificate certificate;
	struct address_range *addresses; /* none: any */
	size_t address_count;
	struct config_strings sop_classes; /* UIDs; none: any storage class */
	struct config_ae_titles move_originators;
	bool user_identity_pass;
	enum config_echo echo;
	size_t destination;    /* index into destinations */
	unsigned idle_seconds; /* its own, or that of limits; 0: never */
	unsigned max_associations;
	unsigned max_handshakes_per_minute;
	int64_t max_bytes_per_second;	   /* 0: no limit */
	unsigned max_instances_per_minute; /* likewise */
	struct config_place place;
};

struct config_destination {
	const char *name;
	const char *host;
	uint16_t port;
	struct ae_title called_ae_title;
	struct ae_title calling_ae_title; /* empty: the modality's is passed on */
	struct config_tls tls;
	struct config_place place;
};

enum config_patient_id {
	CONFIG_PATIENT_PSEUDONYM,
	CONFIG_PATIENT_OMIT,
	CONFIG_PATIENT_CLEAR
};

/* Where the exporter speaks to the journal: wherever there is one, or never. */
enum config_journal { CONFIG_JOURNAL_AUTO, CONFIG_JOURNAL_OFF };

struct config_audit {
	struct config_file file;
	struct config_file signing_key;	  /* path NULL: checkpoints are not signed */
	struct config_file pseudonym_key; /* path NULL: no pseudonyms */
	enum config_patient_id patient_id;
	unsigned checkpoint_records, checkpoint_seconds;
	int64_t rotate_bytes;
	int64_t reserve_bytes; /* 0: none */
	unsigned rotate_hours;
	unsigned keep_days;	     /* 0: for ever */
	struct config_file messages; /* a directory for DICOM audit messages; path NULL:
					none are written */
	enum config_journal journal;
};

struct config_limits {
	unsigned max_associations, max_handshakes, max_associations_per_address;
	unsigned handshakes_per_address_per_minute;
	int64_t max_bytes_per_address_per_second;  /* 0: no limit */
	unsigned instances_per_address_per_minute; /* likewise */
	int64_t max_object_bytes;
	unsigned max_pdu_bytes;
	unsigned handshake_seconds, associate_seconds;
	unsigned idle_seconds; /* 0: never */
	unsigned store_seconds, min_bytes_per_second;
	unsigned connect_seconds, response_seconds, grace_seconds;
};

struct config_metrics {
	struct config_file textfile; /* path NULL: none is written */
};

/* The socket on which `cathgate status` asks. */
struct config_control {
	struct config_file socket; /* path NULL: the usual one, where its folder exists */
};

struct config {
	const char *path;
	const char *gateway_name;
	struct config_listen *listen;
	size_t listen_count;
	struct config_modality *modalities;
	size_t modality_count;
	struct config_destination *destinations;
	size_t destination_count;
	struct config_audit audit;
	struct config_metrics metrics;
	struct config_control control;
	struct config_limits limits;
	struct config_place *places; /* of each key that is given: config_place_of */
	size_t place_count;
};

/* What is wrong with a configuration, in the order it was found. */
enum config_fault_kind {
	CONFIG_ERROR,	 /* nothing starts with it */
	CONFIG_CALENDAR, /* only time made it bad: an error in --check, an alert at start
			  */
	CONFIG_WARNING	 /* it works, but somebody should know */
};

struct config_fault {
	enum config_fault_kind kind;
	enum reason reason; /* of CONFIG_CALENDAR: how handshakes fail because of it */
	char *text;	    /* "FILE:LINE: KEY: what is wrong; what to write instead" */
};

struct config_faults {
	struct config_fault *items;
	size_t count;
	size_t error_count, calendar_count;
};

/* Adds a fault; a place without a file or line leaves those out. */
void config_fault_add(struct config_faults *faults, enum config_fault_kind kind,
		      const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for CONFIG_CALENDAR. */
void config_fault_calendar(struct config_faults *faults, enum reason reason,
			   const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void config_faults_clear(struct config_faults *faults);

/* What the configuration must ask of parts above it: the UID of a SOP class by its name
 * ("XRayAngiographicImageStorage"), NULL when there is none, and whether a UID could be
 * a storage class. */
struct config_sop_classes {
	const char *(*uid_of_name)(const char *name);
	bool (*is_storage)(const char *uid);
};

/* Reads a configuration. The caller owns *ret (config_free) and clears `faults`.
 * 0, or -1 when faults->error_count is not 0, *ret then untouched. Warnings alone leave
 * it good. */
MUST_USE int config_load(const char *path, const struct config_sop_classes *sop_classes,
			 struct config **ret, struct config_faults *faults);
void config_free(struct config *config);

/* Where a key of a group stands, "certificate.sha256" of an entry's place, say; the
 * group's own place, with that key, when it isn't given. */
struct config_place config_place_of(const struct config *config,
				    const struct config_place *group, const char *key);

/* The path of the audit log alone, for tools: faults elsewhere in the configuration don't
 * matter. The caller frees *ret. 0, or -1 with a fault. */
MUST_USE int config_audit_file(const char *path, char **ret,
			       struct config_faults *faults);
/* That of the key for pseudonyms, in the same way. */
MUST_USE int config_audit_pseudonym_key(const char *path, char **ret,
					struct config_faults *faults);
/* The directory of the audit messages, and the gateway's own name, where they are given.
 */
MUST_USE int config_audit_messages(const char *path, char **ret,
				   struct config_faults *faults);
/* The socket of `cathgate status`, where it is given. */
MUST_USE int config_control_socket(const char *path, char **ret,
				   struct config_faults *faults);
MUST_USE int config_gateway_name(const char *path, char **ret,
				 struct config_faults *faults);

/*
 * One entry of the allowlist by itself: an association that is open is brought its own
 * new one when the configuration changes.
 */

/* The entry in bytes for another process of this program, without its destination and its
 * place; the caller frees *ret. 0, or -1 without memory. */
MUST_USE int config_entry_pack(const struct config_modality *entry, uint8_t **ret,
			       size_t *ret_size);
/* The caller's (config_entry_free); its place is empty. NULL when the bytes are none. */
MUST_USE struct config_modality *config_entry_unpack(const uint8_t *bytes, size_t size);
void config_entry_free(struct config_modality *entry);

/* The keys in which two entries differ, "ae_titles, sop_classes", cut when there is no
 * room; empty when in none. `destination` is not looked at: it is an index, into lists
 * that may differ. */
void config_entry_changes(const struct config_modality *before,
			  const struct config_modality *now, char *ret, size_t size);

/* The same of limits, as in "limits.max_associations 128 to 64"; and of what a running
 * gateway can't change, its name and the auditor's keys: "gateway.name, audit.file". */
void config_limits_changes(const struct config_limits *before,
			   const struct config_limits *now, char *ret, size_t size);
void config_fixed_changes(const struct config *before, const struct config *now,
			  char *ret, size_t size);

#ifdef __cplusplus
}
#endif

#endif
