/*
 * row_walk.h: what must hold for the rows in any bytes, for fuzz targets.
 */
#ifndef TESTS_FUZZ_ROW_WALK_H
#define TESTS_FUZZ_ROW_WALK_H

#include "db/row.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Their texts, one behind the other, each with its length; false: one is not as it should be.
 */
static inline bool
row_texts(enum row_format format, const struct field *fields, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		struct err err = ERR_INIT;
		AUTO(bufv) struct buf text = BUF_INIT;
		enum err_code rc = row_text(format, &fields[i], &text, &err);
		assert(rc == ERR_OK || rc == ERR_CORRUPT);
		assert(rc == ERR_OK || text.len == 0);
		assert(!fields[i].is_null || text.len == 0);
		if (rc)
			return false;
		if (buf_u64(out, text.len, &err) || buf_add(out, text.data, text.len, &err))
			abort();
	}
	return true;
}

/* A canonical row says the same, and is its own canonical row. */
static inline void
row_walk_canonical(
    enum row_format format, const struct row *row, const struct buf *texts, bool is_good)
{
	struct err err = ERR_INIT;
	struct field fields[8];
	size_t n;
	AUTO(bufv) struct buf canonical = BUF_INIT;
	AUTO(bufv) struct buf again = BUF_INIT;
	enum err_code rc = row_canonical(format, row, &canonical, &err);
	assert(rc == ERR_OK || rc == ERR_CORRUPT);
	if (format == ROW_RDB)
		assert((rc == ERR_OK) == is_good);
	if (rc)
		return;
	struct row other = { canonical.data, canonical.len };
	if (row_canonical(format, &other, &again, &err))
		abort();
	assert(again.len == canonical.len &&
	       (again.len == 0 || memcmp(again.data, canonical.data, again.len) == 0));
	if (row_split(format, &other, fields, 8, &n, &err))
		return;
	again.len = 0;
	assert(row_texts(format, fields, min_size(n, 8), &again) == is_good);
	if (is_good)
		assert(again.len == texts->len &&
		       (again.len == 0 || memcmp(again.data, texts->data, again.len) == 0));
}

static inline void
row_walk_one(enum row_format format, const struct row *row)
{
	struct err err = ERR_INIT;
	struct field fields[8];
	size_t n;
	AUTO(bufv) struct buf texts = BUF_INIT;
	enum err_code rc = row_split(format, row, fields, 8, &n, &err);
	assert(rc == ERR_OK || rc == ERR_CORRUPT);
	if (rc)
		return;
	for (size_t i = 0; i < n && i < 8; i++)
		assert(fields[i].data >= row->data &&
		       fields[i].data + fields[i].len <= row->data + row->len);
	bool is_good = row_texts(format, fields, min_size(n, 8), &texts);
	row_walk_canonical(format, row, &texts, is_good);
}

/* Rows stand one behind the other within the bytes; from the end of each on, the others are
 * found again. */
static inline void
row_walk(enum row_format format, const uint8_t *data, size_t len)
{
	struct row_reader r;
	size_t at = 0;
	assert(row_head(format, data, len) <= len);
	row_reader_init(&r, format, data, len);
	for (;;) {
		struct err err = ERR_INIT;
		struct row row = { NULL, 0 };
		bool got = false;
		enum err_code rc = row_next(&r, &row, &got, &err);
		assert(rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
		if (rc || !got)
			break;
		assert(row.data >= data + at && row.data + row.len <= data + r.pos);
		assert(r.pos > at && r.pos <= len);
		at = r.pos;
		row_walk_one(format, &row);
	}
}

#endif
