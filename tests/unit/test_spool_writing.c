/* Goal: whichever call of the sealer fails, or is the last, the file is no object; its
 * header comes last; short and interrupted writes are gone on with; a sealer whose object
 * is done holds no key; and none of the spool's functions opens a file once OpenSSL was
 * made ready. */
#include "spool_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "cathgate/spool/name.h"

#define WHOLE (20 * SPOOL_SEGMENT_SIZE + 700)

/* What the sealer calls, and how it goes: see __wrap_pwrite and the others below. */
enum call { WRITES_NOTHING, WRITES_SEGMENT, WRITES_HEADER, CUTS, WRITES_OUT };

static struct {
	unsigned fails_at;   /* number of the call that fails, from 1; 0: none */
	size_t most;	     /* bytes that a write takes; 0: all */
	unsigned interrupts; /* so many more writes are interrupted first */
	unsigned count;
	enum call calls[4096];
} way;

ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t at);
int __real_ftruncate(int fd, off_t size);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_sync_file_range(int fd, off_t at, off_t size, unsigned flags);

static bool fails(enum call call)
{
	way.calls[way.count++ % LENGTH(way.calls)] = call;
	errno = ENOSPC;
	return way.count == way.fails_at;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	if (fails(at > 0		 ? WRITES_SEGMENT
		  : *(const char *)bytes ? WRITES_HEADER
					 : WRITES_NOTHING))
		return -1;
	if (way.interrupts > 0) {
		way.interrupts--;
		errno = EINTR;
		return -1;
	}
	if (way.most > 0 && size > way.most)
		size = way.most;
	return __real_pwrite(fd, bytes, size, at);
}

int __wrap_ftruncate(int fd, off_t size)
{
	return fails(CUTS) ? -1 : __real_ftruncate(fd, size);
}

/* It never works here, and that matters to nobody. */
int __wrap_sync_file_range(int fd, off_t at, off_t size, unsigned flags)
{
	(void)fd;
	assert_int_equal(at % 4096, 0);
	assert_int_equal(size % 4096, 0);
	assert_true(size >= 128 * 1024 && size <= 1024 * 1024);
	assert_int_equal(flags, SYNC_FILE_RANGE_WRITE);
	(void)fails(WRITES_OUT);
	errno = ENOSYS;
	return -1;
}

static void begin_way(unsigned fails_at)
{
	memset(&way, 0, sizeof(way));
	way.fails_at = fails_at;
}

static void the_header_comes_last(void **state)
{
	struct spool_fixture fixture;
	uint8_t *bytes = some_bytes(WHOLE);
	unsigned written_out = 0;
	int fd = memory_file();

	(void)state;
	spool_fixture_open(&fixture);
	begin_way(0);
	seal_object(&fixture, fd, bytes, 100, WHOLE - 100);
	assert_int_equal(way.calls[0], WRITES_NOTHING);
	for (unsigned i = 1; i < way.count - 2; i++) {
		assert_true(way.calls[i] == WRITES_SEGMENT || way.calls[i] == WRITES_OUT);
		written_out += way.calls[i] == WRITES_OUT;
	}
	assert_int_equal(written_out, 2);
	assert_int_equal(way.count, 1 + 21 + 2 + 2);
	assert_int_equal(way.calls[way.count - 2], CUTS);
	assert_int_equal(way.calls[way.count - 1], WRITES_HEADER);
	assert_opens(fd, fixture.key, bytes, WHOLE);
	spool_fixture_close(&fixture);
	free(bytes);
	close(fd);
}

static void each_call_may_fail(void **state)
{
	struct spool_fixture fixture;
	uint8_t *bytes = some_bytes(WHOLE), header[DIGEST_SIZE];
	struct spool_metadata metadata = metadata_of(bytes, 100, WHOLE - 100);
	int fd = memory_file();
	unsigned count, failed = 0;

	(void)state;
	spool_fixture_open(&fixture);
	begin_way(0);
	seal_object(&fixture, fd, bytes, 100, WHOLE - 100);
	count = way.count;
	for (unsigned i = 1; i <= count; i++) {
		/* Into a file that holds an older object: it is there until the first
		 * write, which ends it. */
		begin_way(i);
		if (seal_pieces(&fixture, fd, bytes, &metadata, 30000, header) == 0) {
			assert_int_equal(way.calls[i - 1], WRITES_OUT);
			continue;
		}
		failed++;
		assert_int_equal(errno, ENOSPC);
		assert_int_equal(way.count, i);
		if (i == 1)
			assert_opens(fd, fixture.key, bytes, WHOLE);
		else
			assert_int_equal(open_object(fd, fixture.key, "pacs").fault,
					 SPOOL_TORN);
	}
	assert_int_equal(failed, count - 2);
	begin_way(0);
	seal_object(&fixture, fd, bytes, 100, WHOLE - 100);
	assert_opens(fd, fixture.key, bytes, WHOLE);
	spool_fixture_close(&fixture);
	free(bytes);
	close(fd);
}

