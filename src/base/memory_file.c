#include "cathgate/base/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int write_all(int file, const char *bytes, size_t size)
{
	size_t written = 0;

	while (written < size) {
		ssize_t count = write(file, bytes + written, size - written);

		if (count < 0)
			return -1;
		written += (size_t)count;
	}
	return 0;
}

static int new_file(void)
{
	return memfd_create("cathgate-paper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* Returns the file, or -1 with errno. */
MUST_USE static int finish_file(int file, bool is_good)
{
	int error;

	if (is_good && fcntl(file, F_ADD_SEALS, SEALS) == 0)
		return file;
	error = errno;
	if (file >= 0)
		close(file);
	errno = error;
	return -1;
}

int memory_file_seal(const void *bytes, size_t size)
{
	int file = new_file();

	return finish_file(file, file >= 0 && write_all(file, bytes, size) == 0);
}

int memory_file_make(int (*write)(const void *context, FILE *to), const void *context)
{
	int file = new_file();
	int other = file < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, 0);
	FILE *to = other < 0 ? NULL : fdopen(other, "w");
	bool is_good = to != NULL;

	if (to) {
		setvbuf(to, NULL, _IONBF, 0); /* a buffer would keep keys when freed */
		errno = ENOMEM;
		is_good = write(context, to) == 0 && ferror(to) == 0;
		fclose(to);
	} else if (other >= 0) {
		close(other);
	}
	return finish_file(file, is_good);
}

/* The size is asked by lseek, since an association's process may not call fstat. */
uint8_t *memory_file_read(int file, size_t *ret_size)
{
	off_t end = file < 0 ? -1 : lseek(file, 0, SEEK_END);
	size_t size = (size_t)end, got = 0;
	uint8_t *bytes = end < 0 ? NULL : malloc(size + 1);

	while (bytes && got < size) {
		ssize_t count = pread(file, bytes + got, size - got, (off_t)got);

		if (count <= 0) {
			free(bytes);
			return NULL;
		}
		got += (size_t)count;
	}
	if (bytes)
		*ret_size = size;
	return bytes;
}

bool memory_file_is_sealed(int file)
{
	/* A hardened kernel adds one of its own (vm.memfd_noexec). */
	int seals = fcntl(file, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}
