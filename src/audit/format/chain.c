#include "cathgate/audit/chain.h"

#include <string.h>

#include "decimal.h"

static const char head[] = "{\"seq\":";
static const char prev_name[] = ",\"prev\":\"";
static const char hash_name[] = "\",\"hash\":\"";
static const char end[] = "\"}";

#define HEX_LENGTH   (DIGEST_HEX_SIZE - 1)
#define LENGTH(text) (sizeof(text) - 1)
/* Of a line without newline: how far before its end the two digests stand. */
#define HASH_FROM_END (HEX_LENGTH + LENGTH(end))
#define PREV_FROM_END (HASH_FROM_END + LENGTH(hash_name) + HEX_LENGTH)
/* The hash covers a line up to the quote behind `prev`, and `,"hash":` no more. */
#define COVERED_FROM_END (HASH_FROM_END + LENGTH(hash_name) - 1)

_Static_assert(PREV_FROM_END + LENGTH(prev_name) + 1 == CHAIN_SEAL_SIZE,
	       "the size that the header gives");

static int hash_line(struct digest *digest, const char *line, size_t size,
		     uint8_t ret[DIGEST_SIZE])
{
	return digest_start(digest) || digest_update(digest, line, size) ||
			       digest_finish(digest, ret)
		       ? -1
		       : 0;
}

size_t chain_seal(struct chain *chain, struct digest *digest, char *line, size_t size)
{
	uint8_t hash[DIGEST_SIZE];
	char *to = line + size;
	memcpy(to, prev_name, LENGTH(prev_name));
	to += LENGTH(prev_name);
	digest_hex(chain->last_hash, DIGEST_SIZE, to);
	to += HEX_LENGTH;
	memcpy(to, hash_name, LENGTH(hash_name));
	if (hash_line(digest, line, (size_t)(to + 1 - line), hash))
		return 0;
	to += LENGTH(hash_name);
	digest_hex(hash, DIGEST_SIZE, to);
	to += HEX_LENGTH;
	memcpy(to, end, LENGTH(end));
	to += LENGTH(end);
	*to++ = '\n';
	memcpy(chain->last_hash, hash, sizeof(hash));
	chain->next_seq++;
	return (size_t)(to - line);
}

static int read_seq(const char *line, size_t size, uint64_t *ret)
{
	const char *behind = decimal_read(line + LENGTH(head), line + size, ret);
	return behind && behind < line + size && *behind == ',' ? 0 : -1;
}

/* A lower-case digit's value plus one; 0: no digit. A table, because verifying a line
 * reads 128 digits. */
static const uint8_t digits[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static int read_digest(const char *hex, uint8_t ret[DIGEST_SIZE])
{
	bool is_hex = true;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		unsigned high = digits[(uint8_t)hex[2 * i]];
		unsigned low = digits[(uint8_t)hex[2 * i + 1]];
		is_hex &= high != 0 && low != 0;
		ret[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	return is_hex ? 0 : -1;
}

static bool is_at(const char *at, const char *text, size_t length)
{
	return memcmp(at, text, length) == 0;
}

int chain_read(struct digest *digest, const char *line, size_t size,
	       struct chain_line *ret)
{
	struct chain_line read;
	uint8_t hash[DIGEST_SIZE];
	if (size < LENGTH(head) + 1 + PREV_FROM_END + LENGTH(prev_name))
		return -1;
	const char *prev_at = line + size - PREV_FROM_END;
	const char *hash_at = line + size - HASH_FROM_END;
	if (!is_at(line, head, LENGTH(head)) || read_seq(line, size, &read.seq) ||
	    !is_at(prev_at - LENGTH(prev_name), prev_name, LENGTH(prev_name)) ||
	    read_digest(prev_at, read.prev) ||
	    !is_at(hash_at - LENGTH(hash_name), hash_name, LENGTH(hash_name)) ||
	    read_digest(hash_at, read.hash) ||
	    !is_at(hash_at + HEX_LENGTH, end, LENGTH(end)))
		return -1;
	if (hash_line(digest, line, size - COVERED_FROM_END, hash))
		return -1;
	read.is_sound = memcmp(hash, read.hash, sizeof(hash)) == 0;
	*ret = read;
	return 0;
}

bool chain_follows(const struct chain *chain, const struct chain_line *line)
{
	return line->is_sound && line->seq == chain->next_seq &&
	       memcmp(line->prev, chain->last_hash, DIGEST_SIZE) == 0;
}

struct chain chain_behind(const struct chain_line *line)
{
	struct chain chain = { .next_seq = line->seq + 1 };
	memcpy(chain.last_hash, line->hash, sizeof(chain.last_hash));
	return chain;
}

bool chain_advance(struct chain *chain, struct digest *digest, const char *line,
		   size_t size)
{
	char hex[DIGEST_HEX_SIZE];
	uint8_t hash[DIGEST_SIZE];
	uint64_t seq;
	if (size < LENGTH(head) + 1 + PREV_FROM_END + LENGTH(prev_name))
		return false;
	const char *prev_at = line + size - PREV_FROM_END;
	const char *hash_at = line + size - HASH_FROM_END;
	/* Digests are compared as text: writing what should stand there is quicker than
	 * reading what does. */
	digest_hex(chain->last_hash, sizeof(chain->last_hash), hex);
	if (!is_at(line, head, LENGTH(head)) || read_seq(line, size, &seq) ||
	    seq != chain->next_seq ||
	    !is_at(prev_at - LENGTH(prev_name), prev_name, LENGTH(prev_name)) ||
	    !is_at(prev_at, hex, HEX_LENGTH) ||
	    !is_at(hash_at - LENGTH(hash_name), hash_name, LENGTH(hash_name)) ||
	    !is_at(hash_at + HEX_LENGTH, end, LENGTH(end)) ||
	    hash_line(digest, line, size - COVERED_FROM_END, hash))
		return false;
	digest_hex(hash, sizeof(hash), hex);
	if (!is_at(hash_at, hex, HEX_LENGTH))
		return false;
	memcpy(chain->last_hash, hash, sizeof(hash));
	chain->next_seq++;
	return true;
}
