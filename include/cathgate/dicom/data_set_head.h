/*
 * Looks for four elements in the first 64 KiB of a data set: SOP Class UID (0008,0016),
 * SOP Instance UID (0008,0018), Patient ID (0010,0020) and Study Instance UID
 * (0020,000D). The audit record shows them, and the SOP class is compared with the
 * command's. Reading stops where the data set can't be understood: that never fails a
 * transfer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DATA_SET_HEAD_MAX	  (64 * 1024)
#define DATA_SET_HEAD_PATIENT_MAX 256 /* LO: 64 characters of up to 4 bytes */

struct data_set_head {
	char sop_class[65];    /* (0008,0016); "" when not found */
	char sop_instance[65]; /* (0008,0018); likewise */
	char study[65];	       /* "" when not found */
	/* As it came, trimmed; "" when not found. */
	char patient_id[DATA_SET_HEAD_PATIENT_MAX + 1];
};

/* Reads the first `size` bytes of a data set in a transfer syntax: implicit little
 * endian, explicit big endian, or deflated, which is inflated as far as possible. Any
 * other one is read as explicit little endian (PS3.5 A.4). Sequences are skipped. The
 * elements may be missing or come in any order; the first of a kind counts. */
void data_set_head_read(const uint8_t *bytes, size_t size, const char *transfer_syntax,
			struct data_set_head *ret);
