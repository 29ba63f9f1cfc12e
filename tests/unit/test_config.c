/*
 * Goal: whatever is wrong with a configuration is named with its file, its line, its key
 * and a cure; what is right is loaded as it stands.
 *
 * The file is long because of its table: a row a fault.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cathgate/config/config.h"

#define HEX8  "0123abcd"
#define HEX64 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8

/* Each row of the table below puts one thing in the place of another in this. */
static const char good[] = /* */
	"gateway: { name = \"cathlab-3\"; };\n"
	"listen = ( { address = \"127.0.0.1\"; port = 2762;\n"
	"  tls: { certificate = \"tls/g.crt\"; key = \"tls/g.key\"; ca = \"/ca.crt\"; } "
	"} );\n"
	"modalities = ( {\n"
	"  name = \"angio-3\";\n"
	"  ae_titles = [ \"CATHLAB3\" ];\n"
	"  called_ae_titles = [ \"CATHGATE\" ];\n"
	"  certificate: { sha256 = [ \"" HEX64 "\" ]; };\n"
	"  destination = \"pacs\";\n"
	"} );\n"
	"destinations = ( { name = \"pacs\"; host = \"pacs.example\"; port = 2763;\n"
	"  called_ae_title = \"PACS\";\n"
	"  tls: { certificate = \"c.crt\"; key = \"c.key\"; ca = \"p.crt\"; } } );\n"
	"audit: { file = \"/var/log/audit.jsonl\"; };\n"
	"limits: { grace_seconds = 30; };\n"
	"spool: { mode = \"off\"; };\n";

struct row {
	const char *instead_of, *write;
	int line;
	const char *key;
	const char *says; /* phrases, with a | between */
};

#define ENTRY	  "  destination = \"pacs\";"
#define GRACE	  "grace_seconds = 30;"
#define AE_TITLES "ae_titles = [ \"CATHLAB3\" ]"
#define SHA256	  "sha256 = [ \"" HEX64 "\" ];"

#define SOCKET_A \
	"{ socket = \"a\"; tls: { certificate = \"x\"; key = \"x\"; ca = \"x\"; } }"

