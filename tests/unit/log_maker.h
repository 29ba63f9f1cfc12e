/*
 * Makes an audit log as the auditor writes it: sealed lines, and signed checkpoints among
 * them, in memory. Its key pair is its own, and leaves no file.
 */
#ifndef LOG_MAKER_H
#define LOG_MAKER_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/audit/checkpoint.h"
#include "cathgate/audit/log_verify.h"

struct log_maker {
	struct chain chain;
	struct merkle tree;
	struct digest *digest;
	struct signing_key *signing;
	struct verifying_key *verifying;
	char public_pem[256];
	uint64_t first_seq;
	char *bytes; /* the lines; `size` may be set back to 0 once they are elsewhere */
	size_t size, capacity;
	size_t *offsets; /* of each line */
	size_t lines;
	struct checkpoint last; /* what would stand in the .checkpoint file */
};

#define LOG_MAKER_LINE_MAX 4096

static inline int log_maker_keys(struct log_maker *maker, const char *directory)
{
	char path[160], public_path[170];
	const char *error;
	snprintf(path, sizeof(path), "%s/key", directory);
	snprintf(public_path, sizeof(public_path), "%s.pub", path);
	struct config_file file = { .path = path };
	if (signing_key_make(path, &error) == 0) {
		maker->signing = signing_key_open(&file, &error);
		maker->verifying = verifying_key_open(public_path, &error);
	}
	FILE *pem = fopen(public_path, "re");
	if (!pem || fread(maker->public_pem, 1, sizeof(maker->public_pem) - 1, pem) == 0)
		return -1;
	fclose(pem);
	unlink(path);
	unlink(public_path);
	return maker->signing && maker->verifying ? 0 : -1;
}

/* Begins at that number; behind another file where `after` is not NULL. */
static inline int log_maker_open(struct log_maker *maker, const struct chain *after)
{
	char directory[] = "/tmp/log-maker-XXXXXX";
	*maker = (struct log_maker){ .digest = digest_new() };
	if (after)
		maker->chain = *after;
	maker->first_seq = maker->chain.next_seq;
	if (!maker->digest || !mkdtemp(directory))
		return -1;
	int result = log_maker_keys(maker, directory);
	rmdir(directory);
	return result;
}

static inline void log_maker_close(struct log_maker *maker)
{
	digest_free(maker->digest);
	signing_key_free(maker->signing);
	verifying_key_free(maker->verifying);
	free(maker->bytes);
	free(maker->offsets);
}

/* Adds one line, of which `members` is all behind its `event`; with room for its seal. */
static inline int log_maker_add(struct log_maker *maker, const char *event,
				const char *members)
{
	if (maker->capacity - maker->size < LOG_MAKER_LINE_MAX) {
		maker->capacity = 2 * maker->capacity + LOG_MAKER_LINE_MAX;
		maker->bytes = realloc(maker->bytes, maker->capacity);
	}
	maker->offsets =
		realloc(maker->offsets, (maker->lines + 1) * sizeof(*maker->offsets));
	if (!maker->bytes || !maker->offsets)
		return -1;
	char *line = maker->bytes + maker->size;
	uint64_t seq = maker->chain.next_seq;
	int size = snprintf(line, LOG_MAKER_LINE_MAX - CHAIN_SEAL_SIZE,
			    "{\"seq\":%" PRIu64
			    ",\"time\":\"2026-01-31T12:%02u:%02u.%06uZ\","
			    "\"node\":\"cathlab-3\",\"event\":\"%s\"%s",
			    seq, (unsigned)(seq / 6000 % 60), (unsigned)(seq / 100 % 60),
			    (unsigned)(seq % 1000000), event, members);
	if (size < 0 || size >= LOG_MAKER_LINE_MAX - CHAIN_SEAL_SIZE)
		return -1;
	maker->offsets[maker->lines++] = maker->size;
	maker->size += chain_seal(&maker->chain, maker->digest, line, (size_t)size);
	return merkle_add(&maker->tree, maker->digest, maker->chain.last_hash);
}

static inline int log_maker_checkpoint(struct log_maker *maker, bool is_signed)
{
	char members[CHECKPOINT_TEXT_SIZE];
	struct checkpoint checkpoint = { .size = maker->tree.size };
	checkpoint_origin("cathlab-3", maker->first_seq, checkpoint.origin);
	if (merkle_root(&maker->tree, maker->digest, checkpoint.root) ||
	    checkpoint_sign(&checkpoint, is_signed ? maker->signing : NULL))
		return -1;
	checkpoint_members(&checkpoint, members);
	maker->last = checkpoint;
	return log_maker_add(maker, "checkpoint", members);
}

/* A forwarded instance as a real one reads, about 1,000 bytes; without `is_long`, of what
 * is short in it, about 500. */
static inline int log_maker_instance(struct log_maker *maker, bool is_long)
{
	char members[2048];
	unsigned number = (unsigned)maker->chain.next_seq;
	int size =
		snprintf(members, sizeof(members),
			 ",\"outcome\":\"forwarded\",\"association\":\"%016x\",\"peer\":"
			 "\"192.168.40.17:%u\"",
			 number / 500, 40000 + number / 500 % 20000);
	if (is_long)
		size += snprintf(
			members + size, sizeof(members) - (size_t)size,
			",\"certificate\":\"%064x\",\"subject\":\"CN=angio-3,OU=Cath "
			"Lab,O=Hospital\",\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":"
			"\"TLS_AES_256_GCM_SHA384\",\"group\":\"X25519\"}",
			number / 500);
	size += snprintf(members + size, sizeof(members) - (size_t)size,
			 ",\"modality\":\"angio-3\",\"calling_ae\":\"CATHLAB3\","
			 "\"called_ae\":\"CATHGATE\",\"destination\":\"pacs\"");
	if (is_long)
		size += snprintf(members + size, sizeof(members) - (size_t)size,
				 ",\"sop_class\":\"1.2.840.10008.5.1.4.1.1.12.1\","
				 "\"sop_instance\":\"1.2.826.0.1.3680043.8.498.%u.%u\","
				 "\"study\":\"1.2.826.0.1.3680043.8.498.%u\",\"patient\":"
				 "\"%064x\","
				 "\"transfer_syntax\":\"1.2.840.10008.1.2.4.70\"",
				 number / 500, number, number / 500, number / 500);
	snprintf(members + size, sizeof(members) - (size_t)size,
		 ",\"bytes\":%u,\"sha256\":\"%064x\",\"status\":\"0000\",\"wait_ms\":%u,"
		 "\"total_ms\":%u",
		 524288 + number % 4096, number, number % 17, number % 170);
	return log_maker_add(maker, "instance", members);
}

#endif
