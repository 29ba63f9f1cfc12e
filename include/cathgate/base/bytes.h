/*
 * Numbers of 16, 32 and 64 bits within bytes, in big and in little endian. The bytes need
 * no alignment; their owner makes sure that they are there. A put_ returns the place
 * behind what it wrote.
 */
#pragma once

#include <stdint.h>

static inline uint16_t bytes_get_be16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

static inline uint16_t bytes_get_le16(const uint8_t *from)
{
	return (uint16_t)(from[1] << 8 | from[0]);
}

static inline uint32_t bytes_get_be32(const uint8_t *from)
{
	return (uint32_t)bytes_get_be16(from) << 16 | bytes_get_be16(from + 2);
}

static inline uint32_t bytes_get_le32(const uint8_t *from)
{
	return (uint32_t)bytes_get_le16(from + 2) << 16 | bytes_get_le16(from);
}

static inline uint64_t bytes_get_be64(const uint8_t *from)
{
	return (uint64_t)bytes_get_be32(from) << 32 | bytes_get_be32(from + 4);
}

static inline uint8_t *bytes_put_be16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)(value & 0xff);
	return to + 2;
}

static inline uint8_t *bytes_put_le16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value & 0xff);
	to[1] = (uint8_t)(value >> 8);
	return to + 2;
}

static inline uint8_t *bytes_put_be32(uint8_t *to, uint32_t value)
{
	to = bytes_put_be16(to, (uint16_t)(value >> 16));
	return bytes_put_be16(to, (uint16_t)(value & 0xffff));
}

static inline uint8_t *bytes_put_le32(uint8_t *to, uint32_t value)
{
	to = bytes_put_le16(to, (uint16_t)(value & 0xffff));
	return bytes_put_le16(to, (uint16_t)(value >> 16));
}

static inline uint8_t *bytes_put_be64(uint8_t *to, uint64_t value)
{
	to = bytes_put_be32(to, (uint32_t)(value >> 32));
	return bytes_put_be32(to, (uint32_t)(value & 0xffffffff));
}
