/*
 * Values that a command needs. They come from options; at a terminal the tool asks for
 * those that are missing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"
#include "cli/kit/options.h"

struct question {
	const char *option;   /* without the dashes */
	const char *what;     /* of the value, in usage texts: FILE */
	const char *ask;      /* the question; NULL: it is not asked ... */
	const char *purpose;  /* ... and this is the option's help */
	const char *help;     /* of why, and where to find out; wrapped when shown */
	const char *usual;    /* the value where none is given; NULL: one must be */
	options_judge *judge; /* NULL: anything goes */
	bool is_optional;     /* may be left empty */
	bool is_list;	      /* may be given again */
	const char *value;    /* NULL until it is known; of a list, one on each line */
};

#define HOSTS_MAX 16 /* that judge_hosts takes */

options_judge judge_port, judge_address, judge_host, judge_hosts, judge_ae_title,
	judge_certificate, judge_crl, judge_name, judge_path, judge_text;

bool questions_can_ask(void);

/* Sets the value, or adds it to a list. False, with a message, when it is none for that
 * question. */
MUST_USE bool question_set(struct question *question, const char *value);

/* Asks for each value that is missing, or takes the usual one. -1 with a message that
 * names every option that is still missing, or at the end of the input. */
MUST_USE int questions_settle(struct question *questions, size_t count, bool may_ask);

/* Whether the answer is yes, as an empty one is. */
MUST_USE bool question_confirm(const char *ask);
