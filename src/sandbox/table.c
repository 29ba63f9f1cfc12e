#include "table.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* glibc's headers don't have this one. */
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

enum {
	SUPERVISOR = 1 << SANDBOX_SUPERVISOR,
	ASSOCIATION = 1 << SANDBOX_ASSOCIATION,
	AUDITOR = 1 << SANDBOX_AUDITOR,
	RESOLVER = 1 << SANDBOX_RESOLVER,
	EXPORTER = 1 << SANDBOX_EXPORTER,
	OBSERVER = 1 << SANDBOX_OBSERVER,
	ALERTER = 1 << SANDBOX_ALERTER,
	SCRIBE = 1 << SANDBOX_SCRIBE,
	KEEPER = 1 << SANDBOX_KEEPER,
	TOKEN_KEEPER = 1 << SANDBOX_TOKEN_KEEPER,
	DIALLER = 1 << SANDBOX_DIALLER,
	FORKER = 1 << SANDBOX_FORKER,
	SPOOLER = 1 << SANDBOX_SPOOLER,
	COURIER = 1 << SANDBOX_COURIER,

	/* Whatever an association or a courier does, the process that forks it must have.
	 */
	ASSOCIATIONS = ASSOCIATION | COURIER | FORKER,
	FILES = AUDITOR | EXPORTER | OBSERVER | SCRIBE | SPOOLER,
	LISTED = ASSOCIATIONS | FILES | DIALLER | KEEPER,
	OPEN = RESOLVER | TOKEN_KEEPER,
	INHERITED = SUPERVISOR | ALERTER,
	EVERYBODY = LISTED | OPEN | INHERITED
};

#define NEW_NAMESPACES                                                              \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | \
	 CLONE_NEWIPC | CLONE_NEWCGROUP)
#define OWN_PID TABLE_OWN_PID

/* In the order of struct scmp_arg_cmp. */
#define IS(argument, value)                     \
	{                                       \
		argument, SCMP_CMP_EQ, value, 0 \
	}
#define WITHOUT(argument, bits)                       \
	{                                             \
		argument, SCMP_CMP_MASKED_EQ, bits, 0 \
	}
#define HAS(argument, bits)                              \
	{                                                \
		argument, SCMP_CMP_MASKED_EQ, bits, bits \
	}
#define FREELY	     .count = 0
#define IF(...)	     .count = 1, .when = { __VA_ARGS__ }
#define IF_BOTH(...) .count = 2, .when = { __VA_ARGS__ }

#define MAY(who, name, ...) { .roles = (who), .call = SCMP_SYS(name), __VA_ARGS__ },
#define ABSENT(who, name)
#define DIES(name)
const struct table_may table_may[] = {
#include "calls.def"
};
#undef MAY
#undef ABSENT
#undef DIES

#define MAY(who, name, ...)
#define ABSENT(who, name) { (who), SCMP_SYS(name) },
#define DIES(name)
const struct table_absent table_absent[] = {
#include "calls.def"
};
#undef MAY
#undef ABSENT
#undef DIES

#define MAY(who, name, ...)
#define ABSENT(who, name)
#define DIES(name) { SCMP_SYS(name), #name },
const struct table_deadly table_deadly[] = {
#include "calls.def"
};
#undef MAY
#undef ABSENT
#undef DIES

#define MAY(who, name, ...) { SCMP_SYS(name), #name },
#define ABSENT(who, name)   { SCMP_SYS(name), #name },
#define DIES(name)	    { SCMP_SYS(name), #name },
static const struct table_deadly names[] = {
#include "calls.def"
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const size_t table_may_count = COUNT(table_may);
const size_t table_absent_count = COUNT(table_absent);
const size_t table_deadly_count = COUNT(table_deadly);

enum table_kind table_kind(enum sandbox_role role)
{
	if (OPEN & 1U << role)
		return TABLE_OPEN;
	return INHERITED & 1U << role ? TABLE_INHERITED : TABLE_LISTED;
}

const char *table_role_name(enum sandbox_role role)
{
	static const char *const role_names[SANDBOX_ROLES] = {
		[SANDBOX_SUPERVISOR] = "supervisor",
		[SANDBOX_ASSOCIATION] = "association",
		[SANDBOX_AUDITOR] = "auditor",
		[SANDBOX_RESOLVER] = "resolver",
		[SANDBOX_EXPORTER] = "exporter",
		[SANDBOX_OBSERVER] = "observer",
		[SANDBOX_ALERTER] = "alerter",
		[SANDBOX_SCRIBE] = "scribe",
		[SANDBOX_KEEPER] = "keeper",
		[SANDBOX_TOKEN_KEEPER] = "keeper of a token",
		[SANDBOX_DIALLER] = "dialler",
		[SANDBOX_FORKER] = "forker",
		[SANDBOX_SPOOLER] = "spooler",
		[SANDBOX_COURIER] = "courier",
	};

	return role_names[role];
}

const char *table_name(int call)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].call == call)
			return names[i].name;
	return NULL;
}

bool table_grants(enum sandbox_role role, int call)
{
	for (size_t i = 0; i < table_may_count; i++)
		if (table_may[i].call == call && table_may[i].roles & 1U << role)
			return true;
	return false;
}

bool sandbox_is_deadly(int call)
{
	for (size_t i = 0; i < table_deadly_count; i++)
		if (table_deadly[i].call == call)
			return true;
	return false;
}

bool sandbox_is_widened(void)
{
#ifdef SANDBOX_WIDENED
	return true;
#else
	return false;
#endif
}