static const struct row faults[] = {
	/* syntax */
	{ "limits:", "limits", 15, NULL, "syntax error|missing quote" },
	{ GRACE, "a = 1; a = 2;", 15, NULL, "duplicate|remove one" },
	{ "\"CATHLAB3\" ]", "\"A\", 1 ]", 6, NULL, "array|one type only" },
	{ "spool:", "@include \"no\"\nspool:", 16, NULL, "include|readable file" },
	{ "spool:", "@include \"\"\nspool:", 16, NULL, "include|no regular" },
	{ "spool:", "/* spool:", 16, NULL, "never ends|*/" },
	{ "\"off\"; };\n", "\"off\"; }; \"\n", 16, NULL, "never ends" },
	{ "CATHLAB3", "CATH\\x00LAB3", 6, NULL, "\\x00" },

	/* unknown keys */
	{ "gateway", "gatewy", 1, "gatewy", "unknown key|did you mean gateway?" },
	{ "ca = \"/ca.crt\"", "ca = \"/ca.crt\"; crls = \"x\"", 3, "listen[0].tls.crls",
	  "did you mean crl?" },
	{ GRACE, "grace_second = 30;", 15, "limits.grace_second",
	  "did you mean grace_seconds?" },
	{ GRACE, "zzz = 30;", 15, "limits.zzz", "unknown key|known here|store_seconds" },
	{ "mode =", "moed =", 16, "spool.moed", "did you mean mode?" },
	{ "tls/g.key\";", "tls/g.key\"; server_name = \"x\";", 3,
	  "listen[0].tls.server_name", "no place here|destination" },
	{ "tls/g.key\";", "tls/g.key\"; public_key_sha256 = [ \"x\" ];", 3,
	  "listen[0].tls.public_key_sha256", "no place here|modalities" },

	/* wrong types */
	{ "gateway: { name = \"cathlab-3\"; }", "gateway = \"x\"", 1, "gateway",
	  "a group is wanted here, not a text|write gateway = {" },
	{ "\"cathlab-3\"", "3", 1, "gateway.name",
	  "a text is wanted here, not a number" },
	{ "2762", "\"2762\"", 2, "listen[0].port",
	  "a whole number is wanted here, not a text|write port = 2762" },
	{ "2762", "2762.5", 2, "listen[0].port", "not a number with a fraction" },
	{ "2762", "true", 2, "listen[0].port", "not true or false" },
	{ "[ \"CATHLAB3\" ]", "\"CATHLAB3\"", 6, "modalities[0].ae_titles",
	  "a list is wanted here, not a text|write ae_titles = [ \"CATHLAB3\" ]" },
	{ "[ \"CATHLAB3\" ]", "( \"A\",\n 3,\n \"B\" )", 7, "modalities[0].ae_titles[1]",
	  "a text is wanted" },
	{ "\"pacs.example\"", "[ \"pacs.example\" ]", 11, "destinations[0].host",
	  "a text is wanted here, not a list" },
	{ "limits: { grace_seconds = 30; }", "limits = 3", 15, "limits",
	  "a group is wanted" },
	{ "mode = \"off\"", "mode = false", 16, "spool.mode", "a text is wanted" },

	/* missing and empty */
	{ "port = 2763;", "", 11, "destinations[0].port",
	  "it is missing; write port = 2762" },
	{ "key = \"tls/g.key\";", "", 3, "listen[0].tls.key", "it is missing" },
	{ "key = \"tls/g.key\";", "key = [ \"a\", \"b\" ];", 3,
	  "listen[0].tls.certificate", "names 1 of ours, and key names 2" },
	{ "key = \"tls/g.key\";", "key = [ ];", 3, "listen[0].tls.key",
	  "the list is empty" },
	{ "key = \"tls/g.key\";", "key = [ 1 ];", 3, "listen[0].tls.key[0]",
	  "a text is wanted" },
	{ "ca = \"p.crt\";", "", 13, "destinations[0].tls.ca", "it is missing" },
	{ "audit: { file = \"/var/log/audit.jsonl\"; };", "", 0, "audit",
	  "it is missing; write audit = {" },
	{ "file = \"/var/log/audit.jsonl\";", "", 14, "audit.file", "it is missing" },
	{ "called_ae_titles = [ \"CATHGATE\" ];", "", 4, "modalities[0].called_ae_titles",
	  "it is missing" },
	{ SHA256, "", 8, "modalities[0].certificate", "binds no certificate|sha256 = [" },
	{ AE_TITLES, "ae_titles = [ ]", 6, "modalities[0].ae_titles",
	  "the list is empty; write ae_titles = [" },
	{ SHA256, "dns = [ ];", 8, "modalities[0].certificate.dns", "the list is empty" },
	{ ENTRY, ENTRY "\n addresses = [ ];", 10, "modalities[0].addresses",
	  "the list is empty|remove the key for any" },
	{ ENTRY, ENTRY "sop_classes = [ ];", 9, "modalities[0].sop_classes",
	  "the list is empty" },
	{ "\"p.crt\";", "\"p.crt\"; crl = [ ];", 13, "destinations[0].tls.crl",
	  "the list is empty" },
	{ "\"/var/log/audit.jsonl\"", "\"\"", 14, "audit.file", "is no path" },

	/* numbers */
	{ "2762", "65536", 2, "listen[0].port", "65536 is out of range|from 1 to 65535" },
	{ "2762", "4294967298", 2, "listen[0].port", "4294967298 is out of range" },
	{ "2763", "0", 11, "destinations[0].port", "0 is out of range" },
	{ GRACE, "grace_seconds = 0;", 15, "limits.grace_seconds", "from 1 to 3600" },
	{ GRACE, "grace_seconds = -1;", 15, "limits.grace_seconds", "-1 is out of" },
	{ GRACE, "idle_seconds = 604801;", 15, "limits.idle_seconds", "or 0 (never)" },
	{ GRACE, "max_pdu_bytes = 4095;", 15, "limits.max_pdu_bytes", "4096 to 131072" },
	{ GRACE, "max_pdu_bytes = 4097;", 15, "limits.max_pdu_bytes", "odd|as in 4096" },
	{ GRACE, "max_object_bytes = 8589934592;", 15, "limits.max_object_bytes",
	  "needs more than 32 bits|write 8589934592L" },
	{ GRACE, "max_object_bytes = 0x200000000;", 15, "limits.max_object_bytes",
	  "0x200000000 needs more|write 8589934592L" },
	{ GRACE, "max_object_bytes = 4294967297;", 15, "limits.max_object_bytes",
	  "write 4294967297L" },
	{ GRACE,
	  "store_seconds = 1; max_object_bytes /* 1L */ = 3000000000; "
	  "grace_seconds = 2;",
	  15, "limits.max_object_bytes", "write 3000000000L" },
	{ GRACE, "max_object_bytes\n = # 5\n 3000000000;", 15, "limits.max_object_bytes",
	  "write 3000000000L" },
	{ ENTRY, ENTRY "max_bytes_per_second = 5000000000;", 9,
	  "modalities[0].max_bytes_per_second", "write 5000000000L" },
	{ ENTRY, ENTRY "max_bytes_per_second = 10;", 9,
	  "modalities[0].max_bytes_per_second", "from 1024 to|or 0 (no limit)" },
	{ ENTRY, ENTRY "max_instances_per_minute = -1;", 9,
	  "modalities[0].max_instances_per_minute", "from 1 to|or 0 (no limit)" },
	{ ENTRY, ENTRY "max_associations = 9; max_instances_per_minute = 8;", 9,
	  "modalities[0].max_instances_per_minute", "less than one for each|at least 9" },
	{ GRACE, "instances_per_address_per_minute = 10000001;", 15,
	  "limits.instances_per_address_per_minute", "to 10000000|or 0 (no limit)" },

	/* texts */
	{ "cathlab-3", "cath lab", 1, "gateway.name", "is no name for a gateway" },
	{ "angio-3", "", 5, "modalities[0].name", "is no name" },
	{ "angio-3", "a\\x1bb", 5, "modalities[0].name", "control characters" },
	{ "angio-3", "a\xff", 5, "modalities[0].name", "UTF-8" },
	{ "angio-3", HEX64, 5, "modalities[0].name", "1 to 63 bytes" },
	{ "CATHLAB3", "SEVENTEEN LETTERS", 6, "modalities[0].ae_titles[0]",
	  "is no AE title|1 to 16" },
	{ "[ \"CATHLAB3\" ]", "[\n\"A\", /*\n*/\n\"B\\\\\"\n,\n\"C\" ]", 9,
	  "modalities[0].ae_titles[1]", "is no AE title" },
	{ "PACS", "   ", 12, "destinations[0].called_ae_title", "is no AE title" },
	{ HEX64, HEX8, 8, "modalities[0].certificate.sha256[0]", "64 hexadecimal" },
	{ HEX64, HEX64 "0", 8, "modalities[0].certificate.sha256[0]", "is no SHA-256" },
	{ HEX64, "x" HEX64, 8, "modalities[0].certificate.sha256[0]", "is no SHA-256" },
	{ HEX64, "0:" HEX64, 8, "modalities[0].certificate.sha256[0]", "is no SHA-256" },
	{ "\"p.crt\";", "\"p.crt\"; public_key_sha256 = [ \"00\" ];", 13,
	  "destinations[0].tls.public_key_sha256[0]", "is no SHA-256" },
	{ SHA256, "dns = [ \"*.example\" ];", 8, "modalities[0].certificate.dns[0]",
	  "is a wildcard" },
	{ SHA256, "dns = [ \"a b\" ];", 8, "modalities[0].certificate.dns[0]",
	  "is no DNS name" },
	{ SHA256, "uri = [ \"angio\" ];", 8, "modalities[0].certificate.uri[0]",
	  "is no whole URI" },
	{ SHA256, "common_name = [ \"\" ];", 8,
	  "modalities[0].certificate.common_name[0]", "is no common name" },
	{ "certificate: { " SHA256 " }", "certificate = \"any\"", 8,
	  "modalities[0].certificate", "\"any\" is no choice here|sha256 = [" },
	{ ENTRY, ENTRY "addresses = [ \"10.0.0.7/24\" ];", 9,
	  "modalities[0].addresses[0]", "behind its prefix; write \"10.0.0.0/24\"" },
	{ ENTRY, ENTRY "addresses = [ \"2001:db8::1/32\" ];", 9,
	  "modalities[0].addresses[0]", "write \"2001:db8::/32\"" },
	{ ENTRY, ENTRY "addresses = [ \"10.0.0.0/33\" ];", 9,
	  "modalities[0].addresses[0]", "neither an address nor a range" },
	{ ENTRY, ENTRY "sop_classes = [ \"XRay\" ];", 9, "modalities[0].sop_classes[0]",
	  "write its UID, or its keyword" },
	{ ENTRY, ENTRY "sop_classes = [ \"1.2.03\" ];", 9, "modalities[0].sop_classes[0]",
	  "is no UID" },
	{ ENTRY, ENTRY "sop_classes = [ \"1.2.840.10008.1.1\" ];", 9,
	  "modalities[0].sop_classes[0]", "is no storage class" },
	{ ENTRY, ENTRY "sop_classes = [ \"Verification\" ];", 9,
	  "modalities[0].sop_classes[0]", "is no storage class" },
	{ ENTRY, ENTRY "echo = \"both\";", 9, "modalities[0].echo",
	  "write \"gateway\" or \"destination\"" },
	{ ENTRY, ENTRY "user_identity = \"\";", 9, "modalities[0].user_identity",
	  "write \"note\" or \"pass\"" },
	{ "\"127.0.0.1\"", "\"localhost\"", 2, "listen[0].address", "is no numeric" },
	{ "pacs.example", "192.168.1.300", 11, "destinations[0].host", "neither" },
	{ "pacs.example", "[::1]", 11, "destinations[0].host", "neither the name" },
	{ "pacs.example", "-a.example", 11, "destinations[0].host", "neither the name" },
	{ "\"p.crt\";", "\"p.crt\"; min_version = \"1.1\";", 13,
	  "destinations[0].tls.min_version", "write \"1.2\" or \"1.3\"" },
	{ "port = 2763;", "port = 2763; key_exchange = \"old\";", 11,
	  "destinations[0].key_exchange", "write \"default\" or \"classic\"" },
	{ "\"p.crt\";", "\"p.crt\"; min_version = 1.2;", 13,
	  "destinations[0].tls.min_version", "write min_version = \"1.2\"" },
	{ "/var/log/audit.jsonl\";", "/a\"; patient_id = \"no\";", 14, "audit.patient_id",
	  "\"pseudonym\" or \"omit\" or \"clear\"" },
	{ "tls/g.key", "credential:g", 3, "listen[0].tls.key", "CREDENTIALS_DIRECTORY" },
	{ "tls/g.key", "credential:../g", 3, "listen[0].tls.key", "is no name of a" },
	{ "tls/g.key", "pkcs11:object=g?pin-value=1", 3, "listen[0].tls.key",
	  "PIN of a token|pin-source=file:" },

	/* what fits only together */
	{ "tls: { certificate = \"c.crt\"; key = \"c.key\"; ca = \"p.crt\"; } }",
	  "tls = \"none\"; key_exchange = \"classic\"; }", 13,
	  "destinations[0].key_exchange", "without TLS there is no key exchange" },
	{ "  destination = \"pacs\"", "  destination = \"pcs\"", 9,
	  "modalities[0].destination",
	  "no destination \"pcs\"; destinations defined: \"pacs\"" },
	{ "} );\ndestinations = (",
	  "}, { name = \"angio-3\"; ae_titles = [ \"B\" ]; called_ae_titles = [ \"C\" "
	  "];\n"
	  "certificate = \"none\"; destination = \"pacs\"; } );\ndestinations = (",
	  10, "modalities[1].name", "name of the entry in line 4" },
	{ "p.crt\"; } }",
	  "p.crt\"; } }, { name = \"pacs\"; host = \"::1\"; port = 1; "
	  "called_ae_title = \"P\"; tls: { certificate = \"c\"; "
	  "key = \"k\"; ca = \"c\"; } }",
	  13, "destinations[1].name", "name of the entry in line 11" },
	{ "/ca.crt\"; } }",
	  "/ca.crt\"; } }, { address = \"0.0.0.0\"; port = 2762; "
	  "tls: { certificate = \"c\"; key = \"k\"; ca = \"c\"; } }",
	  3, "listen[1].address", "port 2762|taken by the listener in line 2" },
	{ ENTRY, ENTRY "max_associations = 200;", 9, "modalities[0].max_associations",
	  "write at most 128, or raise" },
	{ GRACE, "max_associations = 0;", 15, "limits.max_associations", "from 1 to" },
	{ "/var/log/audit.jsonl", "credential:log", 14, "audit.file",
	  "CREDENTIALS_DIRECTORY" },

	{ ".jsonl\";", "\"; checkpoint_records = 0;", 14, "audit.checkpoint_records",
	  "from 1 to 1000000" },
	{ ".jsonl\";", "\"; checkpoint_seconds = 90000;", 14, "audit.checkpoint_seconds",
	  "from 1 to 86400" },
	{ ".jsonl\";", "\"; rotate_bytes = 1024;", 14, "audit.rotate_bytes",
	  "from 4096 to" },
	{ ".jsonl\";", "\"; rotate_hours = 0;", 14, "audit.rotate_hours", "from 1 to" },
	{ ".jsonl\";", "\"; keep_days = -1;", 14, "audit.keep_days", "from 1 to" },
	{ ".jsonl\";", "\"; journal = \"on\";", 14, "audit.journal", "\"auto\"" },

	/* nothing turns the sandbox off */
	{ "limits:", "sandbox: { landlock = \"off\"; }; limits:", 15, "sandbox.landlock",
	  "\"prefer\"|\"require\"" },
	{ "limits:", "sandbox: { seccomp = \"auto\"; }; limits:", 15, "sandbox.seccomp",
	  "unknown" },
	{ "limits:", "sandbox = \"auto\"; limits:", 15, "sandbox", "a group" },

	/* our own socket, or one of systemd's */
	{ "address = \"127.0.0.1\";", "socket = \"dicom-tls\";", 2, "listen[0].port",
	  "remove port, or remove socket" },
	{ "address = \"127.0.0.1\"; port = 2762;", "socket = \"a b\";", 2,
	  "listen[0].socket", "is no name of a socket|FileDescriptorName" },
	{ "listen = (", "listen = ( " SOCKET_A "," SOCKET_A ",", 2, "listen[1].socket",
	  "has that socket already" },

	/* seen from outside */
	{ "spool:", "metrics: { };\nspool:", 16, "metrics.textfile", "cathgate.prom" },
	{ "spool:", "control: { socket = 1; };\nspool:", 16, "control.socket",
	  "/run/cathgate/control" },

	/* the spool */
	{ "\"off\"", "\"fallback\"", 16, "spool.key", "cathgate spool keygen" },
	{ "\"off\"", "\"always\"", 16, "spool.key", "cathgate spool keygen" },
	{ "\"off\"", "\"on\"", 16, "spool.mode", "\"on\" is no choice here" },
	{ ENTRY, ENTRY "spool = \"always\";", 16, "spool.key", "cathgate spool keygen" },
	{ ENTRY, ENTRY "spool = \"yes\";", 9, "modalities[0].spool", "\"fallback\"" },
	{ "mode", "max_bytes = 1; mode", 16, "spool.max_bytes", "from 1048576 to" },
	{ "mode", "give_up_hours = 0; mode", 16, "spool.give_up_hours", "from 1 to" },
	{ "mode", "accept = \"all\"; mode", 16, "spool.accept", "\"entry\", or a list" },
	{ "mode", "accept = [ \"1.2.x\" ]; mode", 16, "spool.accept[0]", "is no UID" },
	{ "mode", "retry_first_seconds = 900; mode", 16, "spool.retry_first_seconds",
	  "write at most 600" },
	{ "mode", "resend = \"twice\"; mode", 16, "spool.resend", "\"once\"" },
	{ "called_ae_title = ", "couriers = 0; called_ae_title = ", 12,
	  "destinations[0].couriers", "from 1 to 32" },
};

