/*
 * Goal: a configuration arrives in another process as it left, whole or not at all: bytes
 * that are cut or changed are no configuration, and harm nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cathgate/base/memory_file.h"
#include "cathgate/config/config.h"

#define MODALITIES 200
#define FLIPS	   200

static const char *uid_of_name(const char *name)
{
	(void)name;
	return "1.2.840.10008.5.1.4.1.1.12.1";
}

static bool is_storage(const char *uid)
{
	(void)uid;
	return true;
}

static const struct config_sop_classes sop_classes = { uid_of_name, is_storage };

static struct config *load(const char *path)
{
	struct config_faults found = { 0 };
	struct config *config = NULL;

	if (config_load(path, &sop_classes, &config, &found) < 0)
		fail_msg("%s", found.items[found.count - 1].text);
	config_faults_clear(&found);
	return config;
}

static struct config *load_sample(void)
{
	return load(CATHGATE_SOURCE_DIR "/conf/cathgate.conf");
}

static struct config *load_large(void)
{
	char path[] = "/tmp/cathgate-pack-XXXXXX";
	int fd = mkstemp(path);
	FILE *to = fdopen(fd, "w");
	struct config *config;

	assert_non_null(to);
	fputs("gateway: { name = \"large\"; };\n"
	      "listen = ( { address = \"::\"; port = 2762; tls: { certificate = [ "
	      "\"/a\", "
	      "\"/b\" ]; key = [ \"/a.key\", \"/b.key\" ]; ca = \"/ca\"; crl = [ "
	      "\"/1\", \"/2\" ]; min_version = \"1.3\"; }; },\n"
	      "  { address = \"127.0.0.1\"; port = 104; tls = \"none\"; } );\n"
	      "destinations = ( { name = \"pacs\"; host = \"pacs.example\"; port = 1; "
	      "called_ae_title = \"PACS\"; calling_ae_title = \"GATE\"; tls: { "
	      "certificate = \"/c\"; key = \"/k\"; ca = \"/p\"; server_name = \"x.y\"; "
	      " }; key_exchange = \"classic\"; } );\n"
	      "audit: { file = \"/audit.jsonl\"; messages = \"/messages\"; "
	      "patient_id = \"omit\"; };\n"
	      "metrics: { textfile = \"/m/cathgate.prom\"; };\n"
	      "alerts: { command = [ \"/bin/true\", \"a\" ]; };\n"
	      "modalities = (\n",
	      to);
	for (int i = 0; i < MODALITIES; i++)
		fprintf(to,
			"%s{ name = \"m%d\"; ae_titles = [ \"A%d\", \"B%d\" ]; "
			"called_ae_titles = [ \"GATE\" ]; certificate: { dns = [ "
			"\"m%d.test\" ]; uri = [ \"urn:x:%d\" ]; }; addresses = [ "
			"\"10.0.%d.0/24\", \"2001:db8::%d\" ]; max_instances_per_minute "
			"= %d; destination = \"pacs\"; }\n",
			i ? "," : "", i, i, i, i, i, i, i, i + 100);
	fputs(");\n", to);
	fclose(to);
	config = load(path);
	unlink(path);
	return config;
}

static void assert_same_limits(const struct config_limits *a,
			       const struct config_limits *b)
{
	char changes[1024];

	config_limits_changes(a, b, changes, sizeof(changes));
	assert_string_equal(changes, "");
}

static void it_arrives_as_it_left(void **state)
{
	struct config *(*const loads[])(void) = { load_sample, load_large };

	(void)state;
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct config *left = loads[i](), *came;
		uint8_t *bytes, *again;
		size_t size, again_size;

		assert_int_equal(config_pack(left, &bytes, &size), 0);
		came = config_unpack(bytes, size);
		assert_non_null(came);
		assert_int_equal(config_pack(came, &again, &again_size), 0);
		assert_int_equal(again_size, size);
		assert_memory_equal(again, bytes, size);
		assert_int_equal(came->modality_count, left->modality_count);
		assert_int_equal(came->listen_count, left->listen_count);
		assert_string_equal(came->destinations[0].host,
				    left->destinations[0].host);
		assert_string_equal(came->audit.file.path, left->audit.file.path);
		assert_int_equal(came->audit.file.place.line,
				 left->audit.file.place.line);
		assert_same_limits(&came->limits, &left->limits);
		config_free(came);
		config_free(left);
		free(again);
		free(bytes);
	}
}

/* A number that no table names would arrive as 0. */
static void every_number_arrives(void **state)
{
	struct config left = { .path = "", .gateway_name = "" }, *came;
	uint8_t *bytes;
	size_t size;

	(void)state;
	memset(&left.limits, 1, sizeof(left.limits));
	left.audit = (struct config_audit){ .patient_id = CONFIG_PATIENT_CLEAR,
					    .checkpoint_records = 2,
					    .checkpoint_seconds = 3,
					    .rotate_bytes = 4,
					    .reserve_bytes = 5,
					    .rotate_hours = 6,
					    .keep_days = 7,
					    .journal = CONFIG_JOURNAL_OFF };
	assert_int_equal(config_pack(&left, &bytes, &size), 0);
	came = config_unpack(bytes, size);
	assert_non_null(came);
	assert_same_limits(&came->limits, &left.limits);
	assert_int_equal(came->audit.patient_id, CONFIG_PATIENT_CLEAR);
	assert_int_equal(came->audit.checkpoint_records, 2);
	assert_int_equal(came->audit.checkpoint_seconds, 3);
	assert_int_equal(came->audit.rotate_bytes, 4);
	assert_int_equal(came->audit.reserve_bytes, 5);
	assert_int_equal(came->audit.rotate_hours, 6);
	assert_int_equal(came->audit.keep_days, 7);
	assert_int_equal(came->audit.journal, CONFIG_JOURNAL_OFF);
	config_free(came);
	free(bytes);
}

