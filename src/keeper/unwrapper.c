#include "cathgate/keeper/unwrapper.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/base/secrets.h"
#include "cathgate/spool/unwrap.h"
#include "cathgate/tls/key_file.h"

#define CHANNELS_MAX 4096

/* What the supervisor sends, with a channel. */
struct opened {
	char destination[SPOOL_DESTINATION_SIZE]; /* "": the spooler's */
};

struct channel {
	int fd;
	struct opened opened;
};

struct unwrapper {
	int control;
	bool is_let_go; /* the supervisor says nothing any more */
	EVP_PKEY *keys[SPOOL_KEYS_MAX];
	struct unwrapper_ids ids;
	size_t key_count;
	struct channel *channels;
	struct pollfd *polls;
	size_t count, room;
};

/* Associations seal for the key that was judged: no other may have come into its file
 * since. */
MUST_USE static int load_keys(struct unwrapper *unwrapper, const struct config *config,
			      const struct unwrapper_ids *ids)
{
	const struct config_files *files = &config->spool.key;
	struct config_faults faults = { 0 };
	int rc = 0;

	for (size_t i = 0; i < files->count && i < SPOOL_KEYS_MAX; i++) {
		EVP_PKEY *key = tls_key_load(&files->items[i], &faults);
		struct spool_public public;

		unwrapper->keys[unwrapper->key_count++] = key;
		if (!key || spool_public_of(key, &public) != 0) {
			rc = -1;
		} else if (memcmp(public.id, ids->items[i], sizeof(public.id)) != 0) {
			log_error("%s holds another key than when the configuration was "
				  "read; cathgate reload takes it",
				  files->items[i].path);
			rc = -1;
		}
	}
	for (size_t i = 0; i < faults.count; i++)
		log_error("%s", faults.items[i].text);
	config_faults_clear(&faults);
	return rc;
}

static void unwrap(const struct unwrapper *unwrapper, const struct channel *channel,
		   const struct spool_unwrap_asked *asked, struct spool_unwrap_said *ret)
{
	size_t i = 0;

	while (i < unwrapper->key_count &&
	       memcmp(unwrapper->ids.items[i], asked->key_id, SPOOL_KEY_ID_SIZE) != 0)
		i++;
	ret->has_key = i < unwrapper->key_count;
	ret->is_good = ret->has_key && asked->enc_size <= SPOOL_ENC_MAX &&
		       spool_decapsulate(unwrapper->keys[i], asked->enc, asked->enc_size,
					 channel->opened.destination, &ret->secret) == 0;
}

static void give_names(const struct unwrapper *unwrapper,
		       const struct spool_unwrap_asked *asked,
		       struct spool_unwrap_said *ret)
{
	ret->is_good =
		asked->number < unwrapper->key_count &&
		spool_names_key_of(unwrapper->keys[asked->number], &ret->names) == 0;
}

