/*
 * What the dialler is asked to connect to: requests of any size up to one byte more than
 * a whole one, with any bytes, to a dialler of two destinations (dialler_run).
 *
 * Eva sources: src/supervisor/helpers/dialler.c
 * Eva options: -eva-auto-loop-unroll 10
 */
#include "eva.h"
#include "supervisor/helpers/dialler.h"

#include "cathgate/base/address.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/net/addresses.h"
#include "cathgate/net/net.h"

#include <errno.h>
#include <sys/socket.h>

/* What comes is no longer than a request: the kernel cuts the rest off. */
ssize_t recv(int channel, void *buffer, size_t size, int flags)
{
	ssize_t count = Frama_C_interval(-1, (int)size);

	(void)channel;
	(void)flags;
	//@ split count;
	if (count < 0)
		errno = Frama_C_nondet(EINTR, EIO);
	else
		Frama_C_make_unknown(buffer, (size_t)count);
	return count;
}

int sandbox_enter(const struct sandbox_program *program, const struct sandbox_path *paths,
		  size_t count)
{
	(void)program;
	(void)paths;
	(void)count;
	return 0;
}

int net_look_up(const char *host, uint16_t port, bool numeric, struct net_addresses *ret)
{
	(void)host;
	(void)port;
	(void)numeric;
	bool is_found = Frama_C_nondet(false, true);

	//@ split is_found;
	if (is_found)
		Frama_C_make_unknown((char *)ret, sizeof(*ret));
	return is_found ? 0 : -1;
}

int net_begin_connect(const struct sockaddr_storage *address)
{
	(void)address;
	errno = ECONNREFUSED;
	return Frama_C_interval(-1, 100);
}

void address_text(const struct sockaddr_storage *from, char ret[ADDRESS_TEXT_SIZE])
{
	(void)from;
	ret[0] = '\0';
}

int descriptors_send(int channel, const void *message, size_t size,
		     const int *descriptors, size_t count, int flags)
{
	(void)channel;
	(void)flags;
	eva_read(message, size);
	(void)descriptors;
	(void)count;
	return Frama_C_interval(-1, 0);
}

void log_bug(const char *format, ...)
{
	(void)format;
}

int main(void)
{
	static struct config_destination destinations[2];
	static struct config config = { .destinations = destinations,
					.destination_count = 2 };

	destinations[0].host = "192.0.2.1";
	destinations[0].port = 104;
	destinations[1].host = "pacs";
	destinations[1].port = 11112;
	(void)dialler_run(3, &config, NULL);
	Frama_C_show_each_end();
	return 0;
}
