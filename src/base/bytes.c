#include "base/bytes.h"

void
hex_encode(char *out, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
hex_decode(uint8_t *out, size_t len, const char *text, size_t text_len)
{
	if (text_len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int hi = hex_digit(text[2 * i]);
		int lo = hex_digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void
rd_init(struct rd *r, const void *data, size_t len)
{
	r->p = data;
	r->end = r->p + len;
	r->failed = false;
}

size_t
rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

const uint8_t *
rd_bytes(struct rd *r, size_t len)
{
	if (r->failed || rd_left(r) < len) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *p = r->p;
	r->p += len;
	return p;
}

uint8_t
rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);
	return p != NULL ? p[0] : 0;
}

uint16_t
rd_u16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);
	return p != NULL ? get_u16(p) : 0;
}

uint32_t
rd_u32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);
	return p != NULL ? get_u32(p) : 0;
}

uint64_t
rd_u64(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 8);
	return p != NULL ? get_u64(p) : 0;
}

uint64_t
rd_varint(struct rd *r)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = rd_u8(r);
		if (r->failed)
			return 0;
		uint64_t part = b & 0x7f;
		if (shift == 63 && part > 1)
			break;
		v |= part << shift;
		if ((b & 0x80) == 0) {
			if (b == 0 && shift > 0)
				break; /* not the shortest form */
			return v;
		}
	}
	r->failed = true;
	return 0;
}

const uint8_t *
rd_blob(struct rd *r, size_t *len)
{
	uint64_t n = rd_varint(r);
	*len = 0;
	if (r->failed || n > rd_left(r)) {
		r->failed = true;
		return NULL;
	}
	*len = (size_t)n;
	return rd_bytes(r, (size_t)n);
}
