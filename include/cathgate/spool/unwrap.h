/*
 * What is asked of the spool keeper (keeper/unwrapper.h) over a channel: by a courier an
 * object's secret, by the spooler its names keys. Plain structs of one program.
 */
#pragma once

#include <stdint.h>

#include "cathgate/spool/key.h"

enum spool_unwrap_kind { SPOOL_UNWRAP_OBJECT = 1, SPOOL_UNWRAP_NAMES };

struct spool_unwrap_asked {
	uint32_t kind;
	uint32_t enc_size;
	uint32_t number; /* of SPOOL_UNWRAP_NAMES: which of the keys */
	uint8_t key_id[SPOOL_KEY_ID_SIZE];
	uint8_t enc[SPOOL_ENC_MAX];
};

struct spool_unwrap_said {
	uint32_t is_good,
		has_key; /* it may have the key, and the key refuses what was sealed */
	struct spool_secret secret;
	struct spool_names_key names;
};
