/*
 * PDUs byte by byte (PS3.8 9.3), right or wrong as a test wants them. An item is opened,
 * filled and closed; closing writes its length.
 */
#ifndef CATHGATE_TESTS_PDU_BUILDER_H
#define CATHGATE_TESTS_PDU_BUILDER_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define IMPLICIT_LE	    "1.2.840.10008.1.2"
#define EXPLICIT_LE	    "1.2.840.10008.1.2.1"
#define APPLICATION_CONTEXT "1.2.840.10008.3.1.1.1"
#define VERIFICATION	    "1.2.840.10008.1.1"
#define XA_IMAGE	    "1.2.840.10008.5.1.4.1.1.12.1"
#define PRIVATE_CLASS	    "2.25.137.42"
#define MODALITY_UID	    "1.2.276.0.99.1"

struct pdu {
	uint8_t bytes[1024 * 1024];
	size_t size;
};

static inline void put(struct pdu *pdu, const void *bytes, size_t size)
{
	assert(pdu->size + size <= sizeof(pdu->bytes));
	if (size > 0)
		memcpy(pdu->bytes + pdu->size, bytes, size);
	pdu->size += size;
}

static inline void put_u8(struct pdu *pdu, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	put(pdu, &byte, 1);
}

static inline void put_u16(struct pdu *pdu, unsigned value)
{
	put_u8(pdu, value >> 8);
	put_u8(pdu, value & 0xff);
}

static inline void put_u32(struct pdu *pdu, uint32_t value)
{
	put_u16(pdu, value >> 16);
	put_u16(pdu, value & 0xffff);
}

static inline void put_text(struct pdu *pdu, const char *text)
{
	put(pdu, text, strlen(text));
}

/* With its 16-bit length before it. */
static inline void put_field(struct pdu *pdu, const char *text)
{
	put_u16(pdu, (unsigned)strlen(text));
	put_text(pdu, text);
}

static inline size_t open_item(struct pdu *pdu, unsigned type)
{
	put_u8(pdu, type);
	put_u8(pdu, 0);
	put_u16(pdu, 0);
	return pdu->size;
}

static inline void close_item(struct pdu *pdu, size_t item)
{
	size_t size = pdu->size - item;

	pdu->bytes[item - 2] = (uint8_t)(size >> 8);
	pdu->bytes[item - 1] = (uint8_t)size;
}

static inline void put_item(struct pdu *pdu, unsigned type, const char *text)
{
	size_t item = open_item(pdu, type);

	put_text(pdu, text);
	close_item(pdu, item);
}

static inline void put_u32_item(struct pdu *pdu, unsigned type, uint32_t value)
{
	size_t item = open_item(pdu, type);

	put_u32(pdu, value);
	close_item(pdu, item);
}

/* One PDU begins at `start`; its length is written when it is whole. */
static inline size_t open_pdu(struct pdu *pdu, unsigned type)
{
	size_t start = pdu->size;

	put_u8(pdu, type);
	put_u8(pdu, 0);
	put_u32(pdu, 0);
	return start;
}

static inline void close_pdu(struct pdu *pdu, size_t start)
{
	size_t size = pdu->size - start - 6;

	for (int i = 0; i < 4; i++)
		pdu->bytes[start + 2 + (size_t)i] = (uint8_t)(size >> (24 - 8 * i));
}

/* An A-ASSOCIATE-RQ's or AC's fixed part and its application context. */
static inline size_t open_associate(struct pdu *pdu, unsigned type, const char *called,
				    const char *calling)
{
	size_t start = open_pdu(pdu, type);
	char titles[33];

	put_u16(pdu, 1);
	put_u16(pdu, 0);
	snprintf(titles, sizeof(titles), "%-16s%-16s", called, calling);
	put(pdu, titles, 32);
	for (int i = 0; i < 8; i++)
		put_u32(pdu, 0);
	put_item(pdu, 0x10, APPLICATION_CONTEXT);
	return start;
}

static inline void put_context(struct pdu *pdu, unsigned id, const char *abstract_syntax,
			       const char *const *transfer_syntaxes, size_t count)
{
	size_t item = open_item(pdu, 0x20);

	put_u8(pdu, id);
	put_u8(pdu, 0);
	put_u16(pdu, 0);
	put_item(pdu, 0x30, abstract_syntax);
	for (size_t i = 0; i < count; i++)
		put_item(pdu, 0x40, transfer_syntaxes[i]);
	close_item(pdu, item);
}

static inline void put_context_answer(struct pdu *pdu, unsigned id, unsigned result,
				      const char *transfer_syntax)
{
	size_t item = open_item(pdu, 0x21);

	put_u8(pdu, id);
	put_u8(pdu, 0);
	put_u8(pdu, result);
	put_u8(pdu, 0);
	put_item(pdu, 0x40, transfer_syntax);
	close_item(pdu, item);
}

/* The user information as far as every request has it; to be closed. */
static inline size_t open_user_information(struct pdu *pdu, uint32_t maximum)
{
	size_t item = open_item(pdu, 0x50);

	put_u32_item(pdu, 0x51, maximum);
	put_item(pdu, 0x52, MODALITY_UID);
	put_item(pdu, 0x55, "MODALITY_7");
	return item;
}

static inline void put_role(struct pdu *pdu, const char *sop_class, unsigned scu,
			    unsigned scp)
{
	size_t item = open_item(pdu, 0x54);

	put_field(pdu, sop_class);
	put_u8(pdu, scu);
	put_u8(pdu, scp);
	close_item(pdu, item);
}

static inline void put_extended(struct pdu *pdu, const char *sop_class,
				const char *information)
{
	size_t item = open_item(pdu, 0x56);

	put_field(pdu, sop_class);
	put_text(pdu, information);
	close_item(pdu, item);
}

static inline void put_user_identity(struct pdu *pdu, unsigned type, const char *primary,
				     const char *secondary)
{
	size_t item = open_item(pdu, 0x58);

	put_u8(pdu, type);
	put_u8(pdu, 1);
	put_field(pdu, primary);
	put_field(pdu, secondary);
	close_item(pdu, item);
}

static inline void put_short(struct pdu *pdu, unsigned type, unsigned byte_8,
			     unsigned byte_9, unsigned byte_10)
{
	size_t start = open_pdu(pdu, type);

	put_u8(pdu, 0);
	put_u8(pdu, byte_8);
	put_u8(pdu, byte_9);
	put_u8(pdu, byte_10);
	close_pdu(pdu, start);
}

static inline void put_pdv(struct pdu *pdu, unsigned context, unsigned control,
			   const void *data, size_t size)
{
	put_u32(pdu, (uint32_t)size + 2);
	put_u8(pdu, context);
	put_u8(pdu, control);
	put(pdu, data, size);
}

static inline void put_data(struct pdu *pdu, unsigned context, unsigned control,
			    const void *data, size_t size)
{
	size_t start = open_pdu(pdu, 0x04);

	put_pdv(pdu, context, control, data, size);
	close_pdu(pdu, start);
}

#endif
