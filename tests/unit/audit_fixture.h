/*
 * A real auditor in a process of its own, its log in a directory that is made for each
 * test; and fdatasync in our hands: counted, held up, or failing.
 */
#ifndef AUDIT_FIXTURE_H
#define AUDIT_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cathgate/audit/auditor.h"
#include "cathgate/audit/client.h"
#include "cathgate/audit/chain.h"
#include "cathgate/base/clock.h"

#define WAIT_MS	    60000
#define ASSOCIATION "0123456789abcdef"
#define PEER	    "192.0.2.7:40000"

struct sync_hook {
	atomic_int count;
	atomic_int is_held; /* wait until this is 0 */
	atomic_int delay_us;
	atomic_int fails; /* that many */
};

struct fixture {
	char directory[64], log[96];
	struct config config;
	int control;
	pid_t auditor;
};

static struct sync_hook *sync_hook;

/* Instead of the C library's: the linker takes the program's own. */
int fdatasync(int fd)
{
	while (sync_hook && atomic_load(&sync_hook->is_held))
		usleep(1000);
	if (sync_hook) {
		usleep((useconds_t)atomic_load(&sync_hook->delay_us));
		atomic_fetch_add(&sync_hook->count, 1);
	}
	if (sync_hook && atomic_load(&sync_hook->fails) > 0) {
		atomic_fetch_sub(&sync_hook->fails, 1);
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	sync_hook = mmap(NULL, sizeof(*sync_hook), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!fixture || sync_hook == MAP_FAILED)
		return -1;
	strcpy(fixture->directory, "/tmp/test-audit-XXXXXX");
	if (!mkdtemp(fixture->directory))
		return -1;
	snprintf(fixture->log, sizeof(fixture->log), "%s/audit.jsonl",
		 fixture->directory);
	fixture->config.gateway_name = "cathlab-3";
	fixture->config.audit.file.path = fixture->log;
	fixture->config.audit.patient_id = CONFIG_PATIENT_OMIT;
	fixture->config.audit.checkpoint_records = 1000;
	fixture->config.audit.checkpoint_seconds = 300;
	fixture->config.audit.rotate_bytes = 268435456;
	fixture->config.audit.rotate_hours = 24;
	fixture->control = -1;
	*state = fixture;
	return 0;
}

static inline int remove_one(const char *path, const struct stat *status, int kind,
			     struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	if (fixture->auditor > 0) {
		kill(fixture->auditor, SIGKILL);
		waitpid(fixture->auditor, NULL, 0);
	}
	if (fixture->control >= 0)
		close(fixture->control);
	nftw(fixture->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	munmap(sync_hook, sizeof(*sync_hook));
	sync_hook = NULL;
	free(fixture);
	return 0;
}

/* As if there had never been one. */
static inline int forget_log(const struct fixture *fixture)
{
	char note[128];
	snprintf(note, sizeof(note), "%s/audit.checkpoint", fixture->directory);
	return unlink(note) | unlink(fixture->log);
}

/* The next word on the control socket, or 0 when none comes. */
static inline char next_word(struct fixture *fixture)
{
	struct pollfd poll_one = { .fd = fixture->control, .events = POLLIN };
	char word = 0;
	while (poll(&poll_one, 1, WAIT_MS) == 1) {
		ssize_t size = recv(fixture->control, &word, 1, MSG_TRUNC);

		if (size == sizeof(struct audit_figures))
			continue;
		return size == 1 ? word : 0;
	}
	return 0;
}

/* Starts an auditor; its log goes to a file beside the audit log. */
static inline void fork_auditor(struct fixture *fixture)
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	fixture->auditor = fork();
	assert_true(fixture->auditor >= 0);
	if (fixture->auditor == 0) {
		char errors[128];
		snprintf(errors, sizeof(errors), "%s/errors", fixture->directory);
		close(ends[0]);
		dup2(open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
		exit(auditor_run(ends[1], &fixture->config, NULL));
	}
	close(ends[1]);
	fixture->control = ends[0];
}

static inline void start_auditor(struct fixture *fixture)
{
	fork_auditor(fixture);
	assert_int_equal(next_word(fixture), AUDIT_READY);
}

/* As the supervisor does at its start. The record waits for the auditor, however slow the
 * machine: an auditor that has waited too long for it tells alone what it found. */
static inline void start_auditor_with(struct fixture *fixture,
				      const struct audit_record *record)
{
	fork_auditor(fixture);
	assert_int_equal(audit_tell(fixture->control, NULL, record), 0);
	assert_int_equal(next_word(fixture), AUDIT_READY);
}

/* Waits for the auditor's own end; returns its exit status, -1 when it was killed. */
static inline int end_of_auditor(struct fixture *fixture)
{
	int status;
	if (fixture->control >= 0)
		close(fixture->control);
	fixture->control = -1;
	assert_int_equal(waitpid(fixture->auditor, &status, 0), fixture->auditor);
	fixture->auditor = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A whole file, NUL-terminated, freed by the caller; "" when there is none. */
static inline char *read_file(const char *path)
{
	size_t size = 0;
	char *text = calloc(1, 1);
	FILE *file = fopen(path, "re");
	for (int c; file && (c = getc(file)) != EOF;) {
		if ((size & 4095) == 0)
			text = realloc(text, size + 4097);
		text[size++] = (char)c;
	}
	text[size] = '\0';
	if (file)
		fclose(file);
	return text;
}

static inline size_t count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

/* A file that is a chain from `from` on, whole; returns where it ends. */
static inline struct chain assert_chain(const char *path, struct chain from)
{
	struct digest *digest = digest_new();
	char *log = read_file(path);
	for (char *at = log, *end; *at; at = end + 1) {
		struct chain_line line;
		end = strchr(at, '\n');
		if (!end || chain_read(digest, at, (size_t)(end - at), &line) ||
		    !chain_follows(&from, &line))
			fail_msg("%s: this does not go on from the line before:\n%.300s",
				 path, at);
		from = chain_behind(&line);
	}
	free(log);
	digest_free(digest);
	return from;
}

/* The log's lines without their seals, and without checkpoints; freed by the caller. */
static inline char *read_plain(const struct fixture *fixture)
{
	char *log = read_file(fixture->log), *to = log;
	for (char *at = log, *end; *at; at = end + 1) {
		char *seal = strstr(at, ",\"prev\":");
		end = strchr(at, '\n');
		if (!end || !seal || seal > end)
			fail_msg("this is not sealed: %.300s", at);
		if (memmem(at, (size_t)(end - at), "\"event\":\"checkpoint\"", 20))
			continue;
		memmove(to, at, (size_t)(seal - at));
		to = stpcpy(to + (seal - at), "}\n");
	}
	*to = '\0';
	return log;
}

/* Checks that the log has exactly these lines, checkpoints left aside: each chained,
 * numbered, timed and named, and between that and `prev` exactly the text given. */
static inline void assert_log(const struct fixture *fixture, const char *const *expected,
			      size_t count)
{
	assert_chain(fixture->log, (struct chain){ .next_seq = 0 });
	char *log = read_file(fixture->log), *at = log;
	size_t i = 0, number = 0;
	for (char *end; *at; at = end + 1) {
		char head[32];
		end = strchr(at, '\n');
		*strstr(at, ",\"prev\":") = '\0';
		int head_size = snprintf(head, sizeof(head), "{\"seq\":%zu,\"time\":\"",
					 number++);
		if (strncmp(at, head, (size_t)head_size) != 0)
			fail_msg("line %zu: %s", i, at);
		at += head_size + (int)UTC_TEXT_SIZE - 1;
		const char node[] = "\",\"node\":\"cathlab-3\",\"event\":";
		if (strncmp(at, node, sizeof(node) - 1) != 0)
			fail_msg("line %zu: %s", i, at);
		at += sizeof(node) - 1;
		if (strncmp(at, "\"checkpoint\"", 12) == 0)
			continue;
		if (i == count)
			fail_msg("one line too many: %s", at);
		size_t length = strlen(at); /* what is expected ends with a brace */
		if (strncmp(at, expected[i], length) != 0 ||
		    strcmp(expected[i] + length, "}") != 0)
			fail_msg("line %zu:\n%s\nis not\n%s", i, at, expected[i]);
		i++;
	}
	if (i < count)
		fail_msg("only %zu lines", i);
	free(log);
}

#define ASSERT_LOG(fixture, ...)                                                 \
	do {                                                                     \
		static const char *const lines_[] = { __VA_ARGS__ };             \
		assert_log(fixture, lines_, sizeof(lines_) / sizeof(lines_[0])); \
	} while (0)

static inline struct audit_record record_of(enum audit_event event,
					    enum audit_outcome outcome)
{
	struct audit_record record;
	audit_record_init(&record);
	record.event = event;
	record.outcome = outcome;
	return record;
}

static inline enum audit_taken submit(int line, enum audit_event event,
				      enum audit_outcome outcome)
{
	struct audit_record record = record_of(event, outcome);
	return audit_submit(line, &record, WAIT_MS);
}

static inline int open_line(struct fixture *fixture)
{
	int line = audit_channel_open(fixture->control, ASSOCIATION, PEER);
	assert_true(line >= 0);
	return line;
}

/* How many descriptors a process holds. */
static inline size_t open_descriptors(pid_t pid)
{
	char path[64];
	size_t count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* Whether a file whose name begins so is in the log's directory. */
static inline bool has_beside(const struct fixture *fixture, const char *begin)
{
	DIR *directory = opendir(fixture->directory);
	bool is_found = false;
	for (struct dirent *entry; (entry = readdir(directory));)
		is_found |= strncmp(entry->d_name, begin, strlen(begin)) == 0;
	closedir(directory);
	return is_found;
}

/* A gateway's start, of two lines: with a checkpoint behind it. */
static inline void start_and_stop(struct fixture *fixture)
{
	struct audit_record record = record_of(AUDIT_START, AUDIT_NO_OUTCOME);
	start_auditor_with(fixture, &record);
	assert_int_equal(end_of_auditor(fixture), 0);
}

#endif
