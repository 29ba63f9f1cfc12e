/* Goal: what is sealed reads as it was written and can be changed by nobody; a file that
 * lacks one seal counts as none, and one that a hardened kernel gave another seal as well
 * counts as sealed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cathgate/base/memory_file.h"

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* since Linux 6.3 */
#endif

static const char text[] = "what it is to know";

static int write_text(const void *context, FILE *to)
{
	return fputs(context, to) >= 0 ? 0 : -1;
}

static int write_nothing(const void *context, FILE *to)
{
	(void)context;
	(void)to;
	return -1;
}

static void assert_sealed(int file)
{
	size_t size;
	uint8_t *bytes = memory_file_read(file, &size);

	assert_true(memory_file_is_sealed(file));
	assert_non_null(bytes);
	assert_int_equal(size, strlen(text));
	assert_memory_equal(bytes, text, size);
	free(bytes);
	assert_int_equal(pwrite(file, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(file, 1), -1);
	assert_int_equal(ftruncate(file, 100), -1);
	assert_true(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED);
	assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), -1);
	close(file);
}

static void what_is_sealed_stays_so(void **state)
{
	(void)state;
	assert_sealed(memory_file_seal(text, strlen(text)));
	assert_sealed(memory_file_make(write_text, text));
	assert_int_equal(memory_file_make(write_nothing, NULL), -1);
}

static void each_seal_counts(void **state)
{
	const int seals[] = { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };

	(void)state;
	for (int without = -1; without < 4; without++) {
		int file = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		int all = 0;

		assert_true(file >= 0);
		for (int i = 0; i < 4; i++)
			all |= i == without ? 0 : seals[i];
		/* An older kernel has no such seal; with it come others. */
		if (without == -1)
			(void)!fcntl(file, F_ADD_SEALS, F_SEAL_EXEC);
		assert_int_equal(fcntl(file, F_ADD_SEALS, all), 0);
		assert_int_equal(memory_file_is_sealed(file), without == -1);
		close(file);
	}
	assert_false(memory_file_is_sealed(STDIN_FILENO));
	assert_false(memory_file_is_sealed(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_stays_so),
		cmocka_unit_test(each_seal_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
