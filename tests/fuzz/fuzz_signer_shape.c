#include <string.h>

#include "cathgate/signer/shape.h"
#include "fuzz.h"

/* The first byte is the side. What one side signs the other doesn't; and nothing that is
 * signed begins another signed message, but for the two lengths of TLS 1.3's hash. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	enum signer_side side, other;
	enum signer_shape shape;

	if (size == 0)
		return 0;
	side = bytes[0] & 1 ? SIGNER_CLIENT : SIGNER_SERVER;
	other = side == SIGNER_SERVER ? SIGNER_CLIENT : SIGNER_SERVER;
	bytes++;
	size--;
	shape = signer_shape_of(side, bytes, size);
	if (shape == SIGNER_SHAPE_NONE)
		return 0;
	FUZZ_REQUIRE(signer_shape_of(other, bytes, size) == SIGNER_SHAPE_NONE);
	FUZZ_REQUIRE(signer_shape_of(side, bytes, size - 1) == SIGNER_SHAPE_NONE);
	FUZZ_REQUIRE(shape != SIGNER_SHAPE_VERIFY_13 || size == 130 || size == 146);
	FUZZ_REQUIRE(shape != SIGNER_SHAPE_KEY_EXCHANGE || side == SIGNER_SERVER);
	FUZZ_REQUIRE(shape != SIGNER_SHAPE_TRANSCRIPT || side == SIGNER_CLIENT);
	return 0;
}
