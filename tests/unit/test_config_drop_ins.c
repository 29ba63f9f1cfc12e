/*
 * Goal: each file of modalities.d is one more entry, in the order of their names; what is
 * wrong in one is named with that file and its line; and the folder can be empty.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cathgate/config/config.h"
#include "cathgate/policy/policy.h"

static const char base[] =
	"listen = ( { address = \"127.0.0.1\"; port = 2762;\n"
	"  tls: { certificate = \"g.crt\"; key = \"g.key\"; ca = \"ca.crt\"; } } );\n"
	"destinations = ( { name = \"pacs\"; host = \"pacs.example\"; port = 2763;\n"
	"  called_ae_title = \"PACS\";\n"
	"  tls: { certificate = \"c.crt\"; key = \"c.key\"; ca = \"p.crt\"; } } );\n"
	"audit: { file = \"/var/log/audit.jsonl\"; };\n";

#define ENTRY(name, title)                                                       \
	"// made by hand\nname = \"" name "\"; ae_titles = [ \"" title "\" ];\n" \
	"called_ae_titles = [ \"CATHGATE\" ];\n"                                 \
	"certificate: { dns = [ \"a.example\" ]; };\ndestination = \"pacs\";\n"

static const char in_main[] =
	"modalities = ( { name = \"zero\"; ae_titles = [ \"ZERO\" ];\n"
	"called_ae_titles = [ \"CATHGATE\" ];\n"
	"certificate: { dns = [ \"a.example\" ]; }; destination = \"pacs\"; } );\n";

static char folder[64];

static void write_file(const char *name, const char *text, const char *more)
{
	char path[128];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	stream = fopen(path, "w");
	assert_non_null(stream);
	fprintf(stream, "%s%s", text, more);
	fclose(stream);
}

static int make_folder(void **state)
{
	char path[128];

	(void)state;
	strcpy(folder, "/tmp/cathgate-unit-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/modalities.d", folder);
	return mkdir(path, 0700);
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static bool is_storage(const char *uid)
{
	(void)uid;
	return true;
}

static const char *uid_of_name(const char *name)
{
	(void)name;
	return NULL;
}

static int load(struct config **ret, struct config_faults *faults)
{
	static const struct config_sop_classes sop_classes = { uid_of_name, is_storage };
	char path[128];

	snprintf(path, sizeof(path), "%s/cathgate.conf", folder);
	return config_load(path, &sop_classes, ret, faults);
}

static void entries_come_in_order(void **state)
{
	static const char *const names[] = { "zero", "ten", "two" };
	struct config_faults faults = { 0 };
	struct config *config;

	(void)state;
	write_file("cathgate.conf", base, in_main);
	write_file("modalities.d/2.conf", ENTRY("two", "TWO"), "idle_seconds = 5;\n");
	write_file("modalities.d/10.conf", ENTRY("ten", "TEN"), "");
	write_file("modalities.d/.hidden.conf", "no entry", "");
	write_file("modalities.d/2.conf~", "no entry", "");
	write_file("modalities.d/2.conf.revoked", "no entry", "");
	assert_int_equal(load(&config, &faults), 0);
	assert_int_equal(faults.count, 0);
	assert_int_equal(config->modality_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(config->modalities[i].name, names[i]);
	assert_int_equal(config->modalities[2].idle_seconds, 5);
	assert_int_equal(config->modalities[1].idle_seconds, 300);
	assert_non_null(strstr(config->modalities[2].place.file, "modalities.d/2.conf"));
	assert_int_equal(config->modalities[2].place.line, 2);
	config_free(config);
	config_faults_clear(&faults);
}

/* The keys of the main file's entries, and those of a drop-in, which stand at its top. */
static void each_key_has_its_place(void **state)
{
	static const struct {
		size_t entry;
		const char *key, *file;
		int line;
	} rows[] = {
		{ 0, "ae_titles", "cathgate.conf", 7 },
		{ 0, "called_ae_titles", "cathgate.conf", 8 },
		{ 0, "certificate.dns", "cathgate.conf", 9 },
		{ 0, "addresses", "cathgate.conf", 7 }, /* not given: its entry's */
		{ 1, "ae_titles", "modalities.d/10.conf", 2 },
		{ 1, "certificate.dns", "modalities.d/10.conf", 4 },
		{ 2, "idle_seconds", "modalities.d/2.conf", 6 },
		{ 2, "addresses", "modalities.d/2.conf", 2 },
	};
	struct config_faults faults = { 0 };
	struct config *config;

	(void)state;
	write_file("cathgate.conf", base, in_main);
	write_file("modalities.d/2.conf", ENTRY("two", "TWO"), "idle_seconds = 5;\n");
	write_file("modalities.d/10.conf", ENTRY("ten", "TEN"), "");
	assert_int_equal(load(&config, &faults), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct config_place place = config_place_of(
			config, &config->modalities[rows[i].entry].place, rows[i].key);

		print_message("%zu %s\n", rows[i].entry, rows[i].key);
		assert_int_equal(place.line, rows[i].line);
		assert_non_null(strstr(place.file, rows[i].file));
	}
	config_free(config);
	config_faults_clear(&faults);
}

static void an_empty_folder_is_a_warning(void **state)
{
	static const char *const lists[] = { "", "modalities = ( );\n" };
	struct config_faults faults = { 0 };
	struct config *config;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		write_file("cathgate.conf", base, lists[i]);
		assert_int_equal(load(&config, &faults), 0);
		assert_int_equal(faults.count, 1);
		assert_int_equal(faults.items[0].kind, CONFIG_WARNING);
		assert_non_null(strstr(faults.items[0].text, "cathgate modality add"));
		config_free(config);
		config_faults_clear(&faults);
	}
}