static void short_writes_are_gone_on_with(void **state)
{
	struct spool_fixture fixture;
	uint8_t *bytes = some_bytes(WHOLE);
	int fd = memory_file();

	(void)state;
	spool_fixture_open(&fixture);
	begin_way(0);
	way.most = 4095;
	way.interrupts = 100;
	seal_object(&fixture, fd, bytes, 100, WHOLE - 100);
	begin_way(0);
	assert_opens(fd, fixture.key, bytes, WHOLE);
	spool_fixture_close(&fixture);
	free(bytes);
	close(fd);
}

/* A real limit, wherever it falls. */
static void a_full_disk_leaves_no_object(void **state)
{
	static const rlim_t limits[] = { 0,	100,   4095,   4096,	4097,	69000,
					 69648, 69649, 300000, 1000000, 1315836 };
	struct spool_fixture fixture;
	uint8_t *bytes = some_bytes(WHOLE), header[DIGEST_SIZE];
	struct spool_metadata metadata = metadata_of(bytes, 100, WHOLE - 100);
	struct rlimit was, limit;

	(void)state;
	begin_way(0);
	spool_fixture_open(&fixture);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (size_t i = 0; i < LENGTH(limits); i++) {
		int fd = memory_file(), result;

		limit = was;
		limit.rlim_cur = limits[i];
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		result = seal_pieces(&fixture, fd, bytes, &metadata, WHOLE, header);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_int_equal(result, -1);
		assert_int_equal(errno, EFBIG);
		assert_int_equal(open_object(fd, fixture.key, "pacs").fault, SPOOL_TORN);
		close(fd);
	}
	spool_fixture_close(&fixture);
	free(bytes);
}

