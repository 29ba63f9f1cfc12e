#include "script.h"

#include <string.h>

#include "fuzz.h"

#define STORAGE	 "1.2.840.10008.5.1.4.1.1.12.1"
#define ECHO	 "1.2.840.10008.1.1"
#define IMPLICIT "1.2.840.10008.1.2"
#define EXPLICIT "1.2.840.10008.1.2.1"
#define DEFLATED "1.2.840.10008.1.2.1.99"
#define ROOM	 (1U << 17)

struct out {
	uint8_t bytes[ROOM];
	size_t size;
};

static void put(struct out *out, const void *bytes, size_t size)
{
	FUZZ_REQUIRE(size <= ROOM - out->size);
	memcpy(out->bytes + out->size, bytes, size);
	out->size += size;
}

static void put_byte(struct out *out, unsigned byte)
{
	put(out, &(uint8_t){ (uint8_t)byte }, 1);
}

static void put_be(struct out *out, size_t number, unsigned size)
{
	while (size-- > 0)
		put_byte(out, (unsigned)(number >> 8 * size) & 0xff);
}

static void put_le(struct out *out, size_t number, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		put_byte(out, (unsigned)(number >> 8 * i) & 0xff);
}

/* The length of what began at `from` goes into the `size` bytes before it. */
static void put_length(struct out *out, size_t from, unsigned size)
{
	size_t length = out->size - from;

	for (unsigned i = 1; i <= size; i++, length >>= 8)
		out->bytes[from - i] = (uint8_t)length;
}

static size_t begin_pdu(struct out *out, unsigned type)
{
	put_byte(out, type);
	put_byte(out, 0);
	put_be(out, 0, 4);
	return out->size;
}

static void put_pdv(struct out *out, const uint8_t *head, const uint8_t *bytes,
		    size_t size)
{
	size_t from = begin_pdu(out, 0x04);

	put_be(out, size + 2, 4);
	put(out, head, 2);
	put(out, bytes, size);
	put_length(out, from, 4);
}

static void put_element(struct out *out, unsigned element, const void *value, size_t size)
{
	put_le(out, element << 16, 4);
	put_le(out, size + size % 2, 4);
	put(out, value, size);
	if (size % 2)
		put_byte(out, 0);
}

static void put_us(struct out *out, unsigned element, unsigned value)
{
	put_element(out, element, (uint8_t[]){ value & 0xff, value >> 8 & 0xff }, 2);
}

static void put_uid(struct out *out, unsigned element, const char *uid)
{
	put_element(out, element, uid, strlen(uid));
}

/* Bytes, all optional: context, flags, command, message id, status (two), the number of
 * the instance; what follows is put behind as it is. */
static void put_command(struct out *out, enum script_side side, const uint8_t *bytes,
			size_t size)
{
	uint8_t said[7] = { 1, 0, 0x01, 1, 0, 0, 1 };
	static struct out set;
	size_t from, given = size < sizeof(said) ? size : sizeof(said);
	char instance[16];

	memcpy(said, bytes, given);
	snprintf(instance, sizeof(instance), "1.2.3.%u", said[6]);
	set.size = 0;
	put_element(&set, 0x0000, (uint8_t[4]){ 0 }, 4);
	from = set.size;
	put_uid(&set, 0x0002, said[2] == 0x30 ? ECHO : STORAGE);
	put_us(&set, 0x0100, said[2] | (side == SCRIPT_PACS ? 0x8000U : 0U));
	put_us(&set, side == SCRIPT_PACS ? 0x0120 : 0x0110, said[3]);
	if (said[2] == 0x01 && side == SCRIPT_MODALITY)
		put_us(&set, 0x0700, 0);
	put_us(&set, 0x0800,
	       said[2] == 0x01 && side == SCRIPT_MODALITY && !(said[1] & 1) ? 0x0001
									    : 0x0101);
	if (side == SCRIPT_PACS)
		put_us(&set, 0x0900, (unsigned)said[4] << 8 | said[5]);
	if (said[2] != 0x30)
		put_uid(&set, 0x1000, instance);
	put(&set, bytes + given, size - given);
	if (!(said[1] & 2)) {
		size_t length = set.size - from;

		for (unsigned i = 0; i < 4; i++, length >>= 8)
			set.bytes[8 + i] = (uint8_t)length;
	}
	put_pdv(out, (uint8_t[]){ said[0], said[1] & 4 ? 0x01 : 0x03 }, set.bytes,
		set.size);
}

static void put_item(struct out *out, unsigned type, const char *text)
{
	put_byte(out, type);
	put_byte(out, 0);
	put_be(out, strlen(text), 2);
	put(out, text, strlen(text));
}

