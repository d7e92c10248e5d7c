/*
 * buf.h: a growable run of bytes.
 *
 * struct buf is a value: BUF_INIT, then buf_release; buf_new/buf_free for the
 * heap.  data is NULL while cap is 0.  The bytes always have room for one NUL
 * behind them once anything was added by buf_printf or buf_str.
 *
 * Errors: the add functions return ERR_NO_MEMORY and leave the buffer as it was.
 * Threads: one thread at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

#define BUF_INIT           \
	{                  \
		NULL, 0, 0 \
	}

void buf_release(struct buf *b);
struct buf *buf_new(void);
void buf_free(struct buf *b);
AUTO_FREE(buf, struct buf *, buf_free)

static inline void UNUSED
bufv_auto(struct buf *b)
{
	buf_release(b);
}

/* Make room for extra more bytes behind len. */
MUST_CHECK enum err_code buf_reserve(struct buf *b, size_t extra, struct err *err);
MUST_CHECK enum err_code buf_add(struct buf *b, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code buf_str(struct buf *b, const char *s, struct err *err);
MUST_CHECK enum err_code buf_printf(struct buf *b, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Little-endian integers, and the unsigned LEB128 varint of docs/format.md. */
MUST_CHECK enum err_code buf_u8(struct buf *b, uint8_t v, struct err *err);
MUST_CHECK enum err_code buf_u16(struct buf *b, uint16_t v, struct err *err);
MUST_CHECK enum err_code buf_u32(struct buf *b, uint32_t v, struct err *err);
MUST_CHECK enum err_code buf_u64(struct buf *b, uint64_t v, struct err *err);
MUST_CHECK enum err_code buf_varint(struct buf *b, uint64_t v, struct err *err);
/* varint length, then the bytes. */
MUST_CHECK enum err_code buf_blob(struct buf *b, const void *data, size_t len, struct err *err);

/* The bytes as a NUL-terminated string that stays the buffer's; NULL only when out of memory.
 */
const char *buf_cstr(struct buf *b);

#endif
