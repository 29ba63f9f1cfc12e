#include <string.h>
#include <sys/stat.h>
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

/* The files of one input, in a folder in memory that each process has for itself. The
 * input begins with the configuration; a record separator (0x1e) and a byte that chooses
 * another file go before that file's text. */
#define SEPARATOR 0x1e

static const char *const names[] = {
	"cathgate.conf",
	"more.conf",
	"deep/more.conf",
	"modalities.d/a.conf",
	"modalities.d/b.conf",
	"modalities.d/b.conf~",
	"modalities.d/B.CONF",
	"modalities.d/.c.conf",
	"new.conf",
};
#define FILES (sizeof(names) / sizeof(names[0]))

static char folder[] = "/dev/shm/cathgate-fuzz-config.XXXXXX";

/* In room of the function's own. */
static const char *path_of(const char *name)
{
	static char path[sizeof(folder) + 32];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* libconfig's scanner ends the process when it can't read a file; AFL++ alone would not
 * take that for a fault. */
static bool is_loading;

static void remove_folder(void)
{
	FUZZ_REQUIRE(!is_loading);
	for (size_t i = 0; i < FILES; i++)
		unlink(path_of(names[i]));
	rmdir(path_of("deep"));
	rmdir(path_of("modalities.d"));
	rmdir(folder);
}

static void make_folder(void)
{
	if (mkdtemp(folder) == NULL || mkdir(path_of("deep"), 0700) != 0 ||
	    mkdir(path_of("modalities.d"), 0700) != 0)
		abort();
	atexit(remove_folder);
}

static void write_file(const char *name, const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path_of(name), "w");

	FUZZ_REQUIRE(file != NULL && fwrite(bytes, 1, size, file) == size);
	FUZZ_REQUIRE(fclose(file) == 0);
}

/* Returns whether new.conf, an entry that is to be tried, is among them. */
static bool write_files(const uint8_t *bytes, size_t size)
{
	const char *name = names[0];
	bool is_written[FILES] = { false };

	for (;;) {
		const uint8_t *end = memchr(bytes, SEPARATOR, size);
		size_t length = end ? (size_t)(end - bytes) : size;

		write_file(name, bytes, length);
		for (size_t i = 0; i < FILES; i++)
			is_written[i] |= name == names[i];
		if (!end || size - length < 2)
			break;
		name = names[end[1] % FILES];
		bytes = end + 2;
		size -= length + 2;
	}
	for (size_t i = 0; i < FILES; i++)
		if (!is_written[i])
			unlink(path_of(names[i]));
	return is_written[FILES - 1];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct config_sop_classes sop_classes = { uid_of_name, is_storage };
	struct config *config = NULL;
	struct config_faults faults = { 0 };
	static char *path, *more;
	bool has_more;
	int result;

	/* Files elsewhere are no part of the input. */
	if (memmem(bytes, size, "../", 3) != NULL)
		return 0;
	if (!path) {
		make_folder();
		path = strdup(path_of(names[0]));
		more = strdup(path_of(names[FILES - 1]));
		FUZZ_REQUIRE(path != NULL && more != NULL);
	}
	has_more = write_files(bytes, size);
	is_loading = true;
	result = config_load_with(path, has_more ? more : NULL, &sop_classes, &config,
				  &faults);
	is_loading = false;
	if (result == 0) {
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
