#include "internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#define UNWRAP_MS 10000

/* The object is the one that its name says. */
static bool is_same(const struct spool_opener *opener, const struct spool_work *work)
{
	uint8_t header[DIGEST_SIZE];

	spool_opener_header(opener, header);
	return memcmp(header, work->header, sizeof(work->header)) == 0;
}

enum spool_fault cargo_open(struct courier *courier, const struct spool_work *work,
			    bool *ret_lacks_key)
{
	struct cargo *cargo = &courier->cargo;
	struct spool_secret secret;
	struct spool_front front;
	enum spool_fault fault;
	int got;

	*cargo = (struct cargo){ .opener = NULL };
	*ret_lacks_key = false;
	fault = spool_opener_new(work->fd, &cargo->opener);
	if (fault != SPOOL_GOOD && fault != SPOOL_UNKNOWN)
		return fault;
	if (!is_same(cargo->opener, work))
		fault = SPOOL_CORRUPT;
	if (fault != SPOOL_GOOD)
		goto out;
	spool_opener_front(cargo->opener, &front);
	got = spool_work_unwrap(courier->start->keeper, &front, &secret, UNWRAP_MS);
	*ret_lacks_key = got == 1;
	courier->keeper_is_silent = got < 0;
	fault = SPOOL_FAILED;
	if (got != 0)
		goto out;
	fault = spool_opener_unlock(cargo->opener, &secret,
				    courier->start->destination->name, &cargo->metadata);
	OPENSSL_cleanse(&secret, sizeof(secret));
out:
	if (fault != SPOOL_GOOD)
		cargo_close(cargo);
	return fault;
}

void cargo_close(struct cargo *cargo)
{
	spool_opener_free(cargo->opener);
	OPENSSL_cleanse(cargo, sizeof(*cargo));
	*cargo = (struct cargo){ .opener = NULL };
}

/* Has a segment in hand, unless that was the last. */
MUST_USE static enum spool_fault refill(struct cargo *cargo)
{
	if (cargo->size > 0 || cargo->is_last)
		return SPOOL_GOOD;
	return spool_opener_next(cargo->opener, &cargo->bytes, &cargo->size,
				 &cargo->is_last);
}

enum spool_fault cargo_command(struct cargo *cargo, struct command_message *ret)
{
	uint64_t left = cargo->metadata.command_size;
	const char *detail;

	ret->size = 0;
	if (left > sizeof(ret->bytes))
		return SPOOL_CORRUPT;
	while (left > 0) {
		enum spool_fault fault = refill(cargo);
		size_t size = cargo->size < left ? cargo->size : left;

		if (fault != SPOOL_GOOD)
			return fault;
		if (size == 0)
			return SPOOL_CORRUPT;
		memcpy(ret->bytes + ret->size, cargo->bytes, size);
		ret->size += size;
		cargo->bytes += size;
		cargo->size -= size;
		left -= size;
	}
	return command_parse(ret->bytes, ret->size, &ret->command, &detail) == 0
		       ? SPOOL_GOOD
		       : SPOOL_CORRUPT;
}

enum spool_fault cargo_next(struct cargo *cargo, struct ul_pdv *ret)
{
	enum spool_fault fault = refill(cargo);

	ret->data = cargo->bytes;
	ret->size = cargo->size;
	ret->last = cargo->is_last;
	cargo->size = 0;
	return fault;
}
