/*
 * Entries stand in nodes: listpacks, which begin with how many there are, the fields
 * that most of them have, and 0; each entry has flags, its ID less the node's, its
 * fields, unless they are those, its values, and how many of the listpack's it took.
 * Source: t_stream.c of Redis 7.
 */
#include "db/rdb_stream.h"

#include "base/room.h"
#include "db/rdb_packed.h"
#include "db/rdb_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ID_SIZE 16
#define ID_TEXT 44

#define ENTRY_DELETED 1
#define ENTRY_SAME_FIELDS 2

struct node {
	struct buf id;
	struct buf bytes;
	struct packed_entry *items;
	size_t count;
	size_t at; /* the item to be read next */
	bool is_bad;
};

static void
id_text(char out[ID_TEXT], uint64_t ms, uint64_t seq)
{
	snprintf(out, ID_TEXT, "%" PRIu64 "-%" PRIu64, ms, seq);
}

/* --- nodes --- */

static void
node_release(struct node *n)
{
	buf_release(&n->id);
	buf_release(&n->bytes);
	free(n->items);
}

static enum err_code
read_items(struct node *n, struct err *err)
{
	struct packed p;
	struct packed_entry e;
	size_t cap = 0;
	packed_init(&p, PACKED_LISTPACK, n->bytes.data, n->bytes.len);
	while (packed_next(&p, &e)) {
		if (ROOM(n->items, n->count, cap, 64, err))
			return err->code;
		n->items[n->count++] = e;
	}
	return packed_ok(&p) && n->id.len == ID_SIZE ? ERR_OK : rdb_bad(err);
}

static const struct packed_entry *
next_item(struct node *n)
{
	static const struct packed_entry none = { .is_integer = true };
	if (n->at < n->count)
		return &n->items[n->at++];
	n->is_bad = true;
	return &none;
}

static uint64_t
next_number(struct node *n)
{
	const struct packed_entry *e = next_item(n);
	if (!e->is_integer)
		n->is_bad = true;
	return e->is_integer ? (uint64_t)e->integer : 0;
}

static void
put_item(struct json_writer *w, const struct packed_entry *e)
{
	char scratch[RDB_INTEGER_TEXT];
	size_t len;
	const void *text = packed_text(e, scratch, &len);
	rdb_json_string(w, NULL, text, len);
}

/* fields: the node's own. */
static void
put_entry(struct json_writer *w, struct node *n, size_t fields, size_t n_fields)
{
	char id[ID_TEXT];
	uint64_t flags = next_number(n);
	uint64_t ms = rdb_big_endian(n->id.data, 8) + next_number(n);
	uint64_t seq = rdb_big_endian(n->id.data + 8, 8) + next_number(n);
	bool is_same = (flags & ENTRY_SAME_FIELDS) != 0;
	uint64_t count = is_same ? n_fields : next_number(n);
	uint64_t items = is_same ? count : 2 * count;
	if (n->is_bad || count > n->count || items > n->count - n->at) {
		n->is_bad = true;
		return;
	}
	size_t at = n->at;
	n->at += (size_t)items;
	(void)next_number(n);
	if ((flags & ENTRY_DELETED) != 0)
		return;
	id_text(id, ms, seq);
	json_obj(w, NULL);
	json_str(w, "id", id);
	json_arr(w, "fields");
	for (size_t i = 0; i < count; i++) {
		put_item(w, &n->items[is_same ? fields + i : at + 2 * i]);
		put_item(w, &n->items[is_same ? at + i : at + 2 * i + 1]);
	}
	json_arr_end(w);
	json_obj_end(w);
}

static enum err_code
put_items(struct json_writer *w, struct node *n, struct err *err)
{
	(void)next_number(n);
	(void)next_number(n);
	uint64_t n_fields = next_number(n);
	size_t fields = n->at;
	if (n->is_bad || n_fields > n->count - n->at)
		return rdb_bad(err);
	n->at += (size_t)n_fields;
	(void)next_number(n);
	while (n->at < n->count && !n->is_bad)
		put_entry(w, n, fields, (size_t)n_fields);
	return n->is_bad ? rdb_bad(err) : ERR_OK;
}

