/*
 * Goal: an entry of the allowlist arrives in another process as it left; what differs
 * between two is named by its keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cathgate/config/config.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *digests[] = { "aa", "bb" };
static const char *names[] = { "angio.test" };
static const char *classes[] = { "1.2.3", "1.2.4" };
static struct ae_title calling[] = { { "CATHLAB3" }, { "ANGIO" } };
static struct ae_title called[] = { { "CATHGATE" } };
static struct address_range ranges[] = {
	{ .network = { .bytes = { 192, 168, 40 } }, .prefix_bits = 24 },
	{ .network = { .bytes = { 0x20, 1 }, .v6 = true }, .prefix_bits = 32 },
};

static struct config_modality example(void)
{
	return (struct config_modality){
		.name = "angio-3",
		.ae_titles = { calling, COUNT(calling) },
		.called_ae_titles = { called, COUNT(called) },
		.certificate = { .sha256 = { digests, COUNT(digests) },
				 .dns = { names, COUNT(names) } },
		.addresses = ranges,
		.address_count = COUNT(ranges),
		.sop_classes = { classes, COUNT(classes) },
		.user_identity_pass = true,
		.echo = CONFIG_ECHO_DESTINATION,
		.idle_seconds = 3600,
		.max_associations = 4,
		.max_handshakes_per_minute = 60,
		.max_bytes_per_second = 1LL << 40,
		.max_instances_per_minute = 36000,
	};
}

static void an_entry_arrives_as_it_left(void **state)
{
	struct config_modality left = example(), *came;
	char changes[256];
	uint8_t *bytes;
	size_t size;

	(void)state;
	assert_int_equal(config_entry_pack(&left, &bytes, &size), 0);
	came = config_entry_unpack(bytes, size);
	assert_non_null(came);
	config_entry_changes(&left, came, changes, sizeof(changes));
	assert_string_equal(changes, "");
	assert_string_equal(came->name, "angio-3");
	assert_string_equal(came->certificate.sha256.items[1], "bb");
	assert_true(came->addresses[1].network.v6);
	assert_int_equal(came->max_bytes_per_second, 1LL << 40);
	assert_int_equal(came->max_instances_per_minute, 36000);
	config_entry_free(came);
	free(bytes);
}

static void what_is_cut_or_longer_is_none(void **state)
{
	struct config_modality left = example();
	uint8_t *bytes, *more;
	size_t size;

	(void)state;
	assert_int_equal(config_entry_pack(&left, &bytes, &size), 0);
	for (size_t i = 0; i < size; i++)
		assert_null(config_entry_unpack(bytes, i));
	more = calloc(1, size + 1);
	assert_non_null(more);
	memcpy(more, bytes, size);
	assert_null(config_entry_unpack(more, size + 1));
	free(more);
	free(bytes);
}

static void changes_bear_the_names_of_keys(void **state)
{
	struct config_modality before = example(), now = example();
	static struct ae_title other[] = { { "CATHLAB3" }, { "ANGIX" } };
	char changes[256], cut[8];

	(void)state;
	now.ae_titles.items = other;
	now.address_count = 1;
	now.certificate.dns.count = 0;
	now.echo = CONFIG_ECHO_GATEWAY;
	config_entry_changes(&before, &now, changes, sizeof(changes));
	assert_string_equal(changes, "ae_titles, certificate, addresses, echo");
	config_entry_changes(&before, &now, cut, sizeof(cut));
	assert_string_equal(cut, "ae_titl");
}

static void limits_say_from_what_to_what(void **state)
{
	struct config_limits before = { .idle_seconds = 300, .max_object_bytes = 5 };
	struct config_limits now = before;
	char changes[256];

	(void)state;
	config_limits_changes(&before, &now, changes, sizeof(changes));
	assert_string_equal(changes, "");
	now.idle_seconds = 0;
	now.max_object_bytes = 1LL << 33;
	config_limits_changes(&before, &now, changes, sizeof(changes));
	assert_string_equal(changes, "limits.idle_seconds 300 to 0, "
				     "limits.max_object_bytes 5 to 8589934592");
}

static void what_needs_a_restart_is_named(void **state)
{
	struct config before = { .gateway_name = "a", .audit.file.path = "/a" };
	struct config now = before;
	char changes[256];

	(void)state;
	now.audit.file.path = "/b";
	now.audit.signing_key.path = "/key";
	config_fixed_changes(&before, &now, changes, sizeof(changes));
	assert_string_equal(changes, "audit.file, audit.signing_key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_arrives_as_it_left),
		cmocka_unit_test(what_is_cut_or_longer_is_none),
		cmocka_unit_test(changes_bear_the_names_of_keys),
		cmocka_unit_test(limits_say_from_what_to_what),
		cmocka_unit_test(what_needs_a_restart_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