static char folder[] = "/tmp/cathgate-config-XXXXXX";
static char path[64], included[64];

static const char *uid_of_name(const char *name)
{
	if (strcmp(name, "XRayAngiographicImageStorage") == 0)
		return "1.2.840.10008.5.1.4.1.1.12.1";
	return strcmp(name, "Verification") == 0 ? "1.2.840.10008.1.1" : NULL;
}

static bool is_storage(const char *uid)
{
	return strcmp(uid, "1.2.840.10008.1.1") != 0;
}

static const struct config_sop_classes sop_classes = { uid_of_name, is_storage };

static void write_file(const char *name, const char *text, size_t size)
{
	FILE *stream = fopen(name, "w");

	assert_non_null(stream);
	assert_int_equal(fwrite(text, 1, size, stream), size);
	assert_int_equal(fclose(stream), 0);
}

/* Writes `good` with one thing in the place of another. */
static void write_changed(const char *instead_of, const char *write)
{
	const char *at = strstr(good, instead_of);
	char *text;
	int size;

	if (at == NULL)
		fail_msg("the good configuration doesn't hold: %s", instead_of);
	size = asprintf(&text, "%.*s%s%s", (int)(at - good), good, write,
			at + strlen(instead_of));
	assert_true(size > 0);
	write_file(path, text, (size_t)size);
	free(text);
}

