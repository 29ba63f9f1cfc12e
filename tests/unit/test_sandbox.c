/* Goal: each role's filter lets through what its rows grant and nothing else, whatever
 * the call, its arguments and its architecture; a process that calls what only an attack
 * does ends and says which call it was; any other call answers ENOSYS and is logged once;
 * Landlock leaves a role the paths that it was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/sandbox/sandbox.h"
#include "sandbox/landlock.h"
#include "sandbox/table.h"

#if defined(__x86_64__)
#define OWN_ARCH   AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#else
#define OWN_ARCH   AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#endif
#define X32_BIT	  0x40000000
#define CALLS_MAX 512

static struct sandbox_program *programs[SANDBOX_ROLES];

static bool can_filter(void)
{
	return sandbox_lacks_seccomp() == NULL;
}

static int prepare(void **state)
{
	(void)state;
	if (!can_filter())
		return 0; /* an emulator */
	for (int role = 0; role < SANDBOX_ROLES; role++)
		if (!(programs[role] = sandbox_prepare((enum sandbox_role)role)))
			return -1;
	return 0;
}

static int release(void **state)
{
	(void)state;
	for (int role = 0; role < SANDBOX_ROLES; role++)
		sandbox_free(programs[role]);
	return 0;
}

/* Runs a filter as the kernel does (seccomp(2)), for the instructions that libseccomp
 * writes. */
static uint32_t answer_of(enum sandbox_role role, const struct seccomp_data *data)
{
	size_t count;
	const struct sock_filter *filter = sandbox_filter(programs[role], &count);
	uint32_t a = 0;

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *now = &filter[at];

		switch (now->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + now->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= now->k;
			break;
		case BPF_JMP | BPF_JA:
			at += now->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == now->k ? now->jt : now->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			at += a > now->k ? now->jt : now->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= now->k ? now->jt : now->jf;
			break;
		case BPF_RET | BPF_K:
			return now->k;
		default:
			fail_msg("an instruction %#x", now->code);
		}
	}
	fail_msg("the filter has no answer");
	return 0;
}

static uint32_t answer(enum sandbox_role role, int call, const uint64_t *arguments)
{
	struct seccomp_data data = { .nr = call, .arch = OWN_ARCH };

	if (arguments)
		memcpy(data.args, arguments, sizeof(data.args));
	return answer_of(role, &data);
}

static bool has_row(enum sandbox_role role, int call)
{
	for (size_t i = 0; i < table_absent_count; i++)
		if (table_absent[i].call == call && table_absent[i].roles & 1U << role)
			return true;
	return table_grants(role, call);
}

/* What a filter may answer to a call that no row of the role has. */
static uint32_t expected(enum sandbox_role role, int call)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);
	bool is_known = name != NULL;

	free(name);
	if (call == TABLE_END)
		return SECCOMP_RET_KILL_PROCESS;
	if (sandbox_is_deadly(call))
		return SECCOMP_RET_TRAP;
	if (table_kind(role) == TABLE_INHERITED ||
	    (table_kind(role) == TABLE_OPEN && is_known))
		return SECCOMP_RET_ALLOW;
	return SECCOMP_RET_TRAP;
}

static void test_no_call_beyond_the_rows(void **state)
{
	static const uint64_t edges[] = { 0,	     1, ~0ULL, 1ULL << 32, TABLE_OWN_PID,
					  0x7fffffff };

	(void)state;
	if (!can_filter())
		skip();
	for (int role = 0; role < SANDBOX_ROLES; role++)
		for (int call = 0; call < CALLS_MAX; call++)
			for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
				uint64_t arguments[6] = { edges[i], edges[i], edges[i],
							  edges[i], edges[i], edges[i] };

				if (!has_row((enum sandbox_role)role, call))
					assert_int_equal(
						answer((enum sandbox_role)role, call,
						       arguments),
						expected((enum sandbox_role)role, call));
			}
}

