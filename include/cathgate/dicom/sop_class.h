/*
 * SOP classes (PS3.4, PS3.6 table A-1): whether one is a storage class, and the UIDs of
 * their names. Any abstract syntax except the standard's non-storage ones is a storage
 * class, so that private and future ones pass; but not a UID that PS3.5 9.1 forbids.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SOP_CLASS_VERIFICATION	 "1.2.840.10008.1.1"
#define TRANSFER_SYNTAX_IMPLICIT "1.2.840.10008.1.2"

bool sop_class_is_storage(const char *uid);

/* The UID, static text, of a name in DCMTK's dictionary, as
 * "XRayAngiographicImageStorage"; or NULL. Case doesn't matter for storage classes, so
 * that the standard's keywords fit. */
MUST_USE const char *sop_class_uid(const char *name);

#ifdef __cplusplus
}
#endif
