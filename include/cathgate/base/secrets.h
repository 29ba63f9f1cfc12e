/*
 * Keys leave no scraps. The processes of this program are forked from one that has read
 * keys; what OpenSSL had of them in memory that it freed as it was would be in each.
 *
 * Promises: what OpenSSL frees between secrets_begin and secrets_end is overwritten
 * first. Keys that are still held are their owner's to free.
 */
#ifndef CATHGATE_SECRETS_H
#define CATHGATE_SECRETS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Before anything else of OpenSSL is called, once. */
void secrets_init(void);

/* Around whatever reads a key. Not nested. */
void secrets_begin(void);
void secrets_end(void);

#ifdef __cplusplus
}
#endif

#endif