static void test_other_architectures_end_it(void **state)
{
	(void)state;
	if (!can_filter())
		skip();
	for (int role = 0; role < SANDBOX_ROLES; role++)
		for (int call = 0; call < CALLS_MAX; call++) {
			struct seccomp_data data = { .nr = call, .arch = OTHER_ARCH };

			assert_int_equal(answer_of((enum sandbox_role)role, &data),
					 SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
			data = (struct seccomp_data){ .nr = call | X32_BIT,
						      .arch = OWN_ARCH };
			assert_int_equal(answer_of((enum sandbox_role)role, &data),
					 SECCOMP_RET_KILL_PROCESS);
#endif
		}
}

/* Who adds a row changes this list, too: it is what an attacker has. */
static void test_what_an_association_may_call(void **state)
{
	static const char all[] =
		"brk clock_getres clock_gettime clock_nanosleep close exit "
		"exit_group fcntl fstat fsync ftruncate futex getegid geteuid getgid "
		"getpeername getpid "
		"getppid getrandom getsockopt gettid gettimeofday getuid "
		"lseek madvise mmap mprotect mremap munmap nanosleep poll ppoll "
		"pread64 prlimit64 pwrite64 read readv recvfrom recvmsg restart_syscall "
		"rt_sigaction rt_sigprocmask rt_sigreturn sched_yield sendto "
		"setsockopt shutdown sync_file_range sysinfo tgkill time uname write "
		"writev ";

	(void)state;
	if (sandbox_is_widened())
		skip();
	for (size_t i = 0; i < table_may_count; i++) {
		const char *name = table_name(table_may[i].call);
		char word[64];

		if (!(table_may[i].roles & 1U << SANDBOX_ASSOCIATION) ||
		    table_may[i].call < 0)
			continue;
		snprintf(word, sizeof(word), "%s ", name);
		if (!strstr(all, word))
			fail_msg("%s is new", name);
	}
}

struct judged {
	enum sandbox_role role;
	int call;
	uint64_t arguments[6];
	bool is_granted;
};

/* What some role may do on a condition only, no role has freely by want of a row. */
static void test_open_roles_have_rows_for_conditions(void **state)
{
	(void)state;
	if (sandbox_is_widened())
		skip();
	for (size_t i = 0; i < table_may_count; i++)
		if (table_may[i].count > 0 && table_may[i].call >= 0 &&
		    !has_row(SANDBOX_RESOLVER, table_may[i].call) &&
		    !sandbox_is_deadly(table_may[i].call))
			fail_msg("no row of %s for the resolver",
				 table_name(table_may[i].call));
}

static void test_conditions_hold(void **state)
{
	static const struct judged cases[] = {
		{ SANDBOX_ASSOCIATION, SCMP_SYS(mmap), { 0, 9, PROT_READ }, true },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(mmap), { 0, 9, PROT_EXEC }, false },
		{ SANDBOX_AUDITOR, SCMP_SYS(mprotect), { 0, 9, 7 }, false },
		{ SANDBOX_AUDITOR, SCMP_SYS(mprotect), { 0, 9, PROT_WRITE }, true },
		{ SANDBOX_RESOLVER, SCMP_SYS(mmap), { 0, 9, PROT_EXEC }, true },
		{ SANDBOX_ASSOCIATION,
		  SCMP_SYS(sendto),
		  { 5, 0, 0, MSG_NOSIGNAL | MSG_DONTWAIT },
		  true },
		{ SANDBOX_ASSOCIATION,
		  SCMP_SYS(sendto),
		  { 5, 0, 0, MSG_FASTOPEN | MSG_NOSIGNAL },
		  false },
		{ SANDBOX_ASSOCIATION,
		  SCMP_SYS(setsockopt),
		  { 5, IPPROTO_TCP, TCP_NODELAY },
		  true },
		{ SANDBOX_ASSOCIATION,
		  SCMP_SYS(setsockopt),
		  { 5, IPPROTO_TCP, TCP_REPAIR },
		  false },
		{ SANDBOX_ASSOCIATION,
		  SCMP_SYS(tgkill),
		  { TABLE_OWN_PID, 7, SIGABRT },
		  true },
		{ SANDBOX_ASSOCIATION,
		  SCMP_SYS(tgkill),
		  { TABLE_OWN_PID, 7, SIGKILL },
		  false },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(tgkill), { 1, 1, SIGABRT }, false },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(rt_sigaction), { SIGSYS }, false },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(rt_sigaction), { SIGPIPE }, true },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(fcntl), { 5, F_SETFL }, false },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(prlimit64), { 0, 7, 4096 }, false },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(socket), { AF_UNIX }, false },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(socket), { AF_INET, 0x80801 }, false },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(connect), { 0 }, false },
		{ SANDBOX_EXPORTER, SCMP_SYS(socket), { AF_UNIX }, true },
		{ SANDBOX_EXPORTER, SCMP_SYS(socket), { AF_INET }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(socket), { AF_INET6 }, true },
		{ SANDBOX_RESOLVER, SCMP_SYS(socket), { 38 /* AF_ALG */ }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(clone), { SIGCHLD }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(prlimit64), { 9, 7, 4096 }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(prlimit64), { 0, 7, 0 }, true },
		{ SANDBOX_RESOLVER, SCMP_SYS(fcntl), { 5, F_SETOWN, 9 }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(fcntl), { 5, F_SETSIG, SIGKILL }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(fcntl), { 5, F_SETFL }, true },
		{ SANDBOX_RESOLVER, SCMP_SYS(ioctl), { 5, FIOSETOWN }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(ioctl), { 5, SIOCSPGRP }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(ioctl), { 5, FIONREAD }, true },
		{ SANDBOX_ASSOCIATION, SCMP_SYS(sendmsg), { 5 }, false },
		{ SANDBOX_OBSERVER, SCMP_SYS(fchmod), { 5, 0777 }, false },
		{ SANDBOX_RESOLVER, SCMP_SYS(execve), { 0 }, false },
		{ SANDBOX_KEEPER, SCMP_SYS(openat), { 0 }, false },
		{ SANDBOX_KEEPER, SCMP_SYS(socket), { AF_UNIX }, false },
		{ SANDBOX_DIALLER, SCMP_SYS(connect), { 0 }, true },
		{ SANDBOX_DIALLER, SCMP_SYS(socket), { AF_INET, 0x80801 }, true },
		{ SANDBOX_DIALLER, SCMP_SYS(socket), { AF_INET, 2 }, false },
		{ SANDBOX_DIALLER, SCMP_SYS(socket), { AF_UNIX, 0x80801 }, false },
		{ SANDBOX_DIALLER, SCMP_SYS(openat), { 0 }, false },
		{ SANDBOX_FORKER, SCMP_SYS(seccomp), { 0 }, true },
		{ SANDBOX_FORKER, SCMP_SYS(execve), { 0 }, false },
		{ SANDBOX_ALERTER, SCMP_SYS(execve), { 0 }, true },
		{ SANDBOX_ALERTER, SCMP_SYS(ptrace), { 0 }, false },
		{ SANDBOX_SUPERVISOR, SCMP_SYS(io_uring_setup), { 0 }, false },
		{ SANDBOX_SUPERVISOR, SCMP_SYS(mount), { 0 }, false },
	};

	(void)state;
	if (!can_filter() || sandbox_is_widened())
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct judged *c = &cases[i];

		if ((answer(c->role, c->call, c->arguments) == SECCOMP_RET_ALLOW) !=
		    c->is_granted)
			fail_msg("%s, %s, case %zu", table_role_name(c->role),
				 table_name(c->call), i);
	}
}