static void put_context(struct out *out, enum script_side side, unsigned id,
			unsigned flags)
{
	static const char *const syntaxes[] = { IMPLICIT, EXPLICIT, DEFLATED,
						"1.2.840.10008.1.2.4.50" };
	size_t from;

	put_byte(out, side == SCRIPT_PACS ? 0x21 : 0x20);
	put_byte(out, 0);
	put_be(out, 0, 2);
	from = out->size;
	put_byte(out, id);
	put_byte(out, 0);
	put_byte(out, side == SCRIPT_PACS ? flags >> 2 & 7 : 0);
	put_byte(out, 0);
	if (side == SCRIPT_MODALITY)
		put_item(out, 0x30, flags & 4 ? ECHO : STORAGE);
	put_item(out, 0x40, syntaxes[flags & 3]);
	if (side == SCRIPT_MODALITY && flags & 8)
		put_item(out, 0x40, IMPLICIT);
	put_length(out, from, 2);
}

/* Bytes, all optional: the longest PDU in units of 16 (0: no limit), how many contexts
 * (three at most), then flags of each; what follows are items of the user information. */
static void put_associate(struct out *out, enum script_side side, const uint8_t *bytes,
			  size_t size)
{
	size_t contexts = size > 1 ? bytes[1] % 4 : 1, at = 2, from, user;

	from = begin_pdu(out, side == SCRIPT_PACS ? 0x02 : 0x01);
	put_be(out, 1, 2);
	put_be(out, 0, 2);
	put(out, "PACS            MODALITY        ", 32);
	for (int i = 0; i < 32; i++)
		put_byte(out, 0);
	put_item(out, 0x10, "1.2.840.10008.3.1.1.1");
	for (size_t i = 0; i < contexts; i++)
		put_context(out, side, 2 * (unsigned)i + 1, at < size ? bytes[at++] : 1);
	put(out, "\x50\x00\x00\x00", 4);
	user = out->size;
	put(out, "\x51\x00\x00\x04", 4);
	put_be(out, size > 0 ? 16U * bytes[0] : 16384, 4);
	put_item(out, 0x52, "1.2.3");
	if (at < size)
		put(out, bytes + at, size - at);
	put_length(out, user, 2);
	put_length(out, from, 4);
}

static void compose(enum script_kind kind, enum script_side side, const uint8_t *bytes,
		    size_t size, struct out *out)
{
	size_t from;

	out->size = 0;
	switch (kind) {
	case SCRIPT_PDU:
		if (size == 0)
			break;
		from = begin_pdu(out, bytes[0] & 7);
		put(out, bytes + 1, size - 1);
		put_length(out, from, 4);
		break;
	case SCRIPT_PDV:
		if (size >= 2)
			put_pdv(out, bytes, bytes + 2, size - 2);
		break;
	case SCRIPT_COMMAND:
		put_command(out, side, bytes, size);
		break;
	case SCRIPT_ASSOCIATE:
		put_associate(out, side, bytes, size);
		break;
	default:
		put(out, bytes, size);
		break;
	}
}

void script_read(const uint8_t *bytes, size_t size, struct script *ret)
{
	static struct out out;
	size_t at = 0;

	ret->count = 0;
	while (size - at >= 2 && ret->count < SCRIPT_STEPS_MAX) {
		struct script_step *step = &ret->steps[ret->count];
		enum script_kind kind = (bytes[at] & 0x7fU) % SCRIPT_KINDS;
		size_t length = bytes[at + 1];

		*step = (struct script_step){
			.side = bytes[at] & SCRIPT_OF_PACS ? SCRIPT_PACS
							   : SCRIPT_MODALITY,
			.is_close = kind == SCRIPT_CLOSE,
		};
		at += 2;
		if (kind == SCRIPT_RAW && at < size)
			length = length << 8 | bytes[at++];
		if (length > size - at)
			length = size - at;
		if (kind == SCRIPT_TIME)
			step->seconds = 1 + (length > 0 ? bytes[at] : 0);
		else if (kind != SCRIPT_CLOSE)
			compose(kind, step->side, bytes + at, length, &out);
		if (kind == SCRIPT_TIME || kind == SCRIPT_CLOSE)
			out.size = 0;
		at += length;
		if (out.size == 0 && kind != SCRIPT_TIME && kind != SCRIPT_CLOSE)
			continue;
		/* To the byte, so that a sanitizer sees each read outside. */
		step->bytes = malloc(out.size + 1);
		FUZZ_REQUIRE(step->bytes != NULL);
		memcpy(step->bytes, out.bytes, out.size);
		step->size = out.size;
		ret->count++;
	}
}

void script_clear(struct script *script)
{
	for (size_t i = 0; i < script->count; i++)
		free(script->steps[i].bytes);
	script->count = 0;
}

struct script_step *script_next(struct script *script)
{
	for (size_t i = 0; i < script->count; i++)
		if (!script->steps[i].is_over)
			return &script->steps[i];
	return NULL;
}

struct script_step *script_next_of(struct script *script, enum script_side side)
{
	for (size_t i = 0; i < script->count; i++) {
		struct script_step *step = &script->steps[i];

		if (!step->is_over && step->seconds == 0 && step->side == side)
			return step;
	}
	return NULL;
}