static bool says_all(const char *text, const char *phrases)
{
	char *copy = strdup(phrases), *rest = copy, *phrase;
	bool result = true;

	while ((phrase = strsep(&rest, "|")) != NULL) {
		if (strstr(text, phrase) == NULL)
			result = false;
	}
	free(copy);
	return result;
}

static void expect_row(const struct row *row)
{
	struct config_faults found = { 0 };
	struct config *config = NULL;
	char begins[256], line[16] = "";

	write_changed(row->instead_of, row->write);
	if (config_load(path, &sop_classes, &config, &found) == 0)
		fail_msg("this loads: %s", row->write);
	assert_null(config);
	if (row->line > 0)
		snprintf(line, sizeof(line), ":%d", row->line);
	snprintf(begins, sizeof(begins), "%s%s: %s%s", path, line,
		 row->key != NULL ? row->key : "", row->key != NULL ? ": " : "");
	if (found.count != 1 || found.error_count != 1 ||
	    found.items[0].kind != CONFIG_ERROR ||
	    strncmp(found.items[0].text, begins, strlen(begins)) != 0 ||
	    !says_all(found.items[0].text, row->says)) {
		for (size_t i = 0; i < found.count; i++)
			print_error("  %s\n", found.items[i].text);
		fail_msg("for: %s\nonly this is expected: %s… %s", row->write, begins,
			 row->says);
	}
	config_faults_clear(&found);
}

