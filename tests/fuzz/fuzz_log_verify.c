#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cathgate/audit/log_verify.h"
#include "fuzz.h"

static const struct checkpoint given = { .origin = "cathgate/n/0", .size = 1 };

/* What the scan says must be so by the bytes themselves. */
static void check(const uint8_t *bytes, size_t size, const struct log_verify_file *file,
		  bool is_given)
{
	const struct log_verify_fault *fault = &file->fault;
	uint64_t lines = 0;
	for (size_t i = 0; i < file->size; i++)
		lines += bytes[i] == '\n';
	FUZZ_REQUIRE(file->size <= size);
	FUZZ_REQUIRE(lines == file->lines && file->tree.size == file->lines);
	FUZZ_REQUIRE(file->lines == 0 || bytes[file->size - 1] == '\n');
	FUZZ_REQUIRE(file->checkpoints <= file->lines);
	FUZZ_REQUIRE(strlen(file->first_time) < UTC_TEXT_SIZE);
	FUZZ_REQUIRE(strlen(file->last_time) < UTC_TEXT_SIZE);
	FUZZ_REQUIRE(strlen(fault->why) < sizeof(fault->why));
	FUZZ_REQUIRE((fault->kind == LOG_VERIFY_NO_FAULT) == (fault->why[0] == '\0'));
	FUZZ_REQUIRE(fault->offset <= size);
	if (fault->kind == LOG_VERIFY_NO_FAULT)
		FUZZ_REQUIRE(file->size == size && (!is_given || file->lines > 1));
	else
		FUZZ_REQUIRE(fault->line >= 1 && fault->line <= file->lines + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct chain fork = { .next_seq = 2 }, from = { .next_seq = 0 };
	const struct log_verify_options options[] = {
		{ .fork = NULL },
		{ .checkpoints = &given, .checkpoint_count = 1, .fork = &fork },
		{ .from = &from },
	};
	int fd = memfd_create("log", MFD_CLOEXEC);
	FUZZ_REQUIRE(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct log_verify_file file;
		FUZZ_REQUIRE(log_verify_scan(fd, &options[i], &file) == 0);
		check(bytes, size, &file, options[i].checkpoint_count > 0);
	}
	struct checkpoint note;
	if (checkpoint_read_note((const char *)bytes, size, &note) == 0) {
		char again[CHECKPOINT_TEXT_SIZE];
		FUZZ_REQUIRE(checkpoint_note(&note, again) == size &&
			     memcmp(again, bytes, size) == 0);
	}
	close(fd);
	return 0;
}
