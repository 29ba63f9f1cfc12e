#include "prove_object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/dicom/data_set_head.h"
#include "cathgate/dicom/part10.h"
#include "cli/kit/complain.h"

/* Fills the buffer, as far as the file goes. -1 with errno. */
static ssize_t read_full(int fd, uint8_t *to, size_t size)
{
	size_t filled = 0;
	while (filled < size) {
		ssize_t got = read(fd, to + filled, size - filled);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		filled += (size_t)got;
	}
	return (ssize_t)filled;
}

/* SHA-256 of the data set, whose first bytes are in the buffer already. -1 with errno. */
static int hash_data_set(int fd, uint8_t *buffer, size_t filled, size_t data_set_at,
			 struct prove_object *object)
{
	uint8_t sha256[DIGEST_SIZE];
	struct digest *digest = digest_new();
	ssize_t got = (ssize_t)(filled - data_set_at);
	int result =
		digest ? digest_update(digest, buffer + data_set_at, (size_t)got) : -1;
	while (result == 0 && got > 0) {
		object->bytes += got;
		got = read_full(fd, buffer, PART10_HEAD_MAX);
		result = got < 0 ? -1 : digest_update(digest, buffer, (size_t)got);
	}
	if (result == 0)
		result = digest_finish(digest, sha256);
	if (result == 0)
		digest_hex(sha256, sizeof(sha256), object->sha256);
	digest_free(digest);
	return result;
}

/* The data set's own UIDs count before the header's. A file without a header doesn't say
 * how the data set is encoded: then each encoding is tried. */
static void read_names(const uint8_t *data_set, size_t size, const struct part10 *part10,
		       struct prove_object *object)
{
	static const char *const tries[] = { "1.2.840.10008.1.2.1", "1.2.840.10008.1.2",
					     "1.2.840.10008.1.2.2" };
	struct data_set_head head = { 0 };
	if (part10->transfer_syntax[0])
		data_set_head_read(data_set, size, part10->transfer_syntax, &head);
	for (size_t i = 0; !part10->transfer_syntax[0] && !head.sop_instance[0] &&
			   i < sizeof(tries) / sizeof(*tries);
	     i++)
		data_set_head_read(data_set, size, tries[i], &head);
	const char *sop_class = head.sop_class[0] ? head.sop_class : part10->sop_class;
	const char *instance =
		head.sop_instance[0] ? head.sop_instance : part10->sop_instance;
	strcpy(object->sop_class, sop_class);
	strcpy(object->sop_instance, instance);
	strcpy(object->meta_instance, part10->sop_instance);
	strcpy(object->transfer_syntax, part10->transfer_syntax);
}

static int read_open(int fd, const char *path, uint8_t *buffer, struct prove_object *ret)
{
	struct prove_object object = { .bytes = 0 };
	struct part10 part10;
	ssize_t filled = read_full(fd, buffer, PART10_HEAD_MAX);
	if (filled >= 0 && part10_read(buffer, (size_t)filled, &part10)) {
		complain("%s: its meta header (PS3.10 7.1) can't be read; give the file "
			 "as the PACS stored or exported it",
			 path);
		return -1;
	}
	if (filled < 0)
		goto failed;
	read_names(buffer + part10.data_set_at, (size_t)filled - part10.data_set_at,
		   &part10, &object);
	if (hash_data_set(fd, buffer, (size_t)filled, part10.data_set_at, &object))
		goto failed;
	if (object.bytes == 0) {
		complain("%s: it has no data set", path);
		return -1;
	}
	*ret = object;
	return 0;
failed:
	complain("%s: it can't be read: %s", path, strerror(errno));
	return -1;
}

int prove_object_read(const char *path, struct prove_object *ret)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t *buffer = malloc(PART10_HEAD_MAX);
	int result = -1;
	if (fd < 0 || !buffer || fstat(fd, &status))
		complain("%s: it can't be read: %s", path, strerror(errno));
	else if (!S_ISREG(status.st_mode))
		complain("%s: it is no regular file; name a DICOM file", path);
	else
		result = read_open(fd, path, buffer, ret);
	free(buffer);
	if (fd >= 0)
		close(fd);
	return result;
}
