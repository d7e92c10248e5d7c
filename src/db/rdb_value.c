#include "db/rdb_value.h"

#include "base/strv.h"
#include "db/rdb_members.h"
#include "db/rdb_read.h"
#include "db/rdb_stream.h"

#include <stdlib.h>
#include <string.h>

enum rdb_word
rdb_word_of(uint8_t type)
{
	const struct rdb_shape *t = rdb_shape_of(type);
	return t != NULL ? t->word : RDB_WORDS;
}

const char *
rdb_word_text(enum rdb_word word)
{
	static const char *const words[] = { "string", "list", "set", "zset", "hash", "stream",
		"module" };
	return words[word];
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
put_value(struct json_writer *w, const char *key, const struct rdb_members *m,
    const struct rdb_shape *t, size_t i)
{
	const char *value = rdb_part(m, i + 1);
	if (t->word == RDB_WORD_ZSET) {
		put_score(w, key, value);
		return;
	}
	uint64_t expires = t->parts == 3 ? strtoull(rdb_part(m, i + 2), NULL, 10) : 0;
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
put_pairs(struct json_writer *w, const struct rdb_members *m, const struct rdb_shape *t)
{
	json_arr(w, NULL);
	for (size_t i = 0; i < m->count; i += t->parts) {
		json_arr(w, NULL);
		rdb_json_string(w, NULL, rdb_part(m, i), m->parts[i].len);
		put_value(w, NULL, m, t, i);
		json_arr_end(w);
	}
	json_arr_end(w);
}

static void
put_object(struct json_writer *w, const struct rdb_members *m, const struct rdb_shape *t)
{
	json_obj(w, NULL);
	for (size_t i = 0; i < m->count; i += t->parts)
		put_value(w, rdb_part(m, i), m, t, i);
	json_obj_end(w);
}

static void
put_list(struct json_writer *w, const struct rdb_members *m)
{
	json_arr(w, NULL);
	for (size_t i = 0; i < m->count; i++)
		rdb_json_string(w, NULL, rdb_part(m, i), m->parts[i].len);
	json_arr_end(w);
}

static void
put_members(struct json_writer *w, struct rdb_members *m, const struct rdb_shape *t)
{
	if (t->word != RDB_WORD_LIST)
		rdb_members_sort(m, t->parts);
	if (t->parts == 1) {
		put_list(w, m);
		return;
	}
	bool is_object = true;
	for (size_t i = 0; i < m->count; i += t->parts)
		is_object = is_object && is_text(rdb_part(m, i), m->parts[i].len);
	if (is_object)
		put_object(w, m, t);
	else
		put_pairs(w, m, t);
}

static enum err_code
members_json(struct json_writer *w, const struct rdb_shape *t, struct rd *r, struct err *err)
{
	AUTO(rdb_members) struct rdb_members m = RDB_MEMBERS_INIT;
	if (rdb_members_read(&m, t, r, err))
		return err->code;
	put_members(w, &m, t);
	return ERR_OK;
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
	const struct rdb_shape *t = rdb_shape_of(type);
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
