/*
 * The configuration: reads libconfig's text into a struct. Each fault names its file,
 * line and key, and says what to write instead.
 *
 * Promises: all faults are reported, except that nothing more is read after a syntax
 * error. Unknown keys, wrong types, numbers that libconfig would wrap, keys of parts that
 * are not built yet and contradictions are faults. A struct config is whole and free of
 * contradictions. It holds texts, numbers and paths: tls/ reads and judges certificates
 * and keys, policy/ finds entries that overlap, and both add faults to the same list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cathgate/base/address.h"
#include "cathgate/base/ae_title.h"
#include "cathgate/base/must_use.h"
#include "cathgate/base/reason.h"

/* A folder beside the configuration. Each NAME.conf in it is one more entry of
 * `modalities`, with its keys at the top of the file. Includes in it are relative to the
 * configuration's folder, too. */
#define CONFIG_MODALITIES_FOLDER "modalities.d"

/* A place in the configuration, for messages. */
struct config_place {
	const char *file;
	int line;
	const char *key; /* "destinations[0].tls.ca" */
};

struct config_file {
	const char *path; /* made absolute; NULL when not given */
	bool credential;  /* in systemd's credentials folder: its mode is not checked */
	bool in_token;	  /* no file: `path` is the URI of a private key in a token */
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

/* The groups offered for the key exchange: "classic" has no post-quantum one. */
enum config_key_exchange { CONFIG_KEY_EXCHANGE_DEFAULT, CONFIG_KEY_EXCHANGE_CLASSIC };

#define CONFIG_PAIRS_MAX 2

struct config_tls {
	bool none; /* tls = "none": a plain connection */
	/* Pairs of our own: key number i is of certificate number i, and there is a
	 * second pair for peers that know another kind of key. */
	struct config_files certificate, key;
	struct config_file ca;
	struct config_files crl;
	int min_version;			 /* 12 or 13 */
	const char *server_name;		 /* of a destination */
	struct config_strings public_key_sha256; /* of a destination: hex, lower case */
	enum config_key_exchange key_exchange;	 /* of a destination */
	/* Of a listener: the certificates that entries name by their SHA-256. */
	struct config_strings entries_sha256;
	/* `ca` of all listeners and destinations: the CA of `certificate` may be there.
	 */
	struct config_files authorities;
	struct config_place place;
};

struct config_listen {
	const char *socket; /* the name of a socket from systemd; NULL: none */
	const char *address;
	uint16_t port; /* 0: the system picks one, and the log says which */
	struct config_tls tls;
	struct config_place place;
};

/* The certificates that an entry is bound to. Of each list that isn't empty, one value
 * must match. */
struct config_certificate {
	bool none; /* certificate = "none": plain listeners only */
	struct config_strings sha256, public_key_sha256; /* hex, lower case, no colons */
	struct config_strings dns, uri, common_name;
};

enum config_echo { CONFIG_ECHO_GATEWAY, CONFIG_ECHO_DESTINATION };

/* When an object is kept in the spool: never; when the destination doesn't take it now;
 * each, before it is acknowledged. */
enum config_spool_mode {
	CONFIG_SPOOL_OFF,
	CONFIG_SPOOL_FALLBACK,
	CONFIG_SPOOL_ALWAYS,
	CONFIG_SPOOL_USUAL /* of an entry that doesn't say, while it is read */
};

struct config_modality {
	const char *name;
	struct config_ae_titles ae_titles, called_ae_titles;
	struct config_certificate certificate;
	struct address_range *addresses; /* without any: all */
	size_t address_count;
	struct config_strings sop_classes; /* UIDs; without any: all storage classes */
	struct config_ae_titles move_originators;
	bool user_identity_pass;
	enum config_echo echo;
	enum config_spool_mode spool; /* that of `spool` unless given */
	size_t destination;	      /* index into destinations */
	unsigned idle_seconds;	      /* 0: never; that of limits unless given */
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
	unsigned couriers;		  /* associations that deliver from the spool */
	struct config_tls tls;
	struct config_place place;
};

enum config_patient_id {
	CONFIG_PATIENT_PSEUDONYM,
	CONFIG_PATIENT_OMIT,
	CONFIG_PATIENT_CLEAR
};

/* Whether the exporter writes to the journal if there is one, or never. */
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

/* Run for each alert, with JSON on its standard input. */
struct config_alerts {
	struct config_strings command; /* without any: none */
	struct config_place place;     /* of the command */
};

/* What becomes of a gateway whose kernel has no Landlock: a warning, or no start. */
enum config_landlock { CONFIG_LANDLOCK_PREFER, CONFIG_LANDLOCK_REQUIRE };

struct config_sandbox {
	enum config_landlock landlock;
	struct config_place place; /* of landlock */
};

/* What becomes of an object that comes again: as the same bytes, or as others. */
enum config_resend { CONFIG_RESEND_ONCE, CONFIG_RESEND_FORWARD };
enum config_conflict { CONFIG_CONFLICT_FORWARD, CONFIG_CONFLICT_QUARANTINE };

struct config_spool {
	enum config_spool_mode mode;
	struct config_file directory;
	/* Private keys, the one in force first; without any there is no spool. */
	struct config_files key;
	struct config_file public_key; /* of the first; path NULL: that of the key */
	int64_t max_bytes, min_free_bytes;
	/* Transfer syntaxes that are taken while the destination's own are not known;
	 * without any: all that are offered. */
	struct config_strings accept;
	unsigned retry_first_seconds, retry_max_seconds, give_up_hours;
	unsigned duplicate_hours; /* 0: what was delivered is forgotten at once */
	enum config_resend resend;
	enum config_conflict on_conflict;
	struct config_place place;
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
	struct config_spool spool;
	struct config_metrics metrics;
	struct config_control control;
	struct config_alerts alerts;
	struct config_sandbox sandbox;
	struct config_limits limits;
	struct config_place *places; /* of each key given, for config_place_of */
	size_t place_count;
};

/* What is wrong with a configuration. */
enum config_fault_kind {
	CONFIG_ERROR,	 /* the gateway doesn't start with it */
	CONFIG_REFUSED,	 /* likewise, and to try it again would do harm: a token counts
			    wrong PINs, and locks */
	CONFIG_CALENDAR, /* a date made it bad: an error in --check, an alert at start */
	CONFIG_WARNING	 /* the gateway works, but an operator should know */
};

struct config_fault {
	enum config_fault_kind kind;
	enum reason reason; /* of CONFIG_CALENDAR: that of the handshakes that fail */
	char *text;	    /* "FILE:LINE: KEY: what is wrong; what to write instead" */
};

/* The gateway doesn't start with it: CONFIG_ERROR or CONFIG_REFUSED. */
bool config_fault_is_error(const struct config_fault *fault);

struct config_faults {
	struct config_fault *items;
	size_t count;
	size_t error_count, calendar_count;
};

/* Adds a fault. The text has no file or line where `place` has none. */
void config_fault_add(struct config_faults *faults, enum config_fault_kind kind,
		      const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for CONFIG_CALENDAR. */
void config_fault_calendar(struct config_faults *faults, enum reason reason,
			   const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void config_faults_clear(struct config_faults *faults);
/* The first CONFIG_REFUSED one; NULL: there is none. */
const struct config_fault *config_faults_refused(const struct config_faults *faults);

/* Adds a fault where a file that must be trusted belongs to somebody else than root and
 * the user who runs this; a warning for root, who may be another than the service. */
void config_check_owner(struct config_faults *faults, const struct config_place *place,
			const char *path, uid_t owner);

/* Knowledge of dicom/, which config/ may not include: the UID of a SOP class by its name
 * ("XRayAngiographicImageStorage"), NULL when there is none, and whether a UID can be a
 * storage class. */
struct config_sop_classes {
	const char *(*uid_of_name)(const char *name);
	bool (*is_storage)(const char *uid);
};

/* Reads a configuration. The caller owns *ret (config_free) and clears `faults`. 0; or -1
 * with *ret untouched when there was a CONFIG_ERROR. */
MUST_USE int config_load(const char *path, const struct config_sop_classes *sop_classes,
			 struct config **ret, struct config_faults *faults);
/* The same as if the file `more`, or the files in that folder, stood in modalities.d,
 * too: so entries are judged before they count. NULL: none. */
MUST_USE int config_load_with(const char *path, const char *more,
			      const struct config_sop_classes *sop_classes,
			      struct config **ret, struct config_faults *faults);
void config_free(struct config *config);

/* Packs a configuration, but for `places`, into bytes for another process of this
 * program. The caller frees *ret. 0, or -1 without memory. */
MUST_USE int config_pack(const struct config *config, uint8_t **ret, size_t *ret_size);
/* The result is the caller's (config_free). NULL when the bytes are no configuration. */
MUST_USE struct config *config_unpack(const uint8_t *bytes, size_t size);

/* Whether there is a spool: it may hold objects, also where no entry spools any more. */
bool config_has_spool(const struct config *config);

/* The place of a key in a group, as "certificate.sha256" in an entry. When the key isn't
 * given, the group's own place with that key. */
struct config_place config_place_of(const struct config *config,
				    const struct config_place *group, const char *key);

/* Each of these reads one key, for tools: faults elsewhere in the configuration don't
 * matter. The caller frees *ret. 0, or -1 with a fault, also when the key isn't given. */
MUST_USE int config_audit_file(const char *path, char **ret,
			       struct config_faults *faults);
MUST_USE int config_audit_pseudonym_key(const char *path, char **ret,
					struct config_faults *faults);
/* "pseudonym", "omit" or "clear"; -1 where it isn't said, which is the first. */
MUST_USE int config_audit_patient_id(const char *path, char **ret,
				     struct config_faults *faults);
MUST_USE int config_audit_signing_key(const char *path, char **ret,
				      struct config_faults *faults);
MUST_USE int config_audit_messages(const char *path, char **ret,
				   struct config_faults *faults);
MUST_USE int config_control_socket(const char *path, char **ret,
				   struct config_faults *faults);
MUST_USE int config_gateway_name(const char *path, char **ret,
				 struct config_faults *faults);

/*
 * One entry of the allowlist by itself. When the configuration changes, the supervisor
 * sends each open association its new entry.
 */

/* Packs an entry, without its destination and place, into bytes for another process of
 * this program. The caller frees *ret. 0, or -1 without memory. */
MUST_USE int config_entry_pack(const struct config_modality *entry, uint8_t **ret,
			       size_t *ret_size);
/* The result is the caller's (config_entry_free). NULL when the bytes are no entry. */
MUST_USE struct config_modality *config_entry_unpack(const uint8_t *bytes, size_t size);
void config_entry_free(struct config_modality *entry);

/* The keys in which two entries differ, "ae_titles, sop_classes", cut at `size`; "" for
 * none. `destination` isn't compared: it is an index into lists that may differ. */
void config_entry_changes(const struct config_modality *before,
			  const struct config_modality *now, char *ret, size_t size);

/* The same for limits, as in "limits.max_associations 128 to 64"; and for the keys that a
 * running gateway can't change: its name, "sandbox.landlock", and those of audit. */
void config_limits_changes(const struct config_limits *before,
			   const struct config_limits *now, char *ret, size_t size);
void config_fixed_changes(const struct config *before, const struct config *now,
			  char *ret, size_t size);
