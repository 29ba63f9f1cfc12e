/* DCMTK's dictionary of UIDs for C. All texts are static. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL when the dictionary does not hold it. */
const char *uid_dictionary_uid(const char *name);
const char *uid_dictionary_name(const char *uid);

/* The UIDs of the storage classes that DCMTK knows; NULL past the last one. */
const char *uid_dictionary_storage(size_t index);

#ifdef __cplusplus
}
#endif
