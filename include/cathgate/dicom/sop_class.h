/*
 * SOP classes (PS3.4, PS3.6 table A-1): which are storage, which name has which UID.
 * Storage is any abstract syntax but the standard's known non-storage ones, so private
 * and future storage classes pass. A UID that PS3.5 9.1 does not allow is none.
 */
#ifndef CATHGATE_SOP_CLASS_H
#define CATHGATE_SOP_CLASS_H

#include <stdbool.h>

#include "cathgate/base/must_use.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SOP_CLASS_VERIFICATION	 "1.2.840.10008.1.1"
#define TRANSFER_SYNTAX_IMPLICIT "1.2.840.10008.1.2"

bool sop_class_is_storage(const char *uid);

/* By DCMTK's dictionary name, as in "XRayAngiographicImageStorage"; for storage classes
 * its case does not count, so the standard's keywords fit. NULL when there is none. It is
 * static text. */
MUST_USE const char *sop_class_uid(const char *name);

#ifdef __cplusplus
}
#endif

#endif