static void each_fault_has_file_line_key_and_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		expect_row(&faults[i]);
}

/* What libconfig 1.5 wraps or cuts, later ones call a syntax error. */
static void numbers_beyond_64_bits_are_refused(void **state)
{
	static const char *const numbers[] = {
		"99999999999999999999L", "18446744073709555712", "-18446744073709555712",
		"0x10000000000002000",	 "0x10000000000002000L",
	};
	struct config_faults found = { 0 };
	struct config *config = NULL;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "max_object_bytes = %s;", numbers[i]);
		write_changed(GRACE, text);
		assert_int_equal(config_load(path, &sop_classes, &config, &found), -1);
		assert_int_equal(found.error_count, 1);
		if (!says_all(found.items[0].text, "out of range") &&
		    !says_all(found.items[0].text, "64 bits"))
			fail_msg("%s", found.items[0].text);
		assert_non_null(strstr(found.items[0].text, ":15: "));
		config_faults_clear(&found);
	}
}

static struct config *load(struct config_faults *found)
{
	struct config *config = NULL;

	if (config_load(path, &sop_classes, &config, found) < 0) {
		for (size_t i = 0; i < found->count; i++)
			print_error("  %s\n", found->items[i].text);
		fail_msg("a good configuration is refused");
	}
	assert_int_equal(found->error_count, 0);
	return config;
}

