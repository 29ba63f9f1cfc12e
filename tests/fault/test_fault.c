/*
 * Goal: an auditor whose N-th write, sync, rename or other change of a file fails, or
 * that dies there, alone or with all others or with the power, loses no record that it
 * answered for; for N = 1, 2, … until a run passes unhurt, and in every way (a third of
 * them under sanitizers).
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/read/log_listing.h"
#include "cathgate/audit/auditor.h"
#include "cathgate/audit/client.h"
#include "cathgate/audit/chain.h"
#include "fault.h"

#define WAIT_MS	    60000
#define ASSOCIATION "0123456789abcdef"
#define PEER	    "192.0.2.7:40000"
#define OBJECTS	    5
#define TORN	    "{\"seq\":9,\"time\":\"20"

enum told { TOLD_NOTHING, TOLD_SUCCESS, TOLD_FAILURE };

struct run {
	const char *how_word;
	unsigned step;
	enum fault_how how;
	char directory[64], log[96];
	struct config config;
	int control;
	pid_t auditor;
	int line;
	bool has_started; /* its start was told of */
	enum told told[OBJECTS];
	unsigned faults; /* found in the end */
	char *lines;	 /* all that counts, one after the other */
	char *broken;	 /* what the log held, where somebody had changed it; or NULL */
};

static struct fault_orders *orders;

static const char *const how_words[FAULT_HOW_COUNT] = {
	"nothing",     "EIO",	      "ENOSPC",	      "half a write",
	"kill before", "kill after",  "kill in half", "group before",
	"group after", "power, torn", "power, zeros", "taken back",
};

static bool is_group(enum fault_how how)
{
	return how >= FAULT_GROUP_BEFORE;
}

static int remove_one(const char *path, const struct stat *status, int kind,
		      struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

__attribute__((format(printf, 2, 3))) static void fault(struct run *run,
							const char *format, ...)
{
	va_list arguments;
	fprintf(stderr, "%s at step %u: ", run->how_word, run->step);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	run->faults++;
}

static void fork_auditor(struct run *run, bool is_faulty)
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	run->auditor = fork();
	assert_true(run->auditor >= 0);
	if (run->auditor == 0) {
		char errors[128];
		setpgid(0, 0);
		snprintf(errors, sizeof(errors), "%s.errors", run->directory);
		close(ends[0]);
		if (run->control >= 0)
			close(run->control);
		if (run->line >= 0)
			close(run->line);
		dup2(open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
		fault_orders = is_faulty ? orders : NULL;
		_exit(auditor_run(ends[1], &run->config, NULL));
	}
	close(ends[1]);
	run->control = ends[0];
}

static bool is_ready(struct run *run)
{
	struct pollfd poll_one = { .fd = run->control, .events = POLLIN };
	char word = 0;
	return poll(&poll_one, 1, WAIT_MS) == 1 && recv(run->control, &word, 1, 0) == 1 &&
	       word == AUDIT_READY;
}

static void reap(struct run *run)
{
	if (run->control >= 0)
		close(run->control);
	run->control = -1;
	waitpid(run->auditor, NULL, 0);
}

static void tell(struct run *run, enum audit_event event)
{
	struct audit_record record;
	audit_record_init(&record);
	record.event = event;
	audit_tell(run->control, NULL, &record);
}

/* As the supervisor does: until one is ready. */
static void start(struct run *run, bool is_faulty)
{
	for (int try = 0; try < 5; try++) {
		fork_auditor(run, is_faulty);
		if (is_ready(run)) {
			if (!run->has_started)
				tell(run, AUDIT_START);
			run->has_started = true;
			return;
		}
		reap(run);
	}
	fault(run, "no auditor gets ready");
}

static struct audit_record object(int number, enum audit_outcome outcome)
{
	struct audit_record record;
	audit_record_init(&record);
	record.event = AUDIT_INSTANCE;
	record.outcome = outcome;
	record.status = 0;
	snprintf(record.sop_instance, sizeof(record.sop_instance), "1.2.%d", number);
	return record;
}

/* The auditor died: its successor is told what the association knows. */
static void go_on(struct run *run, struct audit_record *record)
{
	struct audit_record association;
	enum audit_taken taken;
	audit_record_init(&association);
	association.event = AUDIT_ASSOCIATION;
	association.outcome = AUDIT_ACCEPTED;
	reap(run);
	close(run->line);
	run->line = -1;
	start(run, true);
	run->line = audit_channel_renew(run->control, ASSOCIATION, PEER);
	if (audit_announce(run->line, &association) != 0)
		fault(run, "the successor died before it was told");
	audit_record_doubt(record);
	taken = audit_submit(run->line, record, WAIT_MS);
	if (taken == AUDIT_SLOW || taken == AUDIT_GONE)
		fault(run, "the successor died, too");
}

static void store(struct run *run, int number)
{
	struct audit_record record = object(number, AUDIT_FORWARDED);
	enum audit_taken taken;
	/* Submitting finds out if the auditor has died. */
	(void)!audit_begin(run->line, &record);
	(void)!audit_last_fragment(run->line);
	taken = audit_submit(run->line, &record, WAIT_MS);
	if (taken == AUDIT_DURABLE) {
		run->told[number] = TOLD_SUCCESS;
		return;
	}
	run->told[number] = TOLD_FAILURE;
	if (taken == AUDIT_KEPT || taken == AUDIT_COUNTED)
		return;
	if (is_group(run->how)) {
		/* All are dead, and so is who would have told it. */
		run->told[number] = TOLD_NOTHING;
		reap(run);
		close(run->line);
		run->line = -1;
		run->has_started = false;
		start(run, true);
		run->line = audit_channel_open(run->control, ASSOCIATION, PEER);
		return;
	}
	go_on(run, &record);
}

static void day(struct run *run)
{
	start(run, true);
	run->line = audit_channel_open(run->control, ASSOCIATION, PEER);
	for (int i = 0; i < OBJECTS; i++)
		store(run, i);
	close(run->line);
	run->line = -1;
	tell(run, AUDIT_STOP);
	reap(run);
	/* The next day, with nothing in the way. */
	run->has_started = false;
	start(run, false);
	tell(run, AUDIT_STOP);
	reap(run);
}

static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat status;
	assert_true(fd >= 0 && fstat(fd, &status) == 0);
	char *text = calloc(1, (size_t)status.st_size + 1);
	assert_int_equal(read(fd, text, (size_t)status.st_size), status.st_size);
	close(fd);
	return text;
}

