/*
 * Rows of RDB files: keys, with what is said of them before: when they expire, how
 * often or lately they were used.
 *
 * A canonical row is of our own: a mark that no type is; a word's number; when it
 * expires, as an RDB file has it, or a zero; the key's length (varint) and bytes; the
 * value as JSON.
 */
#include "db/row_impl.h"

#include "db/rdb_read.h"
#include "db/rdb_value.h"

#include <inttypes.h>
#include <string.h>

#define CANONICAL 0x80
#define HEAD 9

/* What a field is; of a value its type is added. */
enum kind {
	KIND_KEY, /* a string of RDB files */
	KIND_TYPE,
	KIND_WORD, /* a type's word, canonical */
	KIND_EXPIRES, /* an opcode and the time */
	KIND_PLAIN, /* as it is: a canonical key or value */
	KIND_VALUE = 0x100,
};

struct record {
	const uint8_t *expires; /* its opcode; NULL: never */
	uint8_t type;
	const uint8_t *key;
	const uint8_t *value;
	const uint8_t *end;
};

/* --- reading --- */

/* Opcodes that belong to a key, and the key; rd_ok says whether it was read. */
static struct record
read_record(struct rd *r)
{
	struct record out = { 0 };
	uint8_t opcode = rd_u8(r);
	for (; rd_ok(r) && rdb_is_of_key(opcode); opcode = rd_u8(r)) {
		if (opcode == RDB_OP_EXPIRE_MS || opcode == RDB_OP_EXPIRE)
			out.expires = r->p - 1;
		rdb_skip(r, rdb_program(opcode));
	}
	if (rdb_word_of(opcode) == RDB_WORDS) {
		r->failed = true;
		return out;
	}
	out.type = opcode;
	out.key = r->p;
	rdb_skip_string(r);
	out.value = r->p;
	rdb_skip(r, rdb_program(opcode));
	out.end = r->p;
	return out;
}

/* A file's head, and opcodes that belong to no key; *is_known is false for a type or opcode of
 * a later server. */
static void
skip_between(struct row_reader *reader, struct rd *r, bool *is_known)
{
	*is_known = true;
	if (reader->pos == 0 && rd_left(r) >= HEAD &&
	    (memcmp(r->p, "REDIS", 5) == 0 || memcmp(r->p, "VALKEY", 6) == 0))
		(void)rd_bytes(r, HEAD);
	while (rd_left(r) > 0 && rd_ok(r)) {
		uint8_t opcode = *r->p;
		const char *program = rdb_program(opcode);
		*is_known = program != NULL;
		if (program == NULL || rdb_is_type(opcode) || rdb_is_of_key(opcode))
			return;
		(void)rd_u8(r);
		rdb_skip(r, program);
	}
}

static enum err_code
next(struct row_reader *reader, struct row *out, bool *got, struct err *err)
{
	struct rd r;
	bool is_known;
	rd_init(&r, reader->data + reader->pos, reader->len - reader->pos);
	skip_between(reader, &r, &is_known);
	if (!is_known)
		return err_set(err, ERR_UNSUPPORTED,
		    "an RDB file has a key or remark of type %u, which this version does not "
		    "know",
		    *r.p);
	*got = rd_left(&r) > 0;
	if (*got) {
		*out = (struct row){ .data = r.p };
		(void)read_record(&r);
		out->len = (size_t)(r.p - out->data);
	}
	if (!rd_ok(&r))
		return err_set(
		    err, ERR_CORRUPT, "a key of an RDB file does not end, or is none");
	reader->pos = (size_t)(r.p - reader->data);
	return ERR_OK;
}

/* --- fields --- */

#define FIELDS 4

static struct field
field_of(const uint8_t *from, const uint8_t *to, unsigned kind)
{
	return (struct field){ from, (size_t)(to - from), false, kind };
}

static size_t
size_of_expires(uint8_t opcode)
{
	return opcode == RDB_OP_EXPIRE_MS ? 9 : opcode == RDB_OP_EXPIRE ? 5 : 0;
}

static struct field
expires_of(const uint8_t *p)
{
	struct field f = field_of(p, p + size_of_expires(*p), KIND_EXPIRES);
	f.is_null = f.len == 0;
	return f;
}