static void defaults_are_those_of_the_sample(void **state)
{
	struct config_faults found = { 0 };
	const struct config_modality *modality;
	const struct config_limits *limits;
	struct config *config;
	char expected[128];

	(void)state;
	write_changed("grace_seconds = 30;", "");
	config = load(&found);
	assert_int_equal(found.count, 0);
	modality = &config->modalities[0];
	limits = &config->limits;
	assert_int_equal(config->audit.reserve_bytes, 268435456);
	assert_int_equal(limits->max_associations, 128);
	assert_int_equal(limits->max_handshakes, 64);
	assert_int_equal(limits->max_associations_per_address, 32);
	assert_int_equal(limits->handshakes_per_address_per_minute, 240);
	assert_int_equal(limits->max_bytes_per_address_per_second, 0);
	assert_int_equal(limits->instances_per_address_per_minute, 0);
	assert_int_equal(limits->max_object_bytes, 8589934592);
	assert_int_equal(limits->max_pdu_bytes, 131072);
	assert_int_equal(limits->handshake_seconds, 10);
	assert_int_equal(limits->associate_seconds, 10);
	assert_int_equal(limits->idle_seconds, 300);
	assert_int_equal(limits->store_seconds, 60);
	assert_int_equal(limits->min_bytes_per_second, 1024);
	assert_int_equal(limits->connect_seconds, 10);
	assert_int_equal(limits->response_seconds, 120);
	assert_int_equal(limits->grace_seconds, 30);
	assert_int_equal(modality->idle_seconds, 300);
	assert_int_equal(modality->max_associations, 4);
	assert_int_equal(modality->max_handshakes_per_minute, 60);
	assert_int_equal(modality->max_bytes_per_second, 0);
	assert_int_equal(modality->max_instances_per_minute, 0);
	assert_int_equal(modality->echo, CONFIG_ECHO_GATEWAY);
	assert_false(modality->user_identity_pass);
	assert_int_equal(modality->address_count, 0);
	assert_int_equal(modality->sop_classes.count, 0);
	assert_int_equal(modality->place.line, 4);
	assert_string_equal(modality->place.key, "modalities[0]");
	assert_string_equal(config->destinations[0].tls.server_name, "pacs.example");
	assert_string_equal(config->destinations[0].calling_ae_title.text, "");
	assert_int_equal(config->destinations[0].tls.min_version, 12);
	assert_int_equal(config->destinations[0].tls.key_exchange,
			 CONFIG_KEY_EXCHANGE_DEFAULT);
	assert_int_equal(config->audit.patient_id, CONFIG_PATIENT_PSEUDONYM);
	assert_null(config->audit.pseudonym_key.path);
	assert_int_equal(config->audit.pseudonym_key.place.line, 14);
	assert_null(config->audit.signing_key.path);
	assert_int_equal(config->audit.signing_key.place.line, 14);
	assert_int_equal(config->audit.checkpoint_records, 1000);
	assert_int_equal(config->audit.checkpoint_seconds, 300);
	assert_int_equal(config->audit.rotate_bytes, 268435456);
	assert_int_equal(config->audit.rotate_hours, 24);
	assert_int_equal(config->audit.keep_days, 0);
	assert_null(config->audit.messages.path);
	assert_int_equal(config->audit.journal, CONFIG_JOURNAL_AUTO);
	assert_int_equal(config->sandbox.landlock, CONFIG_LANDLOCK_PREFER);
	snprintf(expected, sizeof(expected), "%s/tls/g.crt", folder);
	assert_string_equal(config->listen[0].tls.certificate.items[0].path, expected);
	assert_string_equal(config->listen[0].tls.ca.path, "/ca.crt");
	assert_int_equal(config->listen[0].tls.ca.place.line, 3);
	config_free(config);
}

static const char every_key[] = /* */
	"  destination = \"pacs\";\n"
	"  addresses = ( \"10.0.0.0/8\", \"2001:db8::/32\", \"192.0.2.7\" );\n"
	"  sop_classes = [ \"XRayAngiographicImageStorage\", \"1.2.3\" ];\n"
	"  move_originators = [ ]; user_identity = \"pass\"; echo = \"destination\";\n"
	"  idle_seconds = 0; max_associations = 0x10; max_handshakes_per_minute = 6L;\n"
	"  max_bytes_per_second = 5000000000L; max_instances_per_minute = 16;\n";