struct row {
	const char *text; /* of modalities.d/b.conf; a.conf is good */
	const char *begins;
	const char *says;
};

static const struct row rows[] = {
	{ "name = \"b\"\nae_titles =", "/modalities.d/b.conf:2: ", "syntax error" },
	{ "name = \"b\n", "/modalities.d/b.conf:", "missing quote" },
	{ "", "/modalities.d/b.conf:1: name: ", "it is missing" },
	{ ENTRY("b", "B") "max_association = 1;",
	  "/modalities.d/b.conf:6: max_association: ", "did you mean max_associations?" },
	{ ENTRY("b", "B") "max_bytes_per_second = 5000000000;",
	  "/modalities.d/b.conf:6: max_bytes_per_second: ", "write 5000000000L" },
	{ ENTRY("b", "B") "sop_classes = [ \"1.2.3\",\n\"XRay\" ];",
	  "/modalities.d/b.conf:7: sop_classes[1]: ", "is the name of no SOP class" },
	{ "modalities = ( { } );",
	  "/modalities.d/b.conf:1: modalities: ", "unknown key" },
	{ ENTRY("a", "B"),
	  "/modalities.d/b.conf:2: name: ", "also the name of the entry in /tmp" },
	{ ENTRY("zero", "B"), "/modalities.d/b.conf:2: name: ", "/cathgate.conf; write" },
	{ ENTRY("b", "B") "@include \"no\"\n", "/modalities.d/b.conf:6: ", "include" },
};

static void faults_name_their_file(void **state)
{
	struct config_faults faults = { 0 };
	struct config *config;
	char begins[128];

	(void)state;
	write_file("cathgate.conf", base, in_main);
	write_file("modalities.d/a.conf", ENTRY("a", "A"), "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file("modalities.d/b.conf", rows[i].text, "");
		assert_int_equal(load(&config, &faults), -1);
		assert_true(faults.count > 0);
		snprintf(begins, sizeof(begins), "%s%s", folder, rows[i].begins);
		if (strncmp(faults.items[0].text, begins, strlen(begins)) != 0 ||
		    strstr(faults.items[0].text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, faults.items[0].text);
		config_faults_clear(&faults);
	}
}

static void overlaps_are_found_across_files(void **state)
{
	struct config_faults faults = { 0 };
	struct config *config;

	(void)state;
	write_file("cathgate.conf", base, in_main);
	write_file("modalities.d/a.conf", ENTRY("a", "ZERO"), "");
	assert_int_equal(load(&config, &faults), 0);
	policy_check(config, &faults);
	assert_int_equal(faults.error_count, 1);
	assert_non_null(strstr(faults.items[0].text, "/modalities.d/a.conf:2: "));
	assert_non_null(strstr(faults.items[0].text, "/cathgate.conf:7)"));
	config_free(config);
	config_faults_clear(&faults);
}

static void what_is_no_file_is_a_fault(void **state)
{
	struct config_faults faults = { 0 };
	struct config *config;
	char path[128];

	(void)state;
	write_file("cathgate.conf", base, in_main);
	snprintf(path, sizeof(path), "%s/modalities.d/a.conf", folder);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(load(&config, &faults), -1);
	assert_non_null(strstr(faults.items[0].text, "/modalities.d/a.conf: "));
	config_faults_clear(&faults);
}

static void a_name_that_is_not_read_is_a_warning(void **state)
{
	static const struct {
		const char *name, *cure; /* NULL: nothing is said of it */
	} names[] = {
		{ "angio.CONF", "call it angio.conf" },
		{ "angio.Conf", "call it angio.conf" },
		{ "angio.cfg", "call it angio.conf" },
		{ "angio", "call it angio.conf" },
		{ "ct-1.conf.bak", "call it ct-1.conf" },
		{ "ct-1.conf.disabled", "move it out" },
		{ "ct-1.conf~", NULL },
		{ "#ct-1.conf#", NULL },
		{ ".ct-1.CONF", NULL },
		{ "ct-1.conf.dpkg-dist", NULL },
		{ "ct-1.conf.dpkg-old", NULL },
		{ "ct-1.conf.ucf-dist", NULL },
		{ "ct-1.conf.revoked", NULL },
	};

	(void)state;
	write_file("cathgate.conf", base, in_main);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct config_faults faults = { 0 };
		struct config *config;
		char name[64], path[128];

		snprintf(name, sizeof(name), "modalities.d/%s", names[i].name);
		write_file(name, ENTRY("b", "B"), "");
		assert_int_equal(load(&config, &faults), 0);
		assert_int_equal(config->modality_count, 1);
		assert_int_equal(faults.count, names[i].cure ? 1 : 0);
		if (names[i].cure) {
			assert_int_equal(faults.items[0].kind, CONFIG_WARNING);
			assert_non_null(strstr(faults.items[0].text, name));
			assert_non_null(strstr(faults.items[0].text, names[i].cure));
		}
		config_free(config);
		config_faults_clear(&faults);
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		assert_int_equal(unlink(path), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entries_come_in_order, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(each_key_has_its_place, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_name_that_is_not_read_is_a_warning,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(an_empty_folder_is_a_warning, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(faults_name_their_file, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(overlaps_are_found_across_files,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_a_fault, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
