#include "db/rdb_members.h"

#include "base/room.h"
#include "db/rdb_packed.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- types --- */

static const struct rdb_shape types[] = {
	[RDB_STRING] = { RDB_WORD_STRING, BY_ITSELF, 1 },
	[RDB_LIST] = { RDB_WORD_LIST, IN_LOOP, 1 },
	[RDB_SET] = { RDB_WORD_SET, IN_LOOP, 1 },
	[RDB_ZSET] = { RDB_WORD_ZSET, IN_LOOP, 2 },
	[RDB_HASH] = { RDB_WORD_HASH, IN_LOOP, 2 },
	[RDB_ZSET_2] = { RDB_WORD_ZSET, IN_LOOP, 2 },
	[RDB_MODULE] = { RDB_WORD_MODULE, BY_ITSELF, 1 },
	[RDB_HASH_ZIPMAP] = { RDB_WORD_HASH, IN_ZIPMAP, 2 },
	[RDB_LIST_ZIPLIST] = { RDB_WORD_LIST, IN_ZIPLIST, 1 },
	[RDB_SET_INTSET] = { RDB_WORD_SET, IN_INTSET, 1 },
	[RDB_ZSET_ZIPLIST] = { RDB_WORD_ZSET, IN_ZIPLIST, 2 },
	[RDB_HASH_ZIPLIST] = { RDB_WORD_HASH, IN_ZIPLIST, 2 },
	[RDB_QUICKLIST] = { RDB_WORD_LIST, IN_NODES, 1 },
	[RDB_STREAM] = { RDB_WORD_STREAM, BY_ITSELF, 1 },
	[RDB_HASH_LISTPACK] = { RDB_WORD_HASH, IN_LISTPACK, 2 },
	[RDB_ZSET_LISTPACK] = { RDB_WORD_ZSET, IN_LISTPACK, 2 },
	[RDB_QUICKLIST_2] = { RDB_WORD_LIST, IN_NODES_2, 1 },
	[RDB_STREAM_2] = { RDB_WORD_STREAM, BY_ITSELF, 1 },
	[RDB_SET_LISTPACK] = { RDB_WORD_SET, IN_LISTPACK, 1 },
	[RDB_STREAM_3] = { RDB_WORD_STREAM, BY_ITSELF, 1 },
	[RDB_HASH_EXPIRING] = { RDB_WORD_HASH, IN_LOOP, 3 },
	[RDB_HASH_EXPIRING_LISTPACK] = { RDB_WORD_HASH, IN_LISTPACK, 3 },
};

const struct rdb_shape *
rdb_shape_of(uint8_t type)
{
	return type < ARRAY_LEN(types) && types[type].parts > 0 ? &types[type] : NULL;
}

/* --- parts --- */

void
rdb_members_release(struct rdb_members *m)
{
	buf_release(&m->bytes);
	free(m->parts);
}

static enum err_code
begin_part(struct rdb_members *m, struct err *err)
{
	if (ROOM(m->parts, m->count, m->cap, 16, err))
		return err->code;
	m->parts[m->count].at = m->bytes.len;
	return ERR_OK;
}

static enum err_code
end_part(struct rdb_members *m, struct err *err)
{
	m->parts[m->count].len = m->bytes.len - m->parts[m->count].at;
	m->count++;
	return buf_u8(&m->bytes, '\0', err);
}

static enum err_code
add_part(struct rdb_members *m, const void *data, size_t len, struct err *err)
{
	if (begin_part(m, err) || buf_add(&m->bytes, data, len, err))
		return err->code;
	return end_part(m, err);
}

static enum err_code
add_string(struct rdb_members *m, struct rd *r, struct err *err)
{
	if (begin_part(m, err) || rdb_read_string(r, &m->bytes, err))
		return err->code;
	return end_part(m, err);
}