/* After a failed sync a file may hold more than counts; the next one says so. */
static const char *skip_to(struct digest *digest, const char *log,
			   const struct chain_line *next, struct chain *chain)
{
	const char *at = log;
	for (const char *end; (end = strchr(at, '\n')); at = end + 1) {
		struct chain_line line;
		if (line.seq = 0, chain_read(digest, at, (size_t)(end - at), &line))
			return NULL;
		if (line.seq + 1 != next->seq)
			continue;
		*chain = chain_behind(&line);
		return end + 1;
	}
	return NULL;
}

static void check_file(struct run *run, struct digest *digest, const char *path,
		       struct chain *chain, char **ret_last)
{
	char *log = slurp(path);
	for (char *at = log, *end; *at; at = end + 1) {
		struct chain_line line;
		end = strchr(at, '\n');
		if (!end || chain_read(digest, at, (size_t)(end - at), &line)) {
			fault(run, "%s: no line: %.100s", path, at);
			break;
		}
		if (at == log && *ret_last && !chain_follows(chain, &line) &&
		    memmem(at, (size_t)(end - at), "\"audit-unavailable\"", 19)) {
			const char *cut = skip_to(digest, *ret_last, &line, chain);
			if (cut)
				run->lines[strlen(run->lines) - strlen(cut)] = '\0';
		}
		if (!chain_follows(chain, &line)) {
			fault(run, "%s: it does not go on: %.200s", path, at);
			break;
		}
		*chain = chain_behind(&line);
	}
	run->lines = realloc(run->lines, strlen(run->lines) + strlen(log) + 1);
	strcat(run->lines, log);
	free(*ret_last);
	*ret_last = log;
}

