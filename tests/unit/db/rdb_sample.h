/*
 * rdb_sample.h: small RDB files, made on the spot.  For tests only.
 */
#ifndef TESTS_DB_RDB_SAMPLE_H
#define TESTS_DB_RDB_SAMPLE_H

#include "base/buf.h"
#include "base/bytes.h"
#include "db/crc64.h"

#include <string.h>

/* Remarks, then with_keys ? one database with keys of some length : nothing. */
static inline void
rdb_sample(struct buf *out, bool with_keys)
{
	struct err err;
	static const char head[] = "REDIS0010\xfa\x09redis-ver\x06"
				   "7.0.15\xfa\x0aredis-bits\xc0\x40";
	static const char body[] = "\xfe\x00\xfb\x01\x00\x00\x01k\x05value";
	uint8_t crc[8];
	if (buf_add(out, head, sizeof head - 1, &err) ||
	    (with_keys && buf_add(out, body, sizeof body - 1, &err)) || buf_u8(out, 0xff, &err))
		abort();
	put_u64(crc, crc64(0, out->data, out->len));
	if (buf_add(out, crc, sizeof crc, &err))
		abort();
}

#endif
