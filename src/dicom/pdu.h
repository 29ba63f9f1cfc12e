/*
 * The heads of PDUs (PS3.8 9.3.1) and of the PDVs within a P-DATA-TF (PS3.8 9.3.5.1 and
 * E.2). The bytes come from the network: each length is checked, and nothing is
 * allocated. In C, so that Frama-C can read it (tests/fuzz/eva).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/dicom/upper_layer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PDU_HEAD_SIZE 6
#define PDV_HEAD_SIZE 6

enum pdu_type {
	PDU_NONE = 0,
	PDU_ASSOCIATE_RQ = 1,
	PDU_ASSOCIATE_AC = 2,
	PDU_ASSOCIATE_RJ = 3,
	PDU_DATA = 4,
	PDU_RELEASE_RQ = 5,
	PDU_RELEASE_RP = 6,
	PDU_ABORT = 7
};

struct pdu_head {
	uint8_t type;	 /* any number */
	uint32_t length; /* of what follows the head */
};

/* Whether it is a PDU among those that are allowed, bits 1 << pdu_type, and not of a
 * wrong length. *ret is filled in any case. */
MUST_USE bool pdu_head_read(const uint8_t bytes[PDU_HEAD_SIZE], unsigned allowed,
			    struct pdu_head *ret);

/* Takes the next PDV from *left bytes of a P-DATA-TF's body. False when it doesn't fit
 * into them; nothing is taken then. */
MUST_USE bool pdv_take(const uint8_t **bytes, size_t *left, struct ul_pdv *ret);

#ifdef __cplusplus
}
#endif
