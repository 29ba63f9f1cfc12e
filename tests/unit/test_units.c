/* Goal: from what systemctl prints of the gateway's units it is known as whom the service
 * runs, with which groups and as which process, whether its listeners and its sockets
 * fit, and why it may not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/supervisor/units.h"

#define SERVICE(state)                                             \
	"LoadState=loaded\nActiveState=" state "\nUser=cathgate\n" \
	"TriggeredBy=cathgated.socket\n"
#define OWN(load, active)                                               \
	"Id=cathgated.socket\nFileDescriptorName=dicom-tls\n"           \
	"Listen=[::]:2762 (Stream)\nListen=192.168.40.1:104 (Stream)\n" \
	"LoadState=" load "\nActiveState=" active "\nUnitFileState=disabled\n"
#define OTHER(active, file)                                                      \
	"\nId=other.socket\nFileDescriptorName=other\nListen=*:11112 (Stream)\n" \
	"LoadState=loaded\nActiveState=" active "\nUnitFileState=" file "\n"

static struct config_listen listens[] = {
	{ .place = { "/etc/cathgate/cathgate.conf", 7, "listen[0]" } },
	{ .place = { "/etc/cathgate/cathgate.conf", 9, "listen[1]" } },
};

/* The faults of listeners with these sockets; NULL: with address and port. */
static struct config_faults faults_of(const char *service, const char *sockets,
				      const char *first, const char *second)
{
	struct config config = { .listen = listens, .listen_count = 2 };
	struct config_faults faults = { 0 };
	struct units units;

	listens[0].socket = first;
	listens[1].socket = second;
	units_parse(service, sockets, &units);
	units_check(&units, &config, &faults);
	units_clear(&units);
	return faults;
}

static void listeners_and_sockets_must_fit(void **state)
{
	static const struct {
		const char *sockets, *first, *second, *says;
	} rows[] = {
		{ OWN("loaded", "inactive"), "dicom-tls", NULL, NULL },
		{ OWN("loaded", "active"), NULL, "dicom-tls", NULL },
		{ OWN("loaded", "inactive"), NULL, NULL,
		  "conf:7: listen[0]: cathgated.socket passes the service a socket named "
		  "\"dicom-tls\" ([::]:2762, 192.168.40.1:104)" },
		{ OWN("masked", "inactive"), NULL, NULL, NULL },
		{ OWN("masked", "inactive"), NULL, "dicom-tls",
		  "conf:9: listen[1]: no socket" },
		{ OWN("loaded", "active"), "dicom-tls", "other", "named \"other\"" },
		{ OWN("loaded", "active") OTHER("active", "disabled"), "dicom-tls",
		  "other", NULL },
		{ OWN("loaded", "active") OTHER("inactive", "enabled"), "dicom-tls", NULL,
		  "mask --now other.socket" },
		{ OWN("loaded", "active") OTHER("inactive", "disabled"), "dicom-tls",
		  NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_faults faults =
			faults_of(SERVICE("inactive"), rows[i].sockets, rows[i].first,
				  rows[i].second);

		assert_int_equal(faults.error_count, rows[i].says ? 1 : 0);
		if (rows[i].says && !strstr(faults.items[0].text, rows[i].says))
			fail_msg("row %zu: %s", i, faults.items[0].text);
		config_faults_clear(&faults);
	}
}

static void rights_and_process_are_known(void **state)
{
	struct units units;

	(void)state;
	units_parse(SERVICE("active") "Group=shared\nSupplementaryGroups=one two\n"
				      "MainPID=4711\n",
		    OWN("loaded", "active"), &units);
	assert_true(units.is_known);
	assert_string_equal(units.user, "cathgate");
	assert_string_equal(units.group, "shared");
	assert_string_equal(units.groups, "one two");
	assert_int_equal(units.main_pid, 4711);
	units_clear(&units);
	units_parse("LoadState=loaded\nActiveState=active\nUser=\n",
		    OWN("loaded", "active"), &units);
	assert_int_equal(units.main_pid, 0);
	assert_int_equal(units_owner(&units)->pw_uid, 0);
	units_clear(&units);
	assert_null(units_owner(&units));
}

static void nothing_known_is_no_fault(void **state)
{
	static const char *const services[] = { "", "LoadState=not-found\nUser=\n",
						"Failed to connect to bus\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		struct config_faults faults = faults_of(
			services[i], OWN("loaded", "active"), NULL, "elsewhere");

		assert_int_equal(faults.count, 0);
		config_faults_clear(&faults);
	}
}

static void trouble_names_its_cure(void **state)
{
	static const struct {
		const char *service, *sockets, *says;
	} rows[] = {
		{ SERVICE("active"), OWN("loaded", "active"), NULL },
		{ SERVICE("inactive"), OWN("loaded", "inactive"), "systemctl start" },
		{ SERVICE("activating"), OWN("loaded", "failed"), "ss -ltnp" },
		{ SERVICE("inactive"), OWN("masked", "failed"), "systemctl start" },
		{ SERVICE("activating\nSubState=auto-restart"), OWN("loaded", "active"),
		  "journalctl" },
		{ SERVICE("activating\nSubState=start"), OWN("loaded", "active"), NULL },
		{ SERVICE("failed"), OWN("loaded", "active"), "journalctl" },
		{ "", OWN("loaded", "failed"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct units units;
		char *trouble;

		units_parse(rows[i].service, rows[i].sockets, &units);
		trouble = units_trouble(&units);
		if (!rows[i].says)
			assert_null(trouble);
		else if (!trouble || !strstr(trouble, rows[i].says))
			fail_msg("row %zu: %s", i, trouble ? trouble : "none");
		free(trouble);
		units_clear(&units);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_and_sockets_must_fit),
		cmocka_unit_test(rights_and_process_are_known),
		cmocka_unit_test(nothing_known_is_no_fault),
		cmocka_unit_test(trouble_names_its_cure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
