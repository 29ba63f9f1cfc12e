/* Goal: certificates of one peer that are near their end raise one alert an hour, however
 * many it shows and whatever their dates; another peer's has its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audit/client/message.h"
#include "supervisor/expiry/warnings.h"

#define DAY_SECONDS (24 * 60 * 60)
#define HOUR_MS	    3600000

/* The linker leads this call here (--wrap). */
static int64_t now_ms;

int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_ms(void)
{
	return now_ms;
}

/* Which peer's certificate an alert is about. */
static size_t count_alerts(int auditor, const char *whose)
{
	struct message_control message;
	size_t count = 0;

	while (recv(auditor, &message, sizeof(message), MSG_DONTWAIT) ==
	       (ssize_t)sizeof(message)) {
		assert_int_equal(message.record.event, AUDIT_ALERT);
		assert_int_equal(message.record.reason, REASON_TLS_EXPIRED);
		count += strstr(message.record.detail, whose) != NULL;
	}
	return count;
}

static void one_alert_an_hour_for_each_peer(void **state)
{
	time_t now = time(NULL);
	int ends[2];
	struct helper helper = { .channel = -1 };
	struct auditing auditing = { .helper = &helper };
	/* Nothing is saved here. */
	struct warnings warnings = { .save_ms = INT64_MAX };

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	helper.channel = ends[0];
	now_ms = 1000;
	for (int days = 1; days <= 3; days++)
		warnings_saw(&warnings, WARNING_MODALITY, "angio",
			     now + days * DAY_SECONDS);
	warnings_maintain(&warnings, &auditing);
	assert_int_equal(count_alerts(ends[1], "modality angio "), 1);

	/* A new one, a little later, and one of a destination that has the same name. */
	now_ms += HOUR_MS - 1000;
	warnings_saw(&warnings, WARNING_MODALITY, "angio", now + 2 * DAY_SECONDS + 7);
	warnings_maintain(&warnings, &auditing);
	assert_int_equal(count_alerts(ends[1], ""), 0);
	warnings_saw(&warnings, WARNING_DESTINATION, "angio", now + 2 * DAY_SECONDS);
	warnings_saw(&warnings, WARNING_MODALITY, "angio 2", now + 2 * DAY_SECONDS);
	warnings_maintain(&warnings, &auditing);
	assert_int_equal(count_alerts(ends[1], " angio"), 2);

	now_ms += 1001;
	warnings_saw(&warnings, WARNING_MODALITY, "angio", now + 2 * DAY_SECONDS + 8);
	warnings_maintain(&warnings, &auditing);
	assert_int_equal(count_alerts(ends[1], "modality angio "), 1);
	warnings_free(&warnings);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_alert_an_hour_for_each_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
