#include "db/row_rule.h"

#include "base/checksum.h"
#include "sys/rand.h"

static size_t
column_in_a(const size_t *columns, size_t b)
{
	return columns != NULL ? columns[b] : b;
}

static enum err_code
find_common(struct row_rule *r, const struct shape *a, const struct shape *b,
    const size_t *columns, struct err *err)
{
	size_t n = max_size(a->column_count, b->column_count);
	for (size_t side = 0; side < 2; side++) {
		r->common[side] = calloc(n + 1, sizeof(size_t));
		r->key[side] = calloc(a->key_count + 1, sizeof(size_t));
		if (r->common[side] == NULL || r->key[side] == NULL)
			return err_nomem(err);
	}
	r->is_bytewise = true;
	for (size_t i = 0; i < b->column_count; i++) {
		size_t in_a = column_in_a(columns, i);
		if (in_a >= a->column_count)
			continue;
		r->common[0][r->common_count] = in_a;
		r->common[1][r->common_count++] = i;
		r->is_bytewise = r->is_bytewise && in_a == i;
	}
	r->is_projected =
	    columns != NULL && (!r->is_bytewise || a->column_count != b->column_count ||
				   r->common_count != b->column_count);
	return ERR_OK;
}

/* The column of b that is this one of a; SIZE_MAX: it has none. */
static size_t
column_in_b(const struct row_rule *r, size_t in_a)
{
	for (size_t i = 0; i < r->common_count; i++)
		if (r->common[0][i] == in_a)
			return r->common[1][i];
	return SIZE_MAX;
}

static bool
has_key_column(const struct shape *s, size_t column)
{
	for (size_t i = 0; i < s->key_count; i++)
		if (s->key[i] == column)
			return true;
	return false;
}

static void
find_key(struct row_rule *r, const struct shape *a, const struct shape *b)
{
	if (a->key_count != b->key_count)
		return;
	for (size_t i = 0; i < a->key_count; i++) {
		size_t in_b = column_in_b(r, a->key[i]);
		if (in_b == SIZE_MAX || !has_key_column(b, in_b))
			return;
		r->key[0][i] = a->key[i];
		r->key[1][i] = in_b;
	}
	r->key_count = a->key_count;
}

static size_t
fields_needed(const struct row_rule *r, unsigned side)
{
	size_t n = 0;
	for (size_t i = 0; i < r->key_count; i++)
		n = max_size(n, r->key[side][i] + 1);
	for (size_t i = 0; r->is_projected && i < r->common_count; i++)
		n = max_size(n, r->common[side][i] + 1);
	return n;
}

enum err_code
row_rule_init(struct row_rule *r, const struct shape *a, const struct shape *b,
    const size_t *columns, struct err *err)
{
	*r = (struct row_rule){ .format = a->format, .table = b->name };
	if (rand_bytes(&r->seed, sizeof r->seed, err) || find_common(r, a, b, columns, err))
		return err->code;
	find_key(r, a, b);
	for (unsigned side = 0; side < 2; side++)
		r->needed[side] = fields_needed(r, side);
	r->fields = calloc(max_size(r->needed[0], r->needed[1]) + 1, sizeof *r->fields);
	return r->fields != NULL ? ERR_OK : err_nomem(err);
}

void
row_rule_release(struct row_rule *r)
{
	for (size_t side = 0; side < 2; side++) {
		free(r->common[side]);
		free(r->key[side]);
		buf_release(&r->scratch[side]);
	}
	buf_release(&r->text);
	free(r->fields);
}

static enum err_code
split(struct row_rule *r, unsigned side, const struct row *row, struct err *err)
{
	size_t count;
	if (row_split(r->format, row, r->fields, r->needed[side], &count, err))
		return err->code;
	return count >= r->needed[side]
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "a row has %zu columns, of %zu or more", count,
			 r->needed[side]);
}

static enum err_code
add_length(struct buf *out, const struct field *f, size_t len, struct err *err)
{
	return buf_varint(out, f->is_null ? 0 : (uint64_t)len + 1, err);
}

/* The columns that count, each as it stands. */
static enum err_code
project(
    struct row_rule *r, unsigned side, const struct row *row, struct buf *out, struct err *err)
{
	if (split(r, side, row, err))
		return err->code;
	for (size_t i = 0; i < r->common_count; i++) {
		const struct field *f = &r->fields[r->common[side][i]];
		if (add_length(out, f, f->len, err) || buf_varint(out, f->kind, err) ||
		    (!f->is_null && buf_add(out, f->data, f->len, err)))
			return err->code;
	}
	return ERR_OK;
}

/* The bytes that stand for a row: the row itself, where its form is the only one. */
static enum err_code
view(struct row_rule *r, unsigned side, const struct row *row, struct row *out, struct err *err)
{
	struct buf *b = &r->scratch[side];
	bool is_plain = !r->is_projected && r->format != ROW_RDB;
	b->len = 0;
	if (!is_plain && (r->is_projected ? project(r, side, row, b, err)
					  : row_canonical(r->format, row, b, err)))
		return err->code;
	*out = is_plain ? *row : (struct row){ b->data, b->len };
	return ERR_OK;
}

enum err_code
row_rule_hash(
    struct row_rule *r, unsigned side, const struct row *row, uint64_t *out, struct err *err)
{
	struct row v;
	if (view(r, side, row, &v, err))
		return err->code;
	*out = checksum_of(v.data, v.len, r->seed);
	return ERR_OK;
}

enum err_code
row_rule_equal(
    struct row_rule *r, const struct row *a, const struct row *b, bool *is, struct err *err)
{
	struct row in_a;
	struct row in_b;
	if (view(r, 0, a, &in_a, err) || view(r, 1, b, &in_b, err))
		return err->code;
	*is = in_a.len == in_b.len &&
	      (in_a.len == 0 || memcmp(in_a.data, in_b.data, in_a.len) == 0);
	return ERR_OK;
}

/* Of COPY, a field has one form only, so that its text need not be made. */
static enum err_code
add_key_field(struct row_rule *r, const struct field *f, struct buf *out, struct err *err)
{
	if (f->is_null)
		return buf_varint(out, 0, err);
	if (r->format == ROW_COPY)
		return add_length(out, f, f->len, err) ? err->code
						       : buf_add(out, f->data, f->len, err);
	r->text.len = 0;
	if (row_text(r->format, f, &r->text, err) || add_length(out, f, r->text.len, err))
		return err->code;
	return buf_add(out, r->text.data, r->text.len, err);
}

enum err_code
row_rule_key(struct row_rule *r, unsigned side, const struct row *row, struct buf *out,
    bool *has, struct err *err)
{
	if (split(r, side, row, err))
		return err->code;
	bool is_whole = r->key_count > 0;
	for (size_t i = 0; i < r->key_count; i++) {
		const struct field *f = &r->fields[r->key[side][i]];
		is_whole = is_whole && !f->is_null;
		if (add_key_field(r, f, out, err))
			return err->code;
	}
	*has = is_whole;
	return ERR_OK;
}
