/*
 * UIDs (PS3.5 9) as they stand in a command set or a data set: digits and dots, at most
 * 64 of them, padded with a NUL; a space is seen in the field.
 */
#ifndef CATHGATE_DICOM_UID_H
#define CATHGATE_DICOM_UID_H

#include <stddef.h>
#include <stdint.h>

#define UID_MAX 64

/* Copies the value without its padding. 0, "" for an empty one too; or -1 with *ret
 * untouched when it is no UID. */
int uid_copy(const uint8_t *bytes, size_t size, char ret[UID_MAX + 1]);

#endif
