/*
 * Descriptors handed from process to process, with the word that says what they are
 * (unix(7), SCM_RIGHTS). The lines are of SOCK_SEQPACKET or SOCK_STREAM.
 */
#ifndef CATHGATE_DESCRIPTORS_H
#define CATHGATE_DESCRIPTORS_H

#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DESCRIPTORS_MAX 8 /* with one word */

/* The descriptors stay the sender's. Never raises SIGPIPE; `flags` as for sendmsg(2).
 * 0; or -1 with errno, and nothing sent. */
MUST_USE int descriptors_send(int line, const void *word, size_t size,
			      const int *descriptors, size_t count, int flags);

/* What recvmsg(2) returns; those received are the caller's, close-on-exec: `*ret_count`
 * of them, at most `max`. What came beyond is closed. None after a failure. */
MUST_USE ssize_t descriptors_receive(int line, void *word, size_t size, int *ret,
				     size_t max, size_t *ret_count, int flags);

/* The same where one is due, or none: -1 in `*ret` when none came. */
MUST_USE ssize_t descriptor_receive(int line, void *word, size_t size, int *ret,
				    int flags);

#ifdef __cplusplus
}
#endif

#endif
