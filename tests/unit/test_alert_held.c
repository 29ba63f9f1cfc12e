/* Goal: a problem is told once when it begins, again when it becomes critical, and once
 * when it has been absent for a minute without a break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/observer/alerter.h"
#include "observer/alert_held.h"

#define GONE_MS (ALERTER_GONE_SECONDS * 1000)

struct story {
	struct alert_held held;
	int64_t now_ms;
	char said[400];
};

static void say(void *context, const char *alert, const json_t *problem)
{
	struct story *story = context;
	size_t used = strlen(story->said);

	snprintf(story->said + used, sizeof(story->said) - used, "%s %s %s;", alert,
		 json_string_value(json_object_get(problem, "subject")),
		 json_string_value(json_object_get(problem, "level")));
}

static json_t *problem_of(const char *subject, const char *level)
{
	return json_pack("{s:s,s:s,s:s}", "problem", "destination-failing", "subject",
			 subject, "level", level);
}

/* After so many milliseconds these two hold (level NULL: it doesn't); what is told. */
static void look(struct story *story, int64_t after_ms, const char *pacs,
		 const char *archive, const char *told)
{
	json_t *problems = json_array();

	if (pacs)
		json_array_append_new(problems, problem_of("pacs", pacs));
	if (archive)
		json_array_append_new(problems, problem_of("archive", archive));
	story->now_ms += after_ms;
	story->said[0] = '\0';
	alert_held_look(&story->held, problems, story->now_ms, say, story);
	assert_string_equal(story->said, told);
	json_decref(problems);
}

static void it_begins_and_ends_once(void **state)
{
	struct story story = { .now_ms = 5 };

	(void)state;
	look(&story, 1, NULL, NULL, "");
	look(&story, 1, "critical", NULL, "began pacs critical;");
	look(&story, 1000, "critical", "warning", "began archive warning;");
	look(&story, 1000, NULL, "warning", "");
	look(&story, GONE_MS - 1, NULL, "warning", "");
	look(&story, 1, NULL, "warning", "ended pacs critical;");
	look(&story, 1000, NULL, NULL, "");
	look(&story, GONE_MS, NULL, NULL, "ended archive warning;");
	look(&story, 1000, "critical", NULL, "began pacs critical;");
	alert_held_clear(&story.held);
}

static void one_that_comes_and_goes_is_one(void **state)
{
	struct story story = { .now_ms = 5 };
	json_t *problem = problem_of("pacs", "critical");

	(void)state;
	look(&story, 1, "critical", NULL, "began pacs critical;");
	for (int i = 0; i < 100; i++) {
		look(&story, 1000, NULL, NULL, "");
		look(&story, GONE_MS - 1, NULL, NULL, "");
		look(&story, 1, "critical", NULL, "");
	}
	/* Nor has one ended that no look has seen again. */
	for (int i = 0; i < 100; i++) {
		alert_held_touch(&story.held, problem);
		look(&story, GONE_MS - 1, NULL, NULL, "");
	}
	look(&story, GONE_MS, NULL, NULL, "ended pacs critical;");
	/* Then it isn't begun by a touch either. */
	alert_held_touch(&story.held, problem);
	look(&story, 1000, NULL, NULL, "");
	json_decref(problem);
	alert_held_clear(&story.held);
}

static void one_that_becomes_critical_begins_again(void **state)
{
	struct story story = { .now_ms = 5 };
	json_t *problem = problem_of("pacs", "critical");

	(void)state;
	look(&story, 1, "warning", NULL, "began pacs warning;");
	look(&story, 1000, "critical", NULL, "began pacs critical;");
	look(&story, 1000, "critical", NULL, "");
	/* Not each time that it goes to and fro. */
	for (int i = 0; i < 100; i++) {
		look(&story, 1000, "warning", NULL, "");
		look(&story, GONE_MS - 2000, "warning", NULL, "");
		look(&story, 1000, i % 2 ? "critical" : NULL, NULL, "");
		alert_held_touch(&story.held, problem);
	}
	look(&story, 1000, "warning", NULL, "");
	look(&story, GONE_MS, "warning", NULL, "");
	look(&story, 1000, "critical", NULL, "began pacs critical;");
	json_decref(problem);
	alert_held_clear(&story.held);
}

static void a_name_of_two_is_two(void **state)
{
	struct story story = { .now_ms = 5 };
	json_t *problems =
		json_pack("[{s:s,s:s,s:s,s:s},{s:s,s:s,s:s,s:s}]", "problem",
			  "certificate-ends", "subject", "pacs", "level", "critical",
			  "owner", "modality", "problem", "certificate-ends", "subject",
			  "pacs", "level", "warning", "owner", "destination");

	(void)state;
	for (int i = 0; i < 3; i++) {
		alert_held_look(&story.held, problems, story.now_ms, say, &story);
		assert_string_equal(story.said,
				    "began pacs critical;began pacs warning;");
		story.now_ms += GONE_MS;
	}
	json_decref(problems);
	alert_held_clear(&story.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_begins_and_ends_once),
		cmocka_unit_test(one_that_comes_and_goes_is_one),
		cmocka_unit_test(one_that_becomes_critical_begins_again),
		cmocka_unit_test(a_name_of_two_is_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