static void every_key_of_an_entry_is_read(void **state)
{
	struct config_faults found = { 0 };
	const struct config_modality *modality;
	struct config *config;

	(void)state;
	write_changed(ENTRY, every_key);
	config = load(&found);
	modality = &config->modalities[0];
	assert_int_equal(modality->address_count, 3);
	assert_int_equal(modality->addresses[0].prefix_bits, 8);
	assert_int_equal(modality->sop_classes.count, 2);
	assert_string_equal(modality->sop_classes.items[0],
			    "1.2.840.10008.5.1.4.1.1.12.1");
	assert_string_equal(modality->sop_classes.items[1], "1.2.3");
	assert_int_equal(modality->move_originators.count, 0);
	assert_true(modality->user_identity_pass);
	assert_int_equal(modality->echo, CONFIG_ECHO_DESTINATION);
	assert_int_equal(modality->idle_seconds, 0);
	assert_int_equal(modality->max_associations, 16);
	assert_int_equal(modality->max_handshakes_per_minute, 6);
	assert_int_equal(modality->max_bytes_per_second, 5000000000);
	assert_int_equal(modality->max_instances_per_minute, 16);
	config_free(config);
}

static void digests_lose_colons_and_case(void **state)
{
	static const char colons[] = "01:23:AB:CD:01:23:AB:CD:01:23:AB:CD:01:23:AB:CD:"
				     "01:23:AB:CD:01:23:AB:CD:01:23:AB:CD:01:23:ab:cd";
	struct config_faults found = { 0 };
	struct config *config;

	(void)state;
	write_changed(HEX64, colons);
	config = load(&found);
	assert_string_equal(config->modalities[0].certificate.sha256.items[0], HEX64);
	config_free(config);
}

static void keys_in_a_token_have_no_path(void **state)
{
	static const char *const uris[] = {
		"pkcs11:token=x;object=a%20b?pin-source=file:/p", "handle:0x81000001"
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct config_faults found = { 0 };
		const struct config_tls *tls;
		struct config *config;
		char key[128];

		snprintf(key, sizeof(key), "key = \"%s\";", uris[i]);
		write_changed("key = \"tls/g.key\";", key);
		config = load(&found);
		tls = &config->listen[0].tls;
		assert_string_equal(tls->key.items[0].path, uris[i]);
		assert_true(tls->key.items[0].in_token);
		assert_false(tls->certificate.items[0].in_token);
		config_free(config);
	}
}

static void lists_of_crls_and_credentials_are_read(void **state)
{
	struct config_faults found = { 0 };
	const struct config_tls *tls;
	struct config *config;

	(void)state;
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1), 0);
	write_changed("key = \"tls/g.key\";",
		      "key = \"credential:g.key\"; crl = [ \"/a\", \"/b\" ];"
		      "min_version = \"1.3\";");
	config = load(&found);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	tls = &config->listen[0].tls;
	assert_string_equal(tls->key.items[0].path, "/run/credentials/x/g.key");
	assert_true(tls->key.items[0].credential);
	assert_false(tls->ca.credential);
	assert_false(tls->key.items[0].in_token);
	assert_int_equal(tls->crl.count, 2);
	assert_string_equal(tls->crl.items[1].path, "/b");
	assert_string_equal(tls->crl.items[1].place.key, "listen[0].tls.crl[1]");
	assert_int_equal(tls->min_version, 13);
	config_free(config);
}

static void a_socket_of_systemd_needs_no_address(void **state)
{
	struct config_faults found = { 0 };
	struct config *config;

	(void)state;
	write_changed("address = \"127.0.0.1\"; port = 2762;", "socket = \"dicom-tls\";");
	config = load(&found);
	assert_string_equal(config->listen[0].socket, "dicom-tls");
	assert_null(config->listen[0].address);
	config_free(config);
}

static void plain_connections_are_warned_about(void **state)
{
	struct config_faults found = { 0 };
	struct config *config;

	(void)state;
	write_changed("tls: { certificate = \"tls/g.crt\"; key = \"tls/g.key\"; "
		      "ca = \"/ca.crt\"; }",
		      "tls = \"none\";");
	config = load(&found);
	assert_true(config->listen[0].tls.none);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.items[0].kind, CONFIG_WARNING);
	assert_non_null(strstr(found.items[0].text, ":3: listen[0].tls: "));
	config_free(config);
	config_faults_clear(&found);

	write_changed("tls: { certificate = \"c.crt\"; key = \"c.key\"; "
		      "ca = \"p.crt\"; }",
		      "tls = \"none\";");
	config = load(&found);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.items[0].kind, CONFIG_WARNING);
	assert_non_null(strstr(found.items[0].text, ":13: destinations[0].tls: "));
	config_free(config);
	config_faults_clear(&found);
}

static void a_plain_listener_must_be_on_loopback(void **state)
{
	static const char *const addresses[] = { "0.0.0.0", "192.168.1.1", "::" };
	struct config_faults found = { 0 };
	struct config *config = NULL;
	char changed[128];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(changed, sizeof(changed),
			 "{ address = \"%s\"; port = 0; tls = \"none\"; }, {",
			 addresses[i]);
		write_changed("{ address = \"127.0.0.1\"; port = 2762;",
			      strcat(changed, " address = \"::1\"; port = 1;"));
		assert_int_equal(config_load(path, &sop_classes, &config, &found), -1);
		assert_int_equal(found.error_count, 1);
		assert_non_null(strstr(found.items[0].text,
				       ":2: listen[0].address: a listener without TLS"));
		config_faults_clear(&found);
	}
}

