/*
 * calls.def as tables. What a role's list leaves out is answered by its kind.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <seccomp.h>

#include "cathgate/sandbox/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(CATHGATE_COVERAGE)
#define SANDBOX_WIDENED
#endif

/* Stands for the process's own number, which isn't known when a filter is made. */
#define TABLE_OWN_PID 0x5a17d0c5U

/* No program calls this, and every filter ends the process that does. It is how a process
 * ends itself by SIGSYS; Linux has not had the call itself since 3.1. */
#define TABLE_END SCMP_SYS(nfsservctl)

enum table_kind { TABLE_LISTED, TABLE_OPEN, TABLE_INHERITED };

enum table_kind table_kind(enum sandbox_role role);
/* As the log names it. */
const char *table_role_name(enum sandbox_role role);

struct table_may {
	unsigned roles; /* a bit each: 1 << enum sandbox_role */
	int call;	/* negative: this architecture has none of that name */
	unsigned count; /* of conditions, which all must hold */
	struct scmp_arg_cmp when[2];
};

extern const struct table_may table_may[];
extern const size_t table_may_count;

struct table_absent {
	unsigned roles;
	int call;
};

extern const struct table_absent table_absent[];
extern const size_t table_absent_count;

struct table_deadly {
	int call;
	const char *name;
};

extern const struct table_deadly table_deadly[];
extern const size_t table_deadly_count;

/* The name of a call that some row has; NULL: none has. Async-signal-safe. */
const char *table_name(int call);
/* Whether one of the role's rows grants it, on whatever condition. */
bool table_grants(enum sandbox_role role, int call);
