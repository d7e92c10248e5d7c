/*
 * All but strings, streams and modules are members of one to three parts: a value,
 * a field and its value, a member and its score, a field, its value and when it
 * expires.  They are collected, whatever they stand in, brought into order, and
 * written.
 */
#include "db/rdb_value.h"

#include "base/strv.h"
#include "db/rdb_packed.h"
#include "db/rdb_read.h"
#include "db/rdb_stream.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- types --- */

/* Where a type's members stand. */
enum source {
	IN_LOOP, /* strings, one by one */
	IN_LISTPACK,
	IN_ZIPLIST,
	IN_INTSET,
	IN_ZIPMAP,
	IN_NODES, /* several ziplists */
	IN_NODES_2, /* several listpacks, or elements alone */
	BY_ITSELF,
};

struct type {
	enum rdb_word word;
	enum source source;
	size_t parts; /* 0: there is no such type */
};

static const struct type types[] = {
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

static const struct type *
find_type(uint8_t type)
{
	return type < ARRAY_LEN(types) && types[type].parts > 0 ? &types[type] : NULL;
}

enum rdb_word
rdb_word_of(uint8_t type)
{
	const struct type *t = find_type(type);
	return t != NULL ? t->word : RDB_WORDS;
}

const char *
rdb_word_text(enum rdb_word word)
{
	static const char *const words[] = { "string", "list", "set", "zset", "hash", "stream",
		"module" };
	return words[word];
}

/* --- members --- */

struct span {
	size_t at;
	size_t len;
};

struct members {
	struct buf bytes; /* of the parts, each with a NUL behind it */
	struct span *parts;
	size_t count;
	size_t cap;
};

static enum err_code
begin_part(struct members *m, struct err *err)
{
	if (m->count == m->cap) {
		size_t cap = m->cap > 0 ? 2 * m->cap : 16;
		struct span *p = realloc(m->parts, cap * sizeof *p);
		if (p == NULL)
			return err_nomem(err);
		m->parts = p;
		m->cap = cap;
	}
	m->parts[m->count].at = m->bytes.len;
	return ERR_OK;
}

static enum err_code
end_part(struct members *m, struct err *err)
{
	m->parts[m->count].len = m->bytes.len - m->parts[m->count].at;
	m->count++;
	return buf_u8(&m->bytes, '\0', err);
}

static enum err_code
add_part(struct members *m, const void *data, size_t len, struct err *err)
{
	if (begin_part(m, err) || buf_add(&m->bytes, data, len, err))
		return err->code;
	return end_part(m, err);
}

static enum err_code
add_string(struct members *m, struct rd *r, struct err *err)
{
	if (begin_part(m, err) || rdb_read_string(r, &m->bytes, err))
		return err->code;
	return end_part(m, err);
}

/* The shortest text that gives the same number; there is one zero. */
static enum err_code
add_score(struct members *m, double v, struct err *err)
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

static const char *
part_text(const struct members *m, size_t i)
{
	return (const char *)m->bytes.data + m->parts[i].at;
}

/* --- reading members --- */

static enum err_code
add_packed(struct members *m, enum packed_kind kind, const struct buf *bytes, bool has_scores,
    struct err *err)
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
read_packed(
    struct members *m, enum packed_kind kind, struct rd *r, bool has_scores, struct err *err)
{
	AUTO(bufv) struct buf bytes = BUF_INIT;
	if (rdb_read_string(r, &bytes, err))
		return err->code;
	return add_packed(m, kind, &bytes, has_scores, err);
}

/* When a field expires, as text; "0": never. */
static enum err_code
add_time(struct members *m, uint64_t ms, struct err *err)
{
	char text[24];
	return add_part(m, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, ms), err);
}

static enum err_code
read_member(
    struct members *m, const struct type *t, uint64_t first, struct rd *r, struct err *err)
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
read_nodes(struct members *m, const struct type *t, struct rd *r, struct err *err)
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
read_members(struct members *m, const struct type *t, struct rd *r, struct err *err)
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

/* --- order --- */

struct order {
	const uint8_t *bytes;
	size_t parts;
};