/* What a child does in its sandbox; its exit status is what this returns. */
typedef int sandboxed(void);

static struct sandbox_deaths deaths;
static char said[4096];

/* The child's wait status; what it logged is in `said`. */
static int run_in(enum sandbox_role role, const struct sandbox_path *paths, size_t count,
		  sandboxed *act, pid_t *ret_pid)
{
	int log[2], status;
	ssize_t size;
	pid_t pid;

	assert_int_equal(pipe(log), 0);
	pid = fork();
	if (pid == 0) {
		dup2(log[1], STDERR_FILENO);
		sandbox_report_to(deaths.write);
		if (sandbox_enter(programs[role], paths, count) != 0)
			_exit(99);
		_exit(act());
	}
	close(log[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	size = read(log[0], said, sizeof(said) - 1);
	said[size > 0 ? size : 0] = '\0';
	close(log[0]);
	*ret_pid = pid;
	return status;
}

static int call_execve(void)
{
	return execl("/bin/true", "true", NULL);
}

static int call_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int call_ptrace(void)
{
	return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static int call_kill(void)
{
	return kill(getppid(), 0);
}

static int call_io_uring(void)
{
	return (int)syscall(425, 1, 0);
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED;
}

/* The libc's own fork may block all signals meanwhile (glibc 2.41), and then the process
 * ends without a word. */
static int call_fork(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static int change_handler(void)
{
	signal(SIGSYS, SIG_IGN);
	return errno == ENOSYS ? call_execve() : 98;
}

static int block_signal(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	return call_execve();
}

static void test_attacks_end_the_process(void **state)
{
	static const struct {
		sandboxed *act;
		const char *call;
	} cases[] = {
		{ call_execve, "execve" }, { call_open, "openat" },
		{ call_ptrace, "ptrace" }, { call_kill, "kill" },
		{ map_code, "mmap" },	   { call_io_uring, "io_uring_setup" },
		{ call_fork, "clone" },	   { change_handler, "execve" },
	};
	pid_t pid;

	(void)state;
	if (!can_filter() || sandbox_is_widened())
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[64];
		int status = run_in(SANDBOX_ASSOCIATION, NULL, 0, cases[i].act, &pid);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
		snprintf(line, sizeof(line),
			 "sandbox: denied: the association called %s, ", cases[i].call);
		if (!strstr(said, line))
			fail_msg("\"%s\" is not in: %s", line, said);
		assert_string_equal(sandbox_deaths_call(&deaths, pid), cases[i].call);
	}
	/* The kernel ends a process that doesn't want the signal; it can't say more. */
	assert_int_equal(
		WTERMSIG(run_in(SANDBOX_ASSOCIATION, NULL, 0, block_signal, &pid)),
		SIGSYS);
	assert_non_null(strstr(sandbox_deaths_call(&deaths, pid), "nobody could name"));
}

/* Another's words don't hide what a process said of its own death, and nobody's words
 * count twice. */
static void test_the_pipe_is_only_believed_of_the_dead(void **state)
{
	struct sandbox_death lie = { .pid = 4242, .call = SCMP_SYS(mount) };
	const struct sandbox_death lies[] = { lie, lie };
	pid_t pid;

	(void)state;
	if (!can_filter() || sandbox_is_widened())
		skip();
	while (write(deaths.write, &lie, sizeof(lie)) == sizeof(lie))
		continue;
	run_in(SANDBOX_ASSOCIATION, NULL, 0, call_execve, &pid);
	assert_non_null(strstr(sandbox_deaths_call(&deaths, pid), "nobody could name"));
	run_in(SANDBOX_ASSOCIATION, NULL, 0, call_execve, &pid);
	assert_int_equal(write(deaths.write, &lie, sizeof(lie)), sizeof(lie));
	assert_string_equal(sandbox_deaths_call(&deaths, pid), "execve");
	assert_string_equal(sandbox_deaths_call(&deaths, 4242), "mount");
	/* Words of another length neither hide nor shift those behind them. */
	for (size_t size = 1; size <= 2 * sizeof(lie); size += 5)
		assert_int_equal(write(deaths.write, lies, size), size);
	run_in(SANDBOX_ASSOCIATION, NULL, 0, call_execve, &pid);
	assert_string_equal(sandbox_deaths_call(&deaths, pid), "execve");
	assert_non_null(strstr(sandbox_deaths_call(&deaths, pid), "nobody could name"));
}

static int call_harmless_twice(void)
{
	for (int i = 0; i < 2; i++)
		if (syscall(440, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
			return 1;
	if (syscall(SYS_getcpu, NULL, NULL, NULL) != -1 || errno != ENOSYS)
		return 2;
	errno = 0;
	return syscall(-1) == -1 && errno == ENOSYS ? 0 : 3;
}

static void test_what_is_unknown_is_as_in_an_older_kernel(void **state)
{
	static const char of_440[] =
		"sandbox: denied: the scribe called system call 440,";
	const char *first;
	pid_t pid;
	int status;

	(void)state;
	if (!can_filter())
		skip();
	status = run_in(SANDBOX_SCRIBE, NULL, 0, call_harmless_twice, &pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	first = strstr(said, of_440);
	assert_non_null(first);
	assert_null(strstr(first + 1, of_440));
}

static int be_sent_the_signal(void)
{
	return raise(SIGUSR1); /* not SIGABRT: an attack */
}

static int abort_itself(void)
{
	abort();
}

static int break_the_heap(void)
{
	char *volatile memory = malloc(24);

	free(memory);
	free(memory);
	return 0;
}

static void test_an_abort_is_an_abort(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (!can_filter() || sandbox_is_widened())
		skip();
	status = run_in(SANDBOX_ASSOCIATION, NULL, 0, abort_itself, &pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = run_in(SANDBOX_KEEPER, NULL, 0, break_the_heap, &pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_null(strstr(said, "denied"));
	status = run_in(SANDBOX_ASSOCIATION, NULL, 0, be_sent_the_signal, &pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* Whatever libc and the loader want of a process, each role has it. */
static int do_usual_work(void)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	struct pollfd none = { .fd = -1 };
	struct timespec now;
	int *many = calloc(100000, sizeof(*many));
	unsigned char random[16];

	if (!to || !many || getentropy(random, sizeof(random)) != 0)
		return 1;
	fprintf(to, "%d %f", 1, 2.5);
	fclose(to);
	free(text);
	many = realloc(many, 8000000);
	free(many);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return poll(&none, 1, 1) == 0 ? 0 : 2;
}

static void test_usual_work_is_done(void **state)
{
	pid_t pid;

	(void)state;
	if (!can_filter())
		skip();
	for (int role = 0; role < SANDBOX_ROLES; role++) {
		int status =
			run_in((enum sandbox_role)role, NULL, 0, do_usual_work, &pid);

		if (status != 0 || said[0])
			fail_msg("%s: %x, %s", table_role_name((enum sandbox_role)role),
				 (unsigned)status, said);
	}
}

static char folder[] = "/tmp/cathgate-sandbox-XXXXXX", inside[128], outside[128];

static bool can_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool can_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int reach_for_files(void)
{
	char moved[sizeof(inside) + 4];

	snprintf(moved, sizeof(moved), "%s.new", inside);
	return can_write(inside) | can_read(inside) << 1 |
	       (rename(inside, moved) == 0 && rename(moved, inside) == 0) << 2 |
	       can_write(outside) << 3 | can_read(outside) << 4 |
	       can_read("/etc/passwd") << 5;
}

static void test_paths_alone_are_reached(void **state)
{
	const struct sandbox_path change = { folder, SANDBOX_CHANGE },
				  read = { folder, SANDBOX_READ },
				  gone = { "/nowhere/at/all", SANDBOX_CHANGE };
	pid_t pid;

	(void)state;
	if (!can_filter() || landlock_abi() < 1 || sandbox_is_widened())
		skip();
	assert_int_equal(
		WEXITSTATUS(run_in(SANDBOX_AUDITOR, &change, 1, reach_for_files, &pid)),
		7);
	assert_int_equal(
		WEXITSTATUS(run_in(SANDBOX_OBSERVER, &read, 1, reach_for_files, &pid)),
		2);
	assert_int_equal(
		WEXITSTATUS(run_in(SANDBOX_OBSERVER, &gone, 1, reach_for_files, &pid)),
		0);
}

static int look_whether_stale(void)
{
	char moved[sizeof(inside) + 4];
	int before = sandbox_is_stale();

	snprintf(moved, sizeof(moved), "%s.old", inside);
	if (rename(inside, moved) != 0)
		return 97;
	return before | sandbox_is_stale() << 1 |
	       (can_write(inside) && sandbox_is_stale()) << 2;
}

static void test_a_replaced_path_is_noticed(void **state)
{
	const struct sandbox_path paths[] = { { folder, SANDBOX_CHANGE },
					      { inside, SANDBOX_CHANGE } };
	pid_t pid;

	(void)state;
	if (!can_filter() || landlock_abi() < 1)
		skip();
	assert_true(can_write(inside));
	assert_int_equal(
		WEXITSTATUS(run_in(SANDBOX_AUDITOR, paths, 2, look_whether_stale, &pid)),
		6);
}

static int make_folder(void **state)
{
	char *made = mkdtemp(folder);

	snprintf(inside, sizeof(inside), "%s/inside", folder);
	snprintf(outside, sizeof(outside), "%s-outside", folder);
	return made && can_write(inside) && can_write(outside) &&
			       sandbox_deaths_open(&deaths) == 0
		       ? prepare(state)
		       : -1;
}

static int remove_folder(void **state)
{
	char old[sizeof(inside) + 4];

	snprintf(old, sizeof(old), "%s.old", inside);
	unlink(old);
	unlink(inside);
	unlink(outside);
	rmdir(folder);
	sandbox_deaths_close(&deaths);
	return release(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_call_beyond_the_rows),
		cmocka_unit_test(test_other_architectures_end_it),
		cmocka_unit_test(test_what_an_association_may_call),
		cmocka_unit_test(test_open_roles_have_rows_for_conditions),
		cmocka_unit_test(test_conditions_hold),
		cmocka_unit_test(test_attacks_end_the_process),
		cmocka_unit_test(test_the_pipe_is_only_believed_of_the_dead),
		cmocka_unit_test(test_what_is_unknown_is_as_in_an_older_kernel),
		cmocka_unit_test(test_an_abort_is_an_abort),
		cmocka_unit_test(test_usual_work_is_done),
		cmocka_unit_test(test_paths_alone_are_reached),
		cmocka_unit_test(test_a_replaced_path_is_noticed),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