static enum err_code
put_node(struct json_writer *w, struct rd *r, struct err *err)
{
	struct node n = { .id = BUF_INIT, .bytes = BUF_INIT };
	enum err_code rc = rdb_read_string(r, &n.id, err);
	if (rc == ERR_OK)
		rc = rdb_read_string(r, &n.bytes, err);
	if (rc == ERR_OK)
		rc = read_items(&n, err);
	if (rc == ERR_OK)
		rc = put_items(w, &n, err);
	node_release(&n);
	return rc;
}

/* --- groups --- */

/* Two lengths, or two raw numbers. */
static void
put_id(struct json_writer *w, const char *key, struct rd *r)
{
	char id[ID_TEXT];
	uint64_t ms = rdb_read_length(r);
	id_text(id, ms, rdb_read_length(r));
	json_str(w, key, id);
}

static void
put_raw_id(struct json_writer *w, const char *key, struct rd *r)
{
	char id[ID_TEXT];
	const uint8_t *raw = rd_bytes(r, ID_SIZE);
	if (raw == NULL)
		return;
	id_text(id, rdb_big_endian(raw, 8), rdb_big_endian(raw + 8, 8));
	json_str(w, key, id);
}

static enum err_code
put_name(struct json_writer *w, struct rd *r, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (rdb_read_string(r, &name, err))
		return err->code;
	rdb_json_string(w, "name", name.data, name.len);
	return ERR_OK;
}

static enum err_code
put_consumer(struct json_writer *w, uint8_t type, struct rd *r, struct err *err)
{
	json_obj(w, NULL);
	if (put_name(w, r, err))
		return err->code;
	json_i64(w, "seen_ms", (int64_t)rd_u64(r));
	if (type == RDB_STREAM_3)
		json_i64(w, "active_ms", (int64_t)rd_u64(r));
	json_arr(w, "pending");
	for (uint64_t n = rdb_read_length(r); n > 0 && rd_ok(r); n--)
		put_raw_id(w, NULL, r);
	json_arr_end(w);
	json_obj_end(w);
	return rd_ok(r) ? ERR_OK : rdb_bad(err);
}

static enum err_code
put_group(struct json_writer *w, uint8_t type, struct rd *r, struct err *err)
{
	json_obj(w, NULL);
	if (put_name(w, r, err))
		return err->code;
	put_id(w, "last_id", r);
	if (type != RDB_STREAM)
		json_i64(w, "entries_read", (int64_t)rdb_read_length(r));
	json_arr(w, "pending");
	for (uint64_t n = rdb_read_length(r); n > 0 && rd_ok(r); n--) {
		json_obj(w, NULL);
		put_raw_id(w, "id", r);
		json_i64(w, "delivered_ms", (int64_t)rd_u64(r));
		json_u64(w, "deliveries", rdb_read_length(r));
		json_obj_end(w);
	}
	json_arr_end(w);
	json_arr(w, "consumers");
	for (uint64_t n = rdb_read_length(r); n > 0 && rd_ok(r); n--)
		if (put_consumer(w, type, r, err))
			return err->code;
	json_arr_end(w);
	json_obj_end(w);
	return rd_ok(r) ? ERR_OK : rdb_bad(err);
}

enum err_code
rdb_stream_json(struct json_writer *w, uint8_t type, struct rd *r, struct err *err)
{
	json_obj(w, NULL);
	json_arr(w, "entries");
	for (uint64_t n = rdb_read_length(r); n > 0 && rd_ok(r); n--)
		if (put_node(w, r, err))
			return err->code;
	json_arr_end(w);
	json_u64(w, "length", rdb_read_length(r));
	put_id(w, "last_id", r);
	if (type != RDB_STREAM) {
		put_id(w, "first_id", r);
		put_id(w, "max_deleted_id", r);
		json_u64(w, "entries_added", rdb_read_length(r));
	}
	json_arr(w, "groups");
	for (uint64_t n = rdb_read_length(r); n > 0 && rd_ok(r); n--)
		if (put_group(w, type, r, err))
			return err->code;
	json_arr_end(w);
	json_obj_end(w);
	return rd_ok(r) ? ERR_OK : rdb_bad(err);
}
