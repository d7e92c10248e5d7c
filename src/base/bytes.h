/*
 * bytes.h: little-endian integers in raw memory, hexadecimal, and a bounded reader.
 *
 * struct rd reads a run of bytes that may be hostile: every read is checked
 * against the end, the first bad read marks the reader as failed, and all
 * later reads give zeros, so that a parser may read a whole record and ask
 * rd_ok once.  Pointers it returns point into the run given to rd_init.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/defs.h"

#include <stdbool.h>
#include <string.h>

static inline void
put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void
put_u64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint16_t
get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
get_u32(const uint8_t *p)
{
	uint32_t v = 0;
	for (int i = 0; i < 4; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

static inline uint64_t
get_u64(const uint8_t *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/* Write 2 * len lower-case hexadecimal digits and a NUL. */
void hex_encode(char *out, const uint8_t *data, size_t len);
/* Read exactly 2 * len digits of lower-case hexadecimal; false if there is anything else. */
bool hex_decode(uint8_t *out, size_t len, const char *text, size_t text_len);
/* Of one digit, small or capital; -1 of anything else. */
int hex_value(char c);

struct rd {
	const uint8_t *p;
	const uint8_t *end;
	bool failed;
};

void rd_init(struct rd *r, const void *data, size_t len);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* At most ten bytes, shortest form only, so that equal values have equal bytes. */
uint64_t rd_varint(struct rd *r);
/* len bytes, or NULL when there are fewer left. */
const uint8_t *rd_bytes(struct rd *r, size_t len);
/* A varint length and that many bytes; the length goes to *len. */
const uint8_t *rd_blob(struct rd *r, size_t *len);
size_t rd_left(const struct rd *r);

static inline bool
rd_ok(const struct rd *r)
{
	return !r->failed;
}

/* True when every byte was read and nothing failed. */
static inline bool
rd_done(const struct rd *r)
{
	return !r->failed && r->p == r->end;
}

#endif