/* The shortest text that gives the same number; there is one zero. */
static enum err_code
add_score(struct rdb_members *m, double v, struct err *err)
{
	char text[40];
	int len = 0;
	if (fabs(v) < 1e15 && v == floor(v))
		return add_part(m, text, rdb_integer_text(text, (int64_t)v), err);
	for (int digits = 15; digits <= 17; digits++) {
		len = snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	return add_part(m, text, (size_t)len, err);
}

/* --- reading members --- */

static enum err_code
add_packed(struct rdb_members *m, enum packed_kind kind, const struct buf *bytes,
    bool has_scores, struct err *err)
{
	struct packed p;
	struct packed_entry e;
	packed_init(&p, kind, bytes->data, bytes->len);
	while (packed_next(&p, &e)) {
		char scratch[RDB_INTEGER_TEXT];
		size_t len;
		const void *text = packed_text(&e, scratch, &len);
		bool is_score = has_scores && m->count % 2 == 1;
		if (!is_score) {
			if (add_part(m, text, len, err))
				return err->code;
			continue;
		}
		char number[64];
		len = min_size(len, sizeof number - 1);
		memcpy(number, text, len);
		number[len] = '\0';
		if (add_score(m, strtod(number, NULL), err))
			return err->code;
	}
	return packed_ok(&p) ? ERR_OK : rdb_bad(err);
}

/* A string that is such a run of bytes. */
static enum err_code
read_packed(struct rdb_members *m, enum packed_kind kind, struct rd *r, bool has_scores,
    struct err *err)
{
	AUTO(bufv) struct buf bytes = BUF_INIT;
	if (rdb_read_string(r, &bytes, err))
		return err->code;
	return add_packed(m, kind, &bytes, has_scores, err);
}

/* When a field expires, as text; "0": never. */
static enum err_code
add_time(struct rdb_members *m, uint64_t ms, struct err *err)
{
	char text[24];
	return add_part(m, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, ms), err);
}

static enum err_code
read_member(struct rdb_members *m, const struct rdb_shape *t, uint64_t first, struct rd *r,
    struct err *err)
{
	uint64_t expires = 0;
	if (t->parts == 3) {
		uint64_t behind = rdb_read_length(r);
		expires = behind > 0 ? first + behind - 1 : 0;
	}
	if (add_string(m, r, err))
		return err->code;
	if (t == &types[RDB_ZSET])
		return add_score(m, rdb_read_text_number(r), err);
	if (t == &types[RDB_ZSET_2])
		return add_score(m, rdb_read_double(r), err);
	if (t->parts >= 2 && add_string(m, r, err))
		return err->code;
	return t->parts == 3 ? add_time(m, expires, err) : ERR_OK;
}

static enum err_code
read_nodes(struct rdb_members *m, const struct rdb_shape *t, struct rd *r, struct err *err)
{
	for (uint64_t n = rdb_read_length(r); n > 0 && rd_ok(r); n--) {
		bool is_old = t->source == IN_NODES;
		bool is_alone = !is_old && rdb_read_length(r) == 1;
		enum packed_kind kind = is_old ? PACKED_ZIPLIST : PACKED_LISTPACK;
		if (is_alone ? add_string(m, r, err) : read_packed(m, kind, r, false, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
read_members(struct rdb_members *m, const struct rdb_shape *t, struct rd *r, struct err *err)
{
	bool has_scores = t->word == RDB_WORD_ZSET;
	/* When the first field of a hash expires. */
	uint64_t first = t->parts == 3 ? rd_u64(r) : 0;
	switch (t->source) {
	case IN_LISTPACK:
		return read_packed(m, PACKED_LISTPACK, r, has_scores, err);
	case IN_ZIPLIST:
		return read_packed(m, PACKED_ZIPLIST, r, has_scores, err);
	case IN_INTSET:
		return read_packed(m, PACKED_INTSET, r, has_scores, err);
	case IN_ZIPMAP:
		return read_packed(m, PACKED_ZIPMAP, r, has_scores, err);
	case IN_NODES:
	case IN_NODES_2:
		return read_nodes(m, t, r, err);
	default:
		break;
	}
	for (uint64_t n = rdb_read_length(r); n > 0 && rd_ok(r); n--)
		if (read_member(m, t, first, r, err))
			return err->code;
	return ERR_OK;
}

enum err_code
rdb_members_read(
    struct rdb_members *m, const struct rdb_shape *t, struct rd *r, struct err *err)
{
	if (read_members(m, t, r, err))
		return err->code;
	return rd_ok(r) && m->count % t->parts == 0 ? ERR_OK : rdb_bad(err);
}

/* --- order --- */

struct order {
	const uint8_t *bytes;
	size_t parts;
};

static int
by_bytes(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct rdb_span *x = a;
	const struct rdb_span *y = b;
	for (size_t i = 0; i < o->parts; i++) {
		size_t len = min_size(x[i].len, y[i].len);
		int order = memcmp(o->bytes + x[i].at, o->bytes + y[i].at, len);
		if (order != 0)
			return order;
		if (x[i].len != y[i].len)
			return x[i].len < y[i].len ? -1 : 1;
	}
	return 0;
}

void
rdb_members_sort(struct rdb_members *m, size_t parts)
{
	struct order o = { m->bytes.data, parts };
	if (m->count > 0)
		qsort_r(m->parts, m->count / parts, parts * sizeof *m->parts, by_bytes, &o);
}
