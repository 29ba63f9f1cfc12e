/*
 * What each process may ask of the kernel: a list of system calls (seccomp), and the
 * files that it may reach (Landlock). Each role enters its sandbox before it reads the
 * first byte from outside, and never leaves it.
 *
 * Promises: a call has one of three answers, by one table for all roles (calls.def). The
 * calls of the role's list work. A call that only an attack makes ends the process by
 * SIGSYS, and the supervisor hears which call it was. Any other call answers ENOSYS, as
 * an older kernel does, and the process logs its number once; so a new libc or OpenSSL
 * breaks nothing silently. A call of another architecture (32 bit, x32) ends the process
 * at once.
 *
 * The filter answers the last two with SECCOMP_RET_TRAP: the kernel skips the call and
 * sends SIGSYS, and a handler tells the two apart. That is as strong as
 * SECCOMP_RET_KILL_PROCESS where it counts, since a trapped call is never executed. The
 * process is single-threaded, so no other code runs meanwhile. If SIGSYS is blocked or
 * ignored, the kernel ends the process. The handler and its table are constants, and no
 * list has rt_sigaction for SIGSYS. An attacker who already executes code may write over
 * the table all the same (mprotect to write is allowed), and wins that a call fails where
 * it would have ended the process; it is still not executed. In return the log, the audit
 * log and the alert say which call it was. With a bare SIGSYS an operator could not tell
 * a missing row after an upgrade from an attack.
 *
 * The deaths' pipe may be written to by a process that was taken over. So what it says
 * counts only for a process that did die by SIGSYS, and only as text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

/* In the order of calls.def's columns. */
enum sandbox_role {
	SANDBOX_SUPERVISOR,
	SANDBOX_ASSOCIATION,
	SANDBOX_AUDITOR,
	SANDBOX_RESOLVER,
	SANDBOX_EXPORTER,
	SANDBOX_OBSERVER,
	SANDBOX_ALERTER,
	SANDBOX_SCRIBE,
	SANDBOX_KEEPER,
	SANDBOX_TOKEN_KEEPER,
	SANDBOX_DIALLER,
	SANDBOX_FORKER,
	SANDBOX_SPOOLER,
	SANDBOX_COURIER,
	SANDBOX_ROLES
};

/*
 * In the supervisor.
 */

/* What keeps seccomp filters from this process, with the cure; NULL: nothing. */
const char *sandbox_lacks_seccomp(void);
/* The same for Landlock. */
const char *sandbox_lacks_landlock(void);

/* A role's list as the kernel wants it. Costs 2 ms; a child enters with what its parent
 * has prepared. NULL when it can't be made, which is logged with the cure. */
MUST_USE struct sandbox_program *sandbox_prepare(enum sandbox_role role);
void sandbox_free(struct sandbox_program *program);

/* The pipe in which dying processes say which call it was; neither end blocks. */
struct sandbox_death {
	int32_t pid;
	int32_t call;
	uint32_t architecture; /* AUDIT_ARCH_... of linux/audit.h */
};

#define SANDBOX_DEATHS_KEPT 64

struct sandbox_deaths {
	int read, write;
	struct sandbox_death kept[SANDBOX_DEATHS_KEPT]; /* the latest, in a ring */
	size_t next;
};

MUST_USE int sandbox_deaths_open(struct sandbox_deaths *deaths);
void sandbox_deaths_close(struct sandbox_deaths *deaths);
/* What the process called, which has died by SIGSYS: a name, or a sentence's part such as
 * "call 440". Forgets what the process said. */
const char *sandbox_deaths_call(struct sandbox_deaths *deaths, pid_t pid);

/*
 * In each process.
 */

/* Where this process tells of its death: the pipe's end for writing. */
void sandbox_report_to(int deaths);

enum sandbox_use {
	SANDBOX_READ,	/* files, and what is in folders */
	SANDBOX_CHANGE, /* files are read, written, made, renamed and removed as well */
	SANDBOX_REMOVE	/* files are removed, no more */
};

/* A file, or a folder with all below it. One that isn't there is passed over. */
struct sandbox_path {
	const char *path;
	enum sandbox_use use;
};

/* Enters for good. The process may reach those paths alone, where its kernel has
 * Landlock; a role whose children are other programs (supervisor, alerter) is not held to
 * paths. Descriptors that are open stay as they are. 0; or -1, logged: the process must
 * end then. A NULL program is no sandbox: for unit tests. */
MUST_USE int sandbox_enter(const struct sandbox_program *program,
			   const struct sandbox_path *paths, size_t count);

/* Whether one of these paths leads elsewhere than when the process entered: it appeared,
 * went, or was replaced. The process can't reach the new one, so it should end and be
 * started anew. Always false where paths don't count. */
bool sandbox_is_stale(void);

/* The folder in which a file is, or is to be, in memory of the caller's. Symbolic links
 * are followed. NULL without memory. */
char *sandbox_folder_of(const char *path);

/*
 * For tests.
 */

struct sock_filter;
/* The program as it is loaded, but for the PID. */
const struct sock_filter *sandbox_filter(const struct sandbox_program *program,
					 size_t *ret_count);
/* Whether a call that the role's list doesn't have ends the process. */
bool sandbox_is_deadly(int call);
/* The sandbox is wider than in a release, for sanitizers or coverage (calls.def). */
bool sandbox_is_widened(void);
