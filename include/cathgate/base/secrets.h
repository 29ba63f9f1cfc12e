/*
 * Keeps copies of keys out of freed memory. The supervisor reads keys with OpenSSL, and
 * lives long: without this, pieces of keys that were replaced by a reload would stay
 * there.
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
