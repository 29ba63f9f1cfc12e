#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "cathgate/base/secrets.h"
#include "cathgate/tls/key_file.h"
#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"

static void add_key(struct ring *ring, const struct config_file *file)
{
	struct config_faults faults = { 0 };
	struct evp_pkey_st *key;

	if (ring->count == RING_KEYS_MAX)
		return;
	key = tls_key_load(file, &faults);
	gateway_config_complain(&faults);
	config_faults_clear(&faults);
	if (!key)
		return;
	if (spool_public_of(key, &ring->publics[ring->count]) != 0) {
		complain("%s holds no key of the spool's kind (" SPOOL_KINDS ")",
			 file->path);
		tls_key_free(key);
		return;
	}
	ring->keys[ring->count++] = key;
}

int ring_open(struct ring *ring, const struct config *config,
	      const struct options_texts *files)
{
	*ring = (struct ring){ .count = 0 };
	/* No core dump, and no other process of the user, has the keys. */
	prctl(PR_SET_DUMPABLE, 0);
	spool_init();
	secrets_begin();
	for (size_t i = 0; i < files->count; i++) {
		char *path = realpath(files->items[i], NULL);
		struct config_file file = { .path = path ? path : files->items[i] };

		add_key(ring, &file);
		free(path);
	}
	for (size_t i = 0; config && files->count == 0 && i < config->spool.key.count;
	     i++)
		add_key(ring, &config->spool.key.items[i]);
	for (size_t i = 0; config && i < config->destination_count; i++)
		ring_add_destination(ring, config->destinations[i].name);
	if (ring->count > 0)
		return 0;
	complain("without a private key no object of the spool opens");
	return -1;
}

void ring_add_destination(struct ring *ring, const char *destination)
{
	const char **more = keep_bytes((ring->destination_count + 1) * sizeof(*more));

	if (ring->destination_count > 0)
		memcpy(more, ring->destinations, ring->destination_count * sizeof(*more));
	more[ring->destination_count++] = keep_format("%s", destination);
	ring->destinations = more;
}

void ring_close(struct ring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		tls_key_free(ring->keys[i]);
	ring->count = 0;
	secrets_end();
}

const char *ring_why(enum spool_fault fault)
{
	switch (fault) {
	case SPOOL_TORN:
		return "it was never finished, or was delivered";
	case SPOOL_FOREIGN:
		return "it is no object of a spool";
	case SPOOL_UNKNOWN:
		return "it is of a suite that only a later version knows";
	case SPOOL_CORRUPT:
		return "it was changed or cut, or is for another destination";
	default:
		return strerror(errno);
	}
}

/* The fault with that destination. */
MUST_USE static enum spool_fault try_destination(struct spool_opener *opener,
						 struct evp_pkey_st *key,
						 const char *destination,
						 struct spool_metadata *ret)
{
	struct spool_front front;
	struct spool_secret secret;
	enum spool_fault fault = SPOOL_CORRUPT;

	spool_opener_front(opener, &front);
	if (spool_decapsulate(key, front.enc, front.enc_size, destination, &secret) == 0)
		fault = spool_opener_unlock(opener, &secret, destination, ret);
	explicit_bzero(&secret, sizeof(secret));
	return fault;
}

/* By the key that the object names; NULL: there is none of that. */
static struct evp_pkey_st *find_key(const struct ring *ring,
				    const struct spool_opener *opener)
{
	struct spool_front front;

	spool_opener_front(opener, &front);
	for (size_t i = 0; i < ring->count; i++)
		if (memcmp(ring->publics[i].id, front.key_id, sizeof(front.key_id)) == 0)
			return ring->keys[i];
	return NULL;
}

const char *ring_unlock(const struct ring *ring, int fd, const char *destination,
			struct spool_opener **ret, struct spool_metadata *ret_metadata)
{
	struct spool_opener *opener = NULL;
	enum spool_fault fault = spool_opener_new(fd, &opener);
	struct evp_pkey_st *key;

	if (fault != SPOOL_GOOD) {
		spool_opener_free(opener);
		return ring_why(fault);
	}
	key = find_key(ring, opener);
	if (!key) {
		spool_opener_free(opener);
		return "it was sealed for another key, which isn't among those that were "
		       "read";
	}
	fault = SPOOL_CORRUPT;
	if (destination[0])
		fault = try_destination(opener, key, destination, ret_metadata);
	for (size_t i = 0;
	     !destination[0] && i < ring->destination_count && fault == SPOOL_CORRUPT;
	     i++)
		fault = try_destination(opener, key, ring->destinations[i], ret_metadata);
	if (fault == SPOOL_GOOD) {
		*ret = opener;
		return NULL;
	}
	spool_opener_free(opener);
	return ring_why(fault);
}