static bool
split_canonical(const struct row *row, struct field all[FIELDS])
{
	struct rd r;
	size_t len;
	rd_init(&r, row->data, row->len);
	(void)rd_u8(&r);
	const uint8_t *word = rd_bytes(&r, 1);
	if (rd_left(&r) == 0 || *word >= RDB_WORDS)
		return false;
	const uint8_t *expires = r.p;
	size_t size = size_of_expires(*expires);
	(void)rd_bytes(&r, size > 0 ? size : 1);
	const uint8_t *key = rd_blob(&r, &len);
	if (!rd_ok(&r))
		return false;
	all[0] = field_of(key, key + len, KIND_PLAIN);
	all[1] = field_of(word, word + 1, KIND_WORD);
	all[2] = expires_of(expires);
	all[3] = field_of(r.p, r.end, KIND_PLAIN);
	return true;
}

static bool
split_raw(const struct row *row, struct field all[FIELDS])
{
	struct rd r;
	rd_init(&r, row->data, row->len);
	struct record rec = read_record(&r);
	if (!rd_done(&r))
		return false;
	all[0] = field_of(rec.key, rec.value, KIND_KEY);
	all[1] = field_of(rec.key - 1, rec.key, KIND_TYPE);
	all[2] = (struct field){ .data = rec.key, .is_null = true, .kind = KIND_EXPIRES };
	if (rec.expires != NULL)
		all[2] = expires_of(rec.expires);
	all[3] = field_of(rec.value, rec.end, KIND_VALUE + rec.type);
	return true;
}

static enum err_code
split(const struct row *row, struct field *fields, size_t max, size_t *count, struct err *err)
{
	struct field all[FIELDS];
	bool is_canonical = row->len > 0 && row->data[0] == CANONICAL;
	if (!(is_canonical ? split_canonical(row, all) : split_raw(row, all)))
		return rdb_bad(err);
	for (size_t i = 0; i < FIELDS && i < max; i++)
		fields[i] = all[i];
	*count = FIELDS;
	return ERR_OK;
}

/* --- values --- */

static int64_t
milliseconds(const uint8_t *expires)
{
	if (*expires == RDB_OP_EXPIRE)
		return (int64_t)(int32_t)get_u32(expires + 1) * 1000;
	return (int64_t)get_u64(expires + 1);
}

static enum err_code
put_key(const struct field *f, struct buf *out, struct err *err)
{
	struct rd r;
	rd_init(&r, f->data, f->len);
	return rdb_read_string(&r, out, err);
}

static enum err_code
canonical(const struct row *row, struct buf *out, struct err *err)
{
	struct field all[FIELDS];
	AUTO(bufv) struct buf key = BUF_INIT;
	if (row->len > 0 && row->data[0] == CANONICAL)
		return buf_add(out, row->data, row->len, err);
	if (!split_raw(row, all))
		return rdb_bad(err);
	uint8_t type = *all[1].data;
	if (buf_u8(out, CANONICAL, err) || buf_u8(out, (uint8_t)rdb_word_of(type), err) ||
	    buf_u8(out, all[2].is_null ? 0 : RDB_OP_EXPIRE_MS, err) ||
	    (!all[2].is_null && buf_u64(out, (uint64_t)milliseconds(all[2].data), err)) ||
	    put_key(&all[0], &key, err) || buf_blob(out, key.data, key.len, err))
		return err->code;
	return rdb_value_json(type, all[3].data, all[3].len, out, err);
}

static enum err_code
text(const struct field *f, struct buf *out, struct err *err)
{
	switch (f->kind) {
	case KIND_KEY:
		return put_key(f, out, err);
	case KIND_TYPE:
		return buf_str(out, rdb_word_text(rdb_word_of(*f->data)), err);
	case KIND_WORD:
		return buf_str(out, rdb_word_text((enum rdb_word) * f->data), err);
	case KIND_EXPIRES:
		return buf_printf(out, err, "%" PRId64, milliseconds(f->data));
	case KIND_PLAIN:
		return buf_add(out, f->data, f->len, err);
	default:
		return rdb_value_json(
		    (uint8_t)(f->kind - KIND_VALUE), f->data, f->len, out, err);
	}
}

const struct row_ops row_rdb_ops = { next, NULL, split, canonical, text };
