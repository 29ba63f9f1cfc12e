/*
 * What an association's process asks the keeper to sign: a datagram of any size and
 * bytes, over a channel of either side that was used before or not (channel_serve).
 * OpenSSL is not analysed, and what judges the shape is in the harness signer_shape.
 *
 * Eva sources: src/keeper/channels.c
 * Eva options: -eva-auto-loop-unroll 40 -eva-split-return-function judge:0
 * Eva options: -eva-slevel-function channel_serve:10000
 */
#include "eva.h"
#include "keeper/internal.h"

#include "cathgate/base/log.h"
#include "cathgate/signer/scheme.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <sys/socket.h>

#define DATAGRAM_MAX (1 << 20) /* more than there is room for: the rest is cut off */

static char something; /* for objects of OpenSSL, of which only the address is used */

ssize_t recv(int channel, void *buffer, size_t size, int flags)
{
	ssize_t count = Frama_C_long_interval(-1, DATAGRAM_MAX);

	(void)channel;
	//@ assert with_the_size_of_the_datagram: (flags & MSG_TRUNC) != 0;
	if (count < 0)
		errno = Frama_C_nondet(EAGAIN, ECONNRESET);
	else
		Frama_C_make_unknown(buffer, (size_t)count < size ? (size_t)count : size);
	return count;
}

ssize_t send(int channel, const void *buffer, size_t size, int flags)
{
	(void)channel;
	(void)flags;
	eva_read(buffer, size);
	return Frama_C_nondet((int)size, -1);
}

const struct held_key *held_find(const struct held *held, const struct signer_key_id *id)
{
	static struct held_key key;
	uint8_t all = 0;

	(void)held;
	for (size_t i = 0; i < sizeof(id->digest); i++)
		all |= id->digest[i];
	key.key = (EVP_PKEY *)&something;
	key.uri = Frama_C_nondet(false, true) ? &something : NULL;
	return all != 0 && Frama_C_nondet(false, true) ? &key : NULL;
}

const struct signer_scheme *signer_scheme_of(uint16_t code)
{
	static struct signer_scheme scheme;

	scheme.is_pss = Frama_C_nondet(false, true);
	return code != 0 && Frama_C_nondet(false, true) ? &scheme : NULL;
}

bool signer_scheme_fits(const struct signer_scheme *scheme, const EVP_PKEY *key,
			enum signer_shape shape)
{
	(void)scheme;
	(void)key;
	(void)shape;
	return Frama_C_nondet(false, true);
}

enum signer_shape signer_shape_of(enum signer_side side, const uint8_t *message,
				  size_t size)
{
	(void)side;
	eva_read(message, size);
	return (enum signer_shape)Frama_C_interval(SIGNER_SHAPE_NONE,
						   SIGNER_SHAPE_TRANSCRIPT);
}

bool signer_scheme_sign(const struct signer_scheme *scheme, EVP_PKEY *key,
			const char *properties, const uint8_t *message, size_t size,
			uint8_t *ret, size_t *ret_size)
{
	(void)scheme;
	(void)key;
	(void)properties;
	eva_read(message, size);
	*ret_size = Frama_C_nondet(64, (int)*ret_size);
	//@ split *ret_size;
	Frama_C_make_unknown((char *)ret, *ret_size);
	return Frama_C_nondet(false, true);
}

bool tls_token_key_signs(EVP_PKEY *key, const char *uri)
{
	(void)key;
	(void)uri;
	return Frama_C_nondet(false, true);
}

void ERR_clear_error(void)
{
}

unsigned long ERR_peek_error_all(const char **file, int *line, const char **function,
				 const char **data, int *flags)
{
	(void)file;
	(void)line;
	(void)function;
	(void)flags;
	*data = Frama_C_nondet(false, true) ? "" : NULL;
	return (unsigned long)Frama_C_interval(0, 1);
}

const char *ERR_reason_error_string(unsigned long error)
{
	(void)error;
	return Frama_C_nondet(false, true) ? "" : NULL;
}

void log_error(const char *format, ...)
{
	(void)format;
}

int main(void)
{
	static struct channel channel;
	static struct held held;
	char why[sizeof(((struct keeper_refusal *)0)->why)];

	channel.grant.side = Frama_C_nondet(SIGNER_SERVER, SIGNER_CLIENT);
	channel.grant.key_count = Frama_C_size_t_interval(0, CONFIG_PAIRS_MAX);
	channel.is_used = Frama_C_nondet(false, true);
	Frama_C_make_unknown((char *)channel.grant.keys, sizeof(channel.grant.keys));
	(void)channel_serve(&channel, &held, why);
	Frama_C_show_each_end();
	return 0;
}
