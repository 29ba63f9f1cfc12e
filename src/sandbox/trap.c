/*
 * All of this runs in a signal handler, which may have come in the middle of anything: it
 * calls only what is async-signal-safe, and touches no memory of others'.
 */
#include "trap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "cathgate/base/log.h"
#include "cathgate/sandbox/sandbox.h"
#include "table.h"

#define FROM_FILTER 1 /* SYS_SECCOMP, which not every libc names */
#define CALLS_MAX   1024

static struct {
	const char *role;
	int deaths;
	bool has_told[CALLS_MAX];
} trap = { .role = "process", .deaths = -1 };

void sandbox_report_to(int deaths)
{
	trap.deaths = deaths;
}

static void set_result(ucontext_t *context, long result)
{
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RAX] = result;
#elif defined(__aarch64__)
	context->uc_mcontext.regs[0] = (unsigned long long)result;
#else
#error "say here where this architecture returns a system call's result"
#endif
}

static const char *number_text(int number, char text[12])
{
	unsigned rest = number < 0 ? 0U - (unsigned)number : (unsigned)number;
	char *at = text + 11;

	*at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	if (number < 0)
		*--at = '-';
	return at;
}

/* All processes share the pipe, and one that was taken over may fill it: then nobody
 * waits, and the call has no name. */
static void tell_supervisor(const siginfo_t *info)
{
	const struct sandbox_death death = { .pid = (int32_t)getpid(),
					     .call = info->si_syscall,
					     .architecture = info->si_arch };
	struct pollfd pipe = { .fd = trap.deaths, .events = POLLOUT };

	if (trap.deaths >= 0 && poll(&pipe, 1, 0) == 1 && pipe.revents == POLLOUT)
		(void)!write(trap.deaths, &death, sizeof(death)); /* likewise */
}

__attribute__((noreturn)) static void die(const siginfo_t *info)
{
	const char *name = table_name(info->si_syscall);
	char text[12];

	tell_supervisor(info);
	log_pieces(LOG_PIECES_BUG, "sandbox: denied: the ", trap.role, " called ",
		   name ? name : number_text(info->si_syscall, text),
		   ", which only an attack does: its process ends", NULL);
	for (;;) /* the filter ends the process here */
		syscall(TABLE_END);
}

static void say_once(int call)
{
	const char *name = table_name(call);
	char text[12];

	if (call >= 0 && call < CALLS_MAX) {
		if (trap.has_told[call])
			return;
		trap.has_told[call] = true;
	}
	log_pieces(LOG_PIECES_WARNING, "sandbox: denied: the ", trap.role, " called ",
		   name ? name : "system call ", name ? "" : number_text(call, text),
		   ", which is not in its list: it was answered ENOSYS. Please report "
		   "this line",
		   NULL);
}

static void take_signal(int signal, siginfo_t *info, void *context)
{
	int kept = errno;

	(void)signal;
	if (info->si_code != FROM_FILTER)
		return; /* somebody sent it: nothing was asked of the kernel */
	if (sandbox_is_deadly(info->si_syscall))
		die(info);
	say_once(info->si_syscall);
	set_result(context, -ENOSYS);
	errno = kept;
}

int trap_install(const char *role)
{
	struct sigaction action = { .sa_sigaction = take_signal, .sa_flags = SA_SIGINFO };
	sigset_t own;

	trap.role = role;
	sigemptyset(&own);
	sigaddset(&own, SIGSYS);
	if (sigprocmask(SIG_UNBLOCK, &own, NULL) != 0)
		return -1;
	sigfillset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL);
}
