/*
 * Sockets: listening, connecting, and the options that the relay lives by.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cathgate/base/must_use.h"
#include "cathgate/net/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A non-blocking, close-on-exec listening socket on a numeric address and a port (0: the
 * system picks one). -1 with errno. */
MUST_USE int net_listen(const char *address, uint16_t port);

/* The same beside sockets that listen on that port at another address of this machine's:
 * both sides must share it (net_share_port) meanwhile. */
MUST_USE int net_listen_shared(const char *address, uint16_t port);
void net_share_port(int fd, bool shared);

/* The port that a listening socket has; 0 when it can't be told. */
uint16_t net_port(int fd);

/* Non-blocking, close-on-exec, TCP_NODELAY, and keepalive with TCP_USER_TIMEOUT so that a
 * peer that vanished without a word is noticed within 30 s. -1 with errno. */
MUST_USE int net_tune(int fd);

/* Asks for an immediate ACK of what comes next. Linux forgets it after each delayed ACK,
 * so it is set again before each wait: it saves 40 ms an object with a peer that has
 * Nagle's algorithm on. */
void net_quickack(int fd);

/* Closes; errno is left as it was. */
void net_close(int fd);

/* Begins to connect to the address, and never waits. The tuned socket, which may still be
 * connecting; or -1 with errno. */
MUST_USE int net_begin_connect(const struct sockaddr_storage *to);
/* Waits with `waiter` until such a socket is connected: 0; or -1 with errno, ECANCELED
 * when the waiter gave up. The socket stays the caller's. */
MUST_USE int net_await_connected(int fd, const struct waiter *waiter);

#ifdef __cplusplus
}
#endif
