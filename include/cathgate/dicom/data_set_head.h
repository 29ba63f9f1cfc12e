/*
 * A bounded look at the head of a data set (64 KiB at most) for four elements: SOP Class
 * UID (0008,0016), SOP Instance UID (0008,0018), Patient ID (0010,0020) and Study
 * Instance UID (0020,000D). For the audit record, and to notice a data set whose SOP
 * class is another than its command's: whatever else it meets, it just stops; no transfer
 * fails for a data set that can't be read.
 */
#ifndef CATHGATE_DATA_SET_HEAD_H
#define CATHGATE_DATA_SET_HEAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DATA_SET_HEAD_MAX	  (64 * 1024)
#define DATA_SET_HEAD_PATIENT_MAX 256 /* LO: 64 characters of up to 4 bytes */

struct data_set_head {
	char sop_class[65];    /* (0008,0016); "" when not found */
	char sop_instance[65]; /* (0008,0018); likewise */
	char study[65];	       /* "" when not found */
	char patient_id[DATA_SET_HEAD_PATIENT_MAX +
			1]; /* as it came, trimmed; "" likewise */
};

/* Looks at the first `size` bytes of a data set in that transfer syntax: implicit little
 * endian, explicit little or big endian; deflated is inflated as far as it goes. Any
 * other transfer syntax, private ones too, is read as explicit little endian (PS3.5
 * A.4). Sequences of defined and of undefined length are stepped over. Each of the four
 * is found without the others, and in any order; of two of a kind the first counts. */
void data_set_head_read(const uint8_t *bytes, size_t size, const char *transfer_syntax,
			struct data_set_head *ret);

#ifdef __cplusplus
}
#endif

#endif