static void what_is_no_file_is_refused(void **state)
{
	struct spool_fixture fixture;
	int ends[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	begin_way(0);
	spool_fixture_open(&fixture);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(spool_sealer_begin(fixture.sealer, ends[1], "pacs"), -1);
	assert_int_equal(errno, ESPIPE);
	assert_int_equal(spool_sealer_begin(fixture.sealer, null, "pacs"), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(spool_sealer_add(fixture.sealer, "", 1), -1);
	assert_int_equal(open_object(ends[0], fixture.key, "pacs").fault, SPOOL_FAILED);
	close(ends[0]);
	close(ends[1]);
	close(null);
	spool_fixture_close(&fixture);
}

/*
 * Keys in memory. A child seals, and its memory is looked through from outside: the
 * parent learns the object's key, by the private one, only after it has taken copies.
 */

struct copy {
	uint8_t *bytes;
	size_t size;
};

#define AREA_MAX (8UL << 20) /* larger ones are a sanitizer's own */

/* All that a process can write to; false where this may not be read. */
static bool copy_memory(pid_t pid, struct copy *ret)
{
	char path[64], line[512];
	unsigned long begin, end;
	FILE *maps;
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	*ret = (struct copy){ .size = 0 };
	while (memory >= 0 && maps && fgets(line, sizeof(line), maps)) {
		ssize_t got;

		if (sscanf(line, "%lx-%lx rw", &begin, &end) != 2 ||
		    !strstr(line, " rw") || strstr(line, "[v") || end - begin > AREA_MAX)
			continue;
		ret->bytes = realloc(ret->bytes, ret->size + (end - begin));
		assert_non_null(ret->bytes);
		got = pread(memory, ret->bytes + ret->size, end - begin, (off_t)begin);
		if (got > 0)
			ret->size += (size_t)got;
	}
	if (maps)
		fclose(maps);
	if (memory >= 0)
		close(memory);
	return ret->size > 0;
}

static bool holds(const struct copy *copy, const void *secret, size_t size)
{
	return memmem(copy->bytes, copy->size, secret, size) != NULL;
}

/* The child's stages: an object in hand, finished, another dropped. */
static void seal_in_stages(const struct spool_public *to, int fd, const uint8_t *bytes,
			   const struct spool_metadata *metadata)
{
	struct spool_sealer *sealer = spool_sealer_new(to);
	uint8_t header[DIGEST_SIZE];

	if (!sealer || spool_sealer_begin(sealer, fd, "pacs") != 0 ||
	    spool_sealer_add(sealer, bytes, WHOLE) != 0)
		_exit(1);
	raise(SIGSTOP);
	if (spool_sealer_finish(sealer, metadata, header) != 0)
		_exit(1);
	raise(SIGSTOP);
	_exit(0);
}

static void wait_stopped(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

static void no_key_stays(void **state)
{
	struct spool_fixture fixture;
	uint8_t *bytes = some_bytes(WHOLE);
	struct spool_metadata metadata = metadata_of(bytes, 100, WHOLE - 100);
	struct spool_opener *opener;
	struct spool_front front;
	struct spool_secret secret;
	struct copy before, after;
	int fd = memory_file(), status;
	bool may;
	pid_t pid;

	(void)state;
	begin_way(0);
	spool_fixture_open(&fixture);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		seal_in_stages(&fixture.to, fd, bytes, &metadata);
	wait_stopped(pid);
	may = copy_memory(pid, &before);
	kill(pid, SIGCONT);
	wait_stopped(pid);
	may = may && copy_memory(pid, &after);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	if (!may)
		skip();
	assert_int_equal(spool_opener_new(fd, &opener), SPOOL_GOOD);
	spool_opener_front(opener, &front);
	assert_int_equal(spool_decapsulate(fixture.key, front.enc, front.enc_size, "pacs",
					   &secret),
			 0);
	assert_true(holds(&before, secret.key, sizeof(secret.key)));
	assert_true(holds(&before, secret.nonce, sizeof(secret.nonce)));
	assert_false(holds(&after, secret.key, sizeof(secret.key)));
	assert_false(holds(&after, secret.key, sizeof(secret.key) / 2));
	assert_false(holds(&after, secret.nonce, sizeof(secret.nonce)));
	spool_opener_free(opener);
	spool_fixture_close(&fixture);
	free(before.bytes);
	free(after.bytes);
	free(bytes);
	close(fd);
}

/* From here on, a process that opens a file dies. */
static bool forbid_files(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { LENGTH(filter), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define NO_FILTERS 77

static void live_without_files(int fd)
{
	struct spool_fixture fixture;
	struct spool_names_key names_key;
	struct spool_name name = { .sequence = 1 };
	char text[SPOOL_NAME_SIZE];
	uint8_t *bytes = some_bytes(100000), tag[SPOOL_LONG_TAG];
	const void *const texts[] = { "pacs" };
	pid_t pid;
	int status;

	spool_init();
	pid = fork(); /* as a parent that made things ready for its children */
	if (pid == 0) {
		if (!forbid_files())
			_exit(NO_FILTERS);
		spool_fixture_open(&fixture);
		seal_object(&fixture, fd, bytes, 100, 100000 - 100);
		assert_opens(fd, fixture.key, bytes, 100000);
		assert_int_equal(spool_names_key_of(fixture.key, &names_key), 0);
		assert_int_equal(spool_tag(&names_key, "study", texts, (size_t[]){ 4 }, 1,
					   tag, sizeof(tag)),
				 0);
		assert_int_equal(spool_name_write(&name, &names_key, text), 0);
		assert_true(spool_name_read(text, &names_key, &name));
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		_exit(1);
	_exit(WEXITSTATUS(status));
}

static void no_file_is_opened(void **state)
{
	int fd = memory_file(), status;
	pid_t pid = fork();

	(void)state;
	begin_way(0);
	assert_true(pid >= 0);
	if (pid == 0)
		live_without_files(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_FILTERS)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_is_opened), /* before this one knows OpenSSL */
		cmocka_unit_test(the_header_comes_last),
		cmocka_unit_test(each_call_may_fail),
		cmocka_unit_test(short_writes_are_gone_on_with),
		cmocka_unit_test(a_full_disk_leaves_no_object),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(no_key_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