static void what_is_cut_or_longer_is_none(void **state)
{
	struct config *left = load_sample();
	uint8_t *bytes, *cut;
	size_t size;

	(void)state;
	assert_int_equal(config_pack(left, &bytes, &size), 0);
	for (size_t i = 0; i < size; i++) {
		cut = malloc(i + 1); /* of that size, so that a sanitizer sees more */
		assert_non_null(cut);
		memcpy(cut, bytes, i);
		assert_null(config_unpack(cut, i));
		free(cut);
	}
	cut = calloc(1, size + 1);
	assert_non_null(cut);
	memcpy(cut, bytes, size);
	assert_null(config_unpack(cut, size + 1));
	free(cut);
	free(bytes);
	config_free(left);
}

/* Whatever is changed, it is refused or can be read to its end. */
static void what_is_changed_harms_nobody(void **state)
{
	struct config *left = load_large(), *came;
	uint8_t *bytes, *again;
	size_t size, again_size;

	(void)state;
	assert_int_equal(config_pack(left, &bytes, &size), 0);
	srandom(1);
	for (int i = 0; i < FLIPS; i++) {
		size_t at[100];
		uint8_t was[100];

		for (int j = 0; j <= i % 100; j++) {
			at[j] = (size_t)random() % size;
			was[j] = bytes[at[j]];
			bytes[at[j]] = (uint8_t)random();
		}
		came = config_unpack(bytes, size);
		if (came) {
			assert_int_equal(config_pack(came, &again, &again_size), 0);
			free(again);
		}
		config_free(came);
		for (int j = i % 100; j >= 0; j--)
			bytes[at[j]] = was[j];
	}
	free(bytes);
	config_free(left);
}

static void a_memory_file_is_whole_and_final(void **state)
{
	int file = memory_file_seal("twelve bytes", 12);
	size_t size = 0;
	uint8_t *bytes;

	(void)state;
	assert_true(file >= 0);
	assert_true(memory_file_is_sealed(file));
	assert_int_equal(pwrite(file, "x", 1, 0), -1);
	assert_int_equal(ftruncate(file, 1), -1);
	for (int i = 0; i < 2; i++) {
		bytes = memory_file_read(file, &size);
		assert_non_null(bytes);
		assert_int_equal(size, 12);
		assert_memory_equal(bytes, "twelve bytes", 12);
		free(bytes);
	}
	close(file);
	assert_null(memory_file_read(-1, &size));
	assert_false(memory_file_is_sealed(STDERR_FILENO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_arrives_as_it_left),
		cmocka_unit_test(every_number_arrives),
		cmocka_unit_test(what_is_cut_or_longer_is_none),
		cmocka_unit_test(what_is_changed_harms_nobody),
		cmocka_unit_test(a_memory_file_is_whole_and_final),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
