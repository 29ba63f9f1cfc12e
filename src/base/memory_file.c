#include "cathgate/base/memory_file.h"

#include <errno.h>
#include <fcntl.h>
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

int memory_file_seal(const void *bytes, size_t size)
{
	int file = memfd_create("cathgate-paper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (file < 0 ||
	    (write_all(file, bytes, size) == 0 && fcntl(file, F_ADD_SEALS, SEALS) == 0))
		return file;
	error = errno;
	close(file);
	errno = error;
	return -1;
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
	return fcntl(file, F_GET_SEALS) == SEALS;
}
