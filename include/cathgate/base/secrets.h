/*
 * Keeps copies of keys out of freed memory. The supervisor reads keys with OpenSSL, and
 * then forks the other processes: without this, each would inherit the supervisor's freed
 * memory with pieces of keys in it.
 *
 * Promises: memory that OpenSSL frees between secrets_begin and secrets_end is
 * overwritten first. A key that is still in use is its owner's to free.
 */
#pragma once

/* Call once, before any other function of OpenSSL. */
void secrets_init(void);

/* Call around code that reads a key. They don't nest. */
void secrets_begin(void);
void secrets_end(void);