static int
by_bytes(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct span *x = a;
	const struct span *y = b;
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

static void
sort(struct members *m, size_t parts)
{
	struct order o = { m->bytes.data, parts };
	if (m->count > 0)
		qsort_r(m->parts, m->count / parts, parts * sizeof *m->parts, by_bytes, &o);
}

/* --- writing --- */

static bool
is_text(const char *s, size_t len)
{
	return str_is_utf8(s, len) && memchr(s, '\0', len) == NULL;
}

void
rdb_json_string(struct json_writer *w, const char *key, const void *data, size_t len)
{
	if (len == 0 || is_text(data, len)) {
		json_bytes(w, key, len > 0 ? data : "", len);
		return;
	}
	AUTO(mem) char *hex = malloc(2 * len + 1);
	if (hex == NULL) {
		err_nomem(&w->err);
		return;
	}
	hex_encode(hex, data, len);
	json_obj(w, key);
	json_str(w, "hex", hex);
	json_obj_end(w);
}

static void
put_score(struct json_writer *w, const char *key, const char *text)
{
	/* "inf" and "nan" are no numbers of JSON. */
	if (strpbrk(text, "in") == NULL)
		json_number(w, key, text);
	else
		json_str(w, key, text);
}

/* What belongs to the name at i. */
static void
put_value(struct json_writer *w, const char *key, const struct members *m, const struct type *t,
    size_t i)
{
	const char *value = part_text(m, i + 1);
	if (t->word == RDB_WORD_ZSET) {
		put_score(w, key, value);
		return;
	}
	uint64_t expires = t->parts == 3 ? strtoull(part_text(m, i + 2), NULL, 10) : 0;
	if (expires == 0) {
		rdb_json_string(w, key, value, m->parts[i + 1].len);
		return;
	}
	json_obj(w, key);
	rdb_json_string(w, "value", value, m->parts[i + 1].len);
	json_u64(w, "expires", expires);
	json_obj_end(w);
}

static void
put_pairs(struct json_writer *w, const struct members *m, const struct type *t)
{
	json_arr(w, NULL);
	for (size_t i = 0; i < m->count; i += t->parts) {
		json_arr(w, NULL);
		rdb_json_string(w, NULL, part_text(m, i), m->parts[i].len);
		put_value(w, NULL, m, t, i);
		json_arr_end(w);
	}
	json_arr_end(w);
}

static void
put_object(struct json_writer *w, const struct members *m, const struct type *t)
{
	json_obj(w, NULL);
	for (size_t i = 0; i < m->count; i += t->parts)
		put_value(w, part_text(m, i), m, t, i);
	json_obj_end(w);
}

static void
put_list(struct json_writer *w, const struct members *m)
{
	json_arr(w, NULL);
	for (size_t i = 0; i < m->count; i++)
		rdb_json_string(w, NULL, part_text(m, i), m->parts[i].len);
	json_arr_end(w);
}

static void
put_members(struct json_writer *w, struct members *m, const struct type *t)
{
	if (t->word != RDB_WORD_LIST)
		sort(m, t->parts);
	if (t->parts == 1) {
		put_list(w, m);
		return;
	}
	bool is_object = true;
	for (size_t i = 0; i < m->count; i += t->parts)
		is_object = is_object && is_text(part_text(m, i), m->parts[i].len);
	if (is_object)
		put_object(w, m, t);
	else
		put_pairs(w, m, t);
}

static enum err_code
members_json(struct json_writer *w, const struct type *t, struct rd *r, struct err *err)
{
	struct members m = { .bytes = BUF_INIT };
	enum err_code rc = read_members(&m, t, r, err);
	if (rc == ERR_OK && (!rd_ok(r) || m.count % t->parts != 0))
		rc = rdb_bad(err);
	if (rc == ERR_OK)
		put_members(w, &m, t);
	free(m.parts);
	buf_release(&m.bytes);
	return rc;
}

/* --- what has no members --- */

static enum err_code
string_json(struct json_writer *w, struct rd *r, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (rdb_read_string(r, &text, err))
		return err->code;
	rdb_json_string(w, NULL, text.data, text.len);
	return ERR_OK;
}

/* A module's number is nine characters of six bits, and ten bits of its version. */
static enum err_code
module_json(struct json_writer *w, struct rd *r, struct err *err)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char name[10];
	uint64_t id = rdb_read_length(r);
	for (unsigned i = 0; i < 9; i++)
		name[i] = letters[id >> (10 + 6 * (8 - i)) & 63];
	name[9] = '\0';
	const uint8_t *from = r->p;
	rdb_skip(r, "m");
	if (!rd_ok(r))
		return rdb_bad(err);
	size_t len = (size_t)(r->p - from);
	AUTO(mem) char *hex = malloc(2 * len + 1);
	if (hex == NULL)
		return err_nomem(err);
	hex_encode(hex, from, len);
	json_obj(w, NULL);
	json_str(w, "module", name);
	json_u64(w, "version", id & 1023);
	json_str(w, "hex", hex);
	json_obj_end(w);
	return ERR_OK;
}

enum err_code
rdb_value_json(uint8_t type, const void *data, size_t len, struct buf *out, struct err *err)
{
	const struct type *t = find_type(type);
	struct json_writer w;
	struct rd r;
	if (t == NULL)
		return rdb_bad(err);
	rd_init(&r, data, len);
	json_init(&w, out);
	enum err_code rc = t->source != BY_ITSELF       ? members_json(&w, t, &r, err)
			   : t->word == RDB_WORD_STREAM ? rdb_stream_json(&w, type, &r, err)
			   : t->word == RDB_WORD_MODULE ? module_json(&w, &r, err)
							: string_json(&w, &r, err);
	if (rc)
		return rc;
	if (!rd_done(&r))
		return rdb_bad(err);
	return json_finish(&w, err);
}
