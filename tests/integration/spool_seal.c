/* Seals an object as an association does, and names it as the spooler does, for tests
 *that have no gateway with a spool: writes the file, and prints its name.
 *
 *	spool_seal PRIVATE-KEY DESTINATION COMMAND-SET DATA-SET OBJECT
 */
#include <err.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cathgate/spool/name.h"
#include "cathgate/spool/sealed.h"

#define MOST (1UL << 30)

struct content {
	char *bytes;
	size_t size;
};

static struct content command_set, data_set;

static struct spool_metadata describe(const char *destination)
{
	struct spool_metadata metadata = {
		.modality = "angio",
		.association = "0123456789abcdef",
		.calling_ae = "CATHLAB3",
		.called_ae = "CATHGATE",
		.abstract_syntax = "1.2.840.10008.5.1.4.1.1.12.1",
		.transfer_syntax = "1.2.840.10008.1.2.1",
		.sop_class = "1.2.840.10008.5.1.4.1.1.12.1",
		.sop_instance = "1.2.3.4",
		.study = "1.2.3",
		.patient_id = "P-1",
		.command_size = command_set.size,
		.data_size = data_set.size,
		.sealed_us = 1700000000000000,
	};

	snprintf(metadata.destination, sizeof(metadata.destination), "%s", destination);
	if (digest_sha256(data_set.bytes, data_set.size, metadata.sha256) != 0)
		errx(2, "the data set has no hash");
	return metadata;
}

static void seal(EVP_PKEY *key, const struct spool_metadata *metadata, const char *path,
		 uint8_t ret_header[DIGEST_SIZE])
{
	struct spool_public to;
	struct spool_sealer *sealer;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		err(2, "%s", path);
	if (spool_public_of(key, &to) != 0)
		errx(2, "it is no key of the spool");
	sealer = spool_sealer_new(&to);
	if (!sealer || spool_sealer_begin(sealer, fd, metadata->destination) != 0 ||
	    spool_sealer_add(sealer, command_set.bytes, command_set.size) != 0 ||
	    spool_sealer_add(sealer, data_set.bytes, data_set.size) != 0 ||
	    spool_sealer_finish(sealer, metadata, ret_header) != 0)
		err(2, "%s", path);
	spool_sealer_free(sealer);
	close(fd);
}

static void tag(const struct spool_names_key *key, const char *purpose,
		const char *const *names, size_t count, uint8_t *ret)
{
	const void *texts[3];
	size_t sizes[3];

	for (size_t i = 0; i < count; i++) {
		texts[i] = names[i];
		sizes[i] = strlen(names[i]);
	}
	if (spool_tag(key, purpose, texts, sizes, count, ret, SPOOL_SHORT_TAG) != 0)
		errx(2, "there is no tag");
}

static void print_name(EVP_PKEY *key, const struct spool_metadata *metadata,
		       const uint8_t header[DIGEST_SIZE])
{
	struct spool_name name = { .sequence = (uint64_t)metadata->sealed_us,
				   .data_size = metadata->data_size,
				   .stored = 1700000000 };
	struct spool_names_key names_key;
	char text[SPOOL_NAME_SIZE];

	if (spool_names_key_of(key, &names_key) != 0)
		errx(2, "there is no names key");
	tag(&names_key, "destination", (const char *[]){ metadata->destination }, 1,
	    name.destination);
	tag(&names_key, "modality", (const char *[]){ metadata->modality }, 1,
	    name.modality);
	tag(&names_key, "study", (const char *[]){ metadata->modality, metadata->study },
	    2, name.study);
	tag(&names_key, "instance",
	    (const char *[]){ metadata->destination, metadata->modality,
			      metadata->sop_instance },
	    3, name.instance);
	memcpy(name.header, header, sizeof(name.header));
	if (spool_name_write(&name, &names_key, text) != 0)
		errx(2, "there is no name");
	puts(text);
}

int main(int argc, char **argv)
{
	struct spool_metadata metadata;
	uint8_t header[DIGEST_SIZE];
	EVP_PKEY *key;
	FILE *file;

	if (argc != 6)
		errx(2, "PRIVATE-KEY DESTINATION COMMAND-SET DATA-SET OBJECT");
	file = fopen(argv[1], "re");
	key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
	if (!key)
		errx(2, "%s holds no key", argv[1]);
	fclose(file);
	if (durable_read(argv[3], MOST, &command_set.bytes, &command_set.size) != 0)
		err(2, "%s", argv[3]);
	if (durable_read(argv[4], MOST, &data_set.bytes, &data_set.size) != 0)
		err(2, "%s", argv[4]);
	metadata = describe(argv[2]);
	seal(key, &metadata, argv[5], header);
	print_name(key, &metadata, header);
	EVP_PKEY_free(key);
	free(command_set.bytes);
	free(data_set.bytes);
	return 0;
}
