#include "base/buf.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
buf_release(struct buf *b)
{
	if (b == NULL)
		return;
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

struct buf *
buf_new(void)
{
	return calloc(1, sizeof(struct buf));
}

void
buf_free(struct buf *b)
{
	buf_release(b);
	free(b);
}

enum err_code
buf_reserve(struct buf *b, size_t extra, struct err *err)
{
	if (b->cap - b->len >= extra)
		return ERR_OK;
	if (extra > SIZE_MAX / 2 - b->len)
		return err_nomem(err);
	size_t want = b->len + extra;
	size_t cap = max_size(b->cap + b->cap / 2, 64);
	cap = max_size(cap, want);
	uint8_t *p = realloc(b->data, cap);
	if (p == NULL)
		return err_nomem(err);
	b->data = p;
	b->cap = cap;
	return ERR_OK;
}

enum err_code
buf_add(struct buf *b, const void *data, size_t len, struct err *err)
{
	if (len == 0)
		return ERR_OK;
	if (buf_reserve(b, len, err))
		return err->code;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return ERR_OK;
}

enum err_code
buf_str(struct buf *b, const char *s, struct err *err)
{
	size_t n = strlen(s);
	if (buf_reserve(b, n + 1, err))
		return err->code;
	memcpy(b->data + b->len, s, n + 1);
	b->len += n;
	return ERR_OK;
}

enum err_code
buf_printf(struct buf *b, struct err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_set(err, ERR_USAGE, "text cannot be formatted");
	if (buf_reserve(b, (size_t)n + 1, err))
		return err->code;
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return ERR_OK;
}

enum err_code
buf_u8(struct buf *b, uint8_t v, struct err *err)
{
	return buf_add(b, &v, 1, err);
}

enum err_code
buf_u16(struct buf *b, uint16_t v, struct err *err)
{
	uint8_t raw[2];
	put_u16(raw, v);
	return buf_add(b, raw, sizeof raw, err);
}

enum err_code
buf_u32(struct buf *b, uint32_t v, struct err *err)
{
	uint8_t raw[4];
	put_u32(raw, v);
	return buf_add(b, raw, sizeof raw, err);
}

enum err_code
buf_u64(struct buf *b, uint64_t v, struct err *err)
{
	uint8_t raw[8];
	put_u64(raw, v);
	return buf_add(b, raw, sizeof raw, err);
}

enum err_code
buf_varint(struct buf *b, uint64_t v, struct err *err)
{
	uint8_t raw[10];
	size_t n = 0;
	while (v >= 0x80) {
		raw[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	raw[n++] = (uint8_t)v;
	return buf_add(b, raw, n, err);
}

enum err_code
buf_blob(struct buf *b, const void *data, size_t len, struct err *err)
{
	if (buf_reserve(b, len + 10, err))
		return err->code;
	if (buf_varint(b, len, err))
		return err->code;
	return buf_add(b, data, len, err);
}

const char *
buf_cstr(struct buf *b)
{
	struct err scratch; /* the caller sees the failure as NULL */
	if (buf_reserve(b, 1, &scratch))
		return NULL;
	b->data[b->len] = '\0';
	return (const char *)b->data;
}
