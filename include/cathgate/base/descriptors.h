/*
 * Descriptors sent from process to process (unix(7), SCM_RIGHTS) with a message that says
 * what they are. The channels are of SOCK_SEQPACKET or SOCK_STREAM.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

#define DESCRIPTORS_MAX 8 /* with one message */

/* The descriptors stay the sender's. Never raises SIGPIPE; `flags` as for sendmsg(2).
 * 0; or -1 with errno, and nothing sent. */
MUST_USE int descriptors_send(int channel, const void *message, size_t size,
			      const int *descriptors, size_t count, int flags);

/* Opens a channel: sends one end of a new pair of sockets (SOCK_SEQPACKET) with the
 * message, without waiting, and returns the other, close-on-exec and the caller's; or -1
 * with errno, and nothing sent. */
MUST_USE int descriptors_open(int control, const void *message, size_t size);

/* Receives a message and the descriptors with it. Returns what recvmsg(2) does. The
 * descriptors are the caller's and close-on-exec: `*ret_count` of them, at most `max`;
 * any others are closed. There are none after a failure. */
MUST_USE ssize_t descriptors_receive(int channel, void *message, size_t size, int *ret,
				     size_t max, size_t *ret_count, int flags);

/* The same for at most one descriptor: `*ret` is -1 when none came. */
MUST_USE ssize_t descriptor_receive(int channel, void *message, size_t size, int *ret,
				    int flags);