static void all_faults_are_listed(void **state)
{
	static const char text[] = "a = 1;\nb = 2;\nlimits: { grace_seconds = 0; };\n";
	struct config_faults found = { 0 };
	struct config *config = NULL;

	(void)state;
	write_file(path, text, strlen(text));
	assert_int_equal(config_load(path, &sop_classes, &config, &found), -1);
	/* a, b, grace_seconds; listen, modalities, destinations, audit are missing */
	assert_int_equal(found.count, 7);
	assert_int_equal(found.error_count, 7);
	config_faults_clear(&found);
	assert_int_equal(found.count, 0);
}

static void included_files_have_their_own_name_and_lines(void **state)
{
	static const char text[] =
		"// ports\nlimits: {\n  grace_seconds = 3000000000;\n};";
	struct config_faults found = { 0 };
	struct config *config = NULL;
	char expected[128];

	(void)state;
	write_file(included, text, strlen(text));
	write_changed("limits: { grace_seconds = 30; };",
		      "@include \"limits.conf\"\nmetrics = 1;");
	assert_int_equal(config_load(path, &sop_classes, &config, &found), -1);
	assert_int_equal(found.count, 2);
	snprintf(expected, sizeof(expected), "%s:3: limits.grace_seconds: ", included);
	assert_non_null(strstr(found.items[0].text, expected));
	snprintf(expected, sizeof(expected), "%s:16: metrics: ", path);
	assert_non_null(strstr(found.items[1].text, expected));
	config_faults_clear(&found);
}

static void what_is_no_text_is_refused(void **state)
{
	static const char nul[] = "a = \"x\0y\";\n";
	struct config_faults found = { 0 };
	struct config *config = NULL;

	(void)state;
	write_file(path, nul, sizeof(nul) - 1);
	assert_int_equal(config_load(path, &sop_classes, &config, &found), -1);
	assert_non_null(strstr(found.items[0].text, "NUL byte"));
	assert_int_equal(config_load(folder, &sop_classes, &config, &found), -1);
	assert_non_null(strstr(found.items[1].text, "no regular file"));
	assert_int_equal(config_load("/nonexistent/a", &sop_classes, &config, &found),
			 -1);
	assert_non_null(strstr(found.items[2].text, "No such file"));
	config_faults_clear(&found);
}

static void the_sample_loads(void **state)
{
	static const char sample[] = CATHGATE_SOURCE_DIR "/conf/cathgate.conf";
	struct config_faults found = { 0 };
	struct config *config = NULL;

	(void)state;
	if (config_load(sample, &sop_classes, &config, &found) < 0)
		fail_msg("%s", found.items[0].text);
	assert_int_equal(found.count, 0);
	assert_string_equal(config->gateway_name, "cathlab-3");
	assert_int_equal(config->modalities[0].sop_classes.count, 2);
	config_free(config);
}

static void a_small_gateway_caps_its_entries(void **state)
{
	struct config_faults found = { 0 };
	struct config *config;
	char host[HOST_NAME_MAX + 1] = "";

	(void)state;
	write_changed("limits: { grace_seconds = 30; };",
		      "limits: { max_associations = 2; };");
	config = load(&found);
	assert_int_equal(config->modalities[0].max_associations, 2);
	config_free(config);

	write_changed("gateway: { name = \"cathlab-3\"; };", "");
	config = load(&found);
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_string_equal(config->gateway_name, host);
	config_free(config);
	config_free(NULL);
}

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/test.conf", folder);
	snprintf(included, sizeof(included), "%s/limits.conf", folder);
	unsetenv("CREDENTIALS_DIRECTORY");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	unlink(included);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_has_file_line_key_and_cure),
		cmocka_unit_test(numbers_beyond_64_bits_are_refused),
		cmocka_unit_test(defaults_are_those_of_the_sample),
		cmocka_unit_test(every_key_of_an_entry_is_read),
		cmocka_unit_test(digests_lose_colons_and_case),
		cmocka_unit_test(lists_of_crls_and_credentials_are_read),
		cmocka_unit_test(keys_in_a_token_have_no_path),
		cmocka_unit_test(a_socket_of_systemd_needs_no_address),
		cmocka_unit_test(plain_connections_are_warned_about),
		cmocka_unit_test(a_plain_listener_must_be_on_loopback),
		cmocka_unit_test(all_faults_are_listed),
		cmocka_unit_test(included_files_have_their_own_name_and_lines),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(the_sample_loads),
		cmocka_unit_test(a_small_gateway_caps_its_entries),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
