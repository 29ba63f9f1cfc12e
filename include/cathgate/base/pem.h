/*
 * Advice about a file that isn't the certificate, key, CRL or request that it should be.
 * These come in half a dozen forms, often with the same endings to their names, so a
 * message says what the file is and how to convert it.
 */
#pragma once

enum pem_wanted { PEM_CERTIFICATE, PEM_KEY, PEM_CRL, PEM_REQUEST };

/* For a file that couldn't be read as `wanted` in PEM form: what it is and what to do, a
 * static text to follow the file's name; or NULL. Moves the descriptor's position. */
const char *pem_advice(int fd, enum pem_wanted wanted);
