/*
 * What a file holds that isn't what it was named for, so that a message can say what to
 * make of it: certificates, keys and CRLs come in half a dozen forms, many of them under
 * the same endings.
 */
#ifndef CATHGATE_PEM_H
#define CATHGATE_PEM_H

#ifdef __cplusplus
extern "C" {
#endif

enum pem_wanted { PEM_CERTIFICATE, PEM_KEY, PEM_CRL, PEM_REQUEST };

/* Of a file that couldn't be read as `wanted` in PEM form: what it is and what to do, to
 * follow its name. NULL when that can't be told. The descriptor is at another place
 * afterwards. */
const char *pem_advice(int fd, enum pem_wanted wanted);

#ifdef __cplusplus
}
#endif

#endif
