/*
 * Values that a command needs: from options, and from whoever sits at the terminal for
 * those that are missing. Without a terminal nothing is ever asked.
 */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Says what is wrong with a value, and what to write instead; NULL when it is good. */
typedef const char *question_judge(const char *value);

struct question {
	const char *option;    /* without the dashes */
	const char *what;      /* of the value, in usage texts: FILE */
	const char *ask;       /* the question; NULL: it is not asked */
	const char *help;      /* a line or two of why, and where to find out */
	const char *usual;     /* when nobody says otherwise; NULL: it must be said */
	question_judge *judge; /* NULL: anything goes */
	bool is_optional;      /* may be left empty */
	const char *value;     /* NULL until it is known */
};

#define HOSTS_MAX 16 /* that judge_hosts takes */

question_judge judge_port, judge_address, judge_host, judge_hosts, judge_ae_title,
	judge_certificate, judge_crl, judge_name, judge_days, judge_path, judge_text;

bool questions_can_ask(void);

/* Sets the value of the option's question. False, with a message, when it is none. */
bool question_set(struct question *question, const char *value);

/* All that have no value yet: asked, or given the usual one. 0; -1 with a message that
 * names every option that is missing, or when whoever was asked has gone. */
int questions_settle(struct question *questions, size_t count, bool may_ask);

/* Yes, unless somebody says no. */
bool question_confirm(const char *ask);

#endif