static void check_chain(struct run *run)
{
	struct log_rotated *list;
	size_t count;
	struct chain chain = { .next_seq = 0 };
	struct digest *digest = digest_new();
	char *last = NULL;
	run->lines = calloc(1, 1);
	assert_int_equal(log_rotated_list(run->log, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		char path[LOG_NAME_SIZE];
		log_name_rotated(path, run->log, &list[i], ".jsonl");
		check_file(run, digest, path, &chain, &last);
	}
	check_file(run, digest, run->log, &chain, &last);
	free(last);
	free(list);
	digest_free(digest);
}

/* The last line of an object, or NULL. */
static const char *last_line(const struct run *run, int number)
{
	char instance[64];
	const char *found = NULL;
	snprintf(instance, sizeof(instance), "\"sop_instance\":\"1.2.%d\"", number);
	for (const char *at = run->lines; (at = strstr(at, instance)); at++)
		found = at;
	while (found && found > run->lines && found[-1] != '\n')
		found--;
	return found;
}

static void check_objects(struct run *run)
{
	for (int i = 0; i < OBJECTS; i++) {
		const char *line = last_line(run, i);
		bool is_forwarded =
			line && memmem(line, strcspn(line, "\n"), "\"forwarded\"", 11);
		if (run->told[i] == TOLD_SUCCESS && !is_forwarded)
			fault(run, "object %d was acknowledged, and its record is %.150s",
			      i, line ? line : "nowhere");
		/* The power can take it before it is written anew. */
		bool is_lost = !line && run->how != FAULT_TAKEN_BACK;
		if (run->told[i] == TOLD_FAILURE && (is_lost || is_forwarded))
			fault(run,
			      "object %d was told a failure, and its record is %.150s", i,
			      line ? line : "nowhere");
	}
}

/* All that the changed log held is in one of the files beside it, and told of. */
static void check_broken(struct run *run)
{
	bool is_kept = false;
	DIR *directory = opendir(run->directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		char path[400];
		snprintf(path, sizeof(path), "%s/%s", run->directory, entry->d_name);
		if (strncmp(entry->d_name, "audit.broken-", 13) != 0)
			continue;
		char *text = slurp(path);
		is_kept |= strcmp(text, run->broken) == 0;
		free(text);
	}
	closedir(directory);
	if (!is_kept)
		fault(run, "the broken log is kept nowhere");
	if (!strstr(run->lines, "\"reason\":\"audit-broken\""))
		fault(run, "nobody tells of the broken log");
}

static void check_names(struct run *run)
{
	DIR *directory = opendir(run->directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (strncmp(entry->d_name, "audit.torn-", 11) == 0 &&
		    !strstr(run->lines, entry->d_name))
			fault(run, "%s is named nowhere", entry->d_name);
		if ((!run->broken && strncmp(entry->d_name, "audit.broken", 12) == 0) ||
		    strcmp(entry->d_name, "audit.breaking") == 0)
			fault(run, "%s: a log that nobody broke", entry->d_name);
	}
	closedir(directory);
}

/* A log whose last auditor died in the midst of a line, or one that somebody changed. */
static void spoil(struct run *run, bool is_broken)
{
	int fd = open(run->log, O_RDWR | O_APPEND);
	if (is_broken) {
		close(fd);
		fd = open(run->log, O_RDWR);
		assert_int_equal(pwrite(fd, "9", 1, 20), 1);
		run->broken = slurp(run->log);
	} else
		assert_int_equal(write(fd, TORN, strlen(TORN)), strlen(TORN));
	close(fd);
}

static void prepare(struct run *run, bool is_broken)
{
	strcpy(run->directory, access("/dev/shm", W_OK) ? "/tmp/test-fault-XXXXXX"
							: "/dev/shm/test-fault-XXXXXX");
	assert_non_null(mkdtemp(run->directory));
	snprintf(run->log, sizeof(run->log), "%s/audit.jsonl", run->directory);
	run->config.gateway_name = "cathlab-3";
	run->config.audit.file.path = run->log;
	run->config.audit.patient_id = CONFIG_PATIENT_OMIT;
	run->config.audit.checkpoint_records = 3;
	run->config.audit.checkpoint_seconds = 300;
	run->config.audit.rotate_bytes = 2500;
	run->config.audit.rotate_hours = 24;
	run->control = run->line = -1;
	fork_auditor(run, false);
	assert_true(is_ready(run));
	tell(run, AUDIT_START);
	reap(run);
	spoil(run, is_broken);
	snprintf(orders->directory, sizeof(orders->directory), "%s/", run->directory);
}

static void clean(struct run *run)
{
	char errors[128];
	snprintf(errors, sizeof(errors), "%s.errors", run->directory);
	if (run->faults && getenv("FAULT_KEEP"))
		fprintf(stderr, "kept: %s\n", run->directory);
	else
		nftw(run->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	if (!run->faults || !getenv("FAULT_KEEP"))
		remove(errors);
	free(run->lines);
	free(run->broken);
}

/* Whether the fault came at all. */
static bool try_step(enum fault_how how, bool is_broken, unsigned step, unsigned *faults)
{
	struct run run = { .how = how, .how_word = how_words[how], .step = step };
	prepare(&run, is_broken);
	atomic_store(&orders->step, 0);
	atomic_store(&orders->fired, 0);
	orders->fire_at = step;
	orders->how = how;
	day(&run);
	check_chain(&run);
	check_objects(&run);
	check_names(&run);
	if (is_broken)
		check_broken(&run);
	*faults += run.faults;
	clean(&run);
	return atomic_load(&orders->fired);
}

/* Sanitizers make a fork dear. */
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 3U
#else
#define STRIDE 1U
#endif

static void each_step(enum fault_how how)
{
	unsigned faults = 0;
	for (int is_broken = 0; is_broken < 2; is_broken++) {
		unsigned step = 1 + (unsigned)how % STRIDE;
		while (try_step(how, is_broken, step, &faults))
			step += STRIDE;
		assert_true(step > 40); /* or it doesn't reach what it should */
		print_message("%s: %u steps\n", how_words[how], step - 1);
	}
	assert_int_equal(faults, 0);
}

static void one_way(void **state)
{
	each_step(*(const enum fault_how *)*state);
}

int main(int count, char **arguments)
{
	static enum fault_how hows[FAULT_HOW_COUNT];
	struct CMUnitTest tests[FAULT_HOW_COUNT];
	orders = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (count == 4) { /* one way, one step: to look at */
		unsigned faults = 0;
		try_step((enum fault_how)atoi(arguments[1]), atoi(arguments[2]) != 0,
			 (unsigned)atoi(arguments[3]), &faults);
		return faults > 0;
	}
	for (int i = FAULT_EIO; i < FAULT_HOW_COUNT; i++) {
		hows[i] = (enum fault_how)i;
		tests[i - 1] = (struct CMUnitTest){ .name = how_words[i],
						    .test_func = one_way,
						    .initial_state = &hows[i] };
	}
	return _cmocka_run_group_tests("fault", tests, FAULT_HOW_COUNT - 1, NULL, NULL);
}