/* One request. False when the channel is to be closed: it asked for what it may not. */
MUST_USE static bool serve(const struct unwrapper *unwrapper,
			   const struct channel *channel)
{
	struct spool_unwrap_asked asked;
	struct spool_unwrap_said said = { .is_good = 0 };
	bool is_spooler = channel->opened.destination[0] == '\0';
	bool is_sent;
	ssize_t size = recv(channel->fd, &asked, sizeof(asked), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (size != (ssize_t)sizeof(asked))
		return false;
	if (asked.kind == SPOOL_UNWRAP_OBJECT && !is_spooler)
		unwrap(unwrapper, channel, &asked, &said);
	else if (asked.kind == SPOOL_UNWRAP_NAMES && is_spooler)
		give_names(unwrapper, &asked, &said);
	else
		return false;
	is_sent = send(channel->fd, &said, sizeof(said), MSG_DONTWAIT | MSG_NOSIGNAL) ==
		  (ssize_t)sizeof(said);
	OPENSSL_cleanse(&said, sizeof(said));
	return is_sent;
}

MUST_USE static bool make_room(struct unwrapper *unwrapper)
{
	size_t room = unwrapper->room + 64;
	struct channel *channels;
	struct pollfd *polls;

	if (unwrapper->count < unwrapper->room)
		return true;
	if (room > CHANNELS_MAX)
		return false;
	channels = reallocarray(unwrapper->channels, room, sizeof(*channels));
	if (channels)
		unwrapper->channels = channels;
	polls = reallocarray(unwrapper->polls, room + 1, sizeof(*polls));
	if (polls)
		unwrapper->polls = polls;
	if (!channels || !polls)
		return false;
	unwrapper->room = room;
	return true;
}

static void remove_channel(struct unwrapper *unwrapper, size_t at)
{
	close(unwrapper->channels[at].fd);
	unwrapper->channels[at] = unwrapper->channels[--unwrapper->count];
}

static void hear_supervisor(struct unwrapper *unwrapper)
{
	struct opened opened;
	int fd;
	ssize_t size = descriptor_receive(unwrapper->control, &opened, sizeof(opened),
					  &fd, MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0)
		unwrapper->is_let_go = true;
	if (size == (ssize_t)sizeof(opened) && fd >= 0 &&
	    memchr(opened.destination, 0, sizeof(opened.destination)) &&
	    make_room(unwrapper))
		unwrapper->channels[unwrapper->count++] =
			(struct channel){ .fd = fd, .opened = opened };
	else if (fd >= 0)
		close(fd);
}

static void take_turn(struct unwrapper *unwrapper)
{
	unwrapper->polls[0] =
		(struct pollfd){ .fd = unwrapper->is_let_go ? -1 : unwrapper->control,
				 .events = POLLIN };
	for (size_t i = 0; i < unwrapper->count; i++)
		unwrapper->polls[i + 1] =
			(struct pollfd){ .fd = unwrapper->channels[i].fd,
					 .events = POLLIN };
	if (poll(unwrapper->polls, unwrapper->count + 1, -1) <= 0)
		return;
	/* From the last: what is removed is replaced by that. */
	for (size_t i = unwrapper->count; i > 0; i--)
		if (unwrapper->polls[i].revents &&
		    !serve(unwrapper, &unwrapper->channels[i - 1]))
			remove_channel(unwrapper, i - 1);
	if (unwrapper->polls[0].revents)
		hear_supervisor(unwrapper);
}

int unwrapper_run(int control, const struct config *config,
		  const struct unwrapper_ids *ids, const struct sandbox_program *sandbox)
{
	struct unwrapper *unwrapper = calloc(1, sizeof(*unwrapper));
	const char byte = 'R';
	int status = 1;

	secrets_begin(); /* whatever OpenSSL frees here is overwritten */
	if (!unwrapper)
		return 1;
	unwrapper->control = control;
	unwrapper->ids = *ids;
	spool_init();
	if (make_room(unwrapper) && load_keys(unwrapper, config, ids) == 0 &&
	    sandbox_enter(sandbox, NULL, 0) == 0 &&
	    send(control, &byte, 1, MSG_NOSIGNAL) == 1) {
		while (!unwrapper->is_let_go || unwrapper->count > 0)
			take_turn(unwrapper);
		status = 0;
	}
	for (size_t i = 0; i < unwrapper->key_count; i++)
		EVP_PKEY_free(unwrapper->keys[i]);
	free(unwrapper->channels);
	free(unwrapper->polls);
	free(unwrapper);
	return status;
}

bool unwrapper_hear(int control, bool *ret_is_gone)
{
	char byte;
	ssize_t size = recv(control, &byte, 1, MSG_DONTWAIT);

	*ret_is_gone = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
	return size == 1;
}

int unwrapper_open(int control, const char *destination)
{
	struct opened opened = { .destination = "" };

	if (destination)
		snprintf(opened.destination, sizeof(opened.destination), "%s",
			 destination);
	return descriptors_open(control, &opened, sizeof(opened));
}
