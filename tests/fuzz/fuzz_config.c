#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cathgate/config/config.h"
#include "fuzz.h"

/* libconfig forgets the text of a string within which it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static const char *uid_of_name(const char *name)
{
	return strcmp(name, "XRayAngiographicImageStorage") == 0
		       ? "1.2.840.10008.5.1.4.1.1.12.1"
		       : NULL;
}

static bool is_storage(const char *uid)
{
	return strcmp(uid, "1.2.840.10008.1.1") != 0;
}

/* config_load takes a path: a file without a name, written anew each time. */
static const char *file_of(const uint8_t *bytes, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("configuration", MFD_CLOEXEC);
		FUZZ_REQUIRE(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	FUZZ_REQUIRE(ftruncate(fd, 0) == 0);
	FUZZ_REQUIRE(pwrite(fd, bytes, size, 0) == (ssize_t)size);
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct config_sop_classes sop_classes = { uid_of_name, is_storage };
	struct config *config = NULL;
	struct config_faults faults = { 0 };

	/* Files elsewhere are no part of the input. */
	if (memmem(bytes, size, "@include", strlen("@include")) != NULL)
		return 0;
	if (config_load(file_of(bytes, size), &sop_classes, &config, &faults) == 0) {
		FUZZ_REQUIRE(faults.error_count == 0);
		FUZZ_REQUIRE(config != NULL && config->gateway_name != NULL);
		FUZZ_REQUIRE(config->listen_count > 0 && config->destination_count > 0);
	} else {
		FUZZ_REQUIRE(faults.error_count > 0 && config == NULL);
	}
	FUZZ_REQUIRE(faults.error_count <= faults.count);
	config_free(config);
	config_faults_clear(&faults);
	return 0;
}
