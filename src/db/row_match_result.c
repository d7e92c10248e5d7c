#include "base/bytes.h"
#include "base/checksum.h"
#include "db/row_match_impl.h"

#include <stdlib.h>

/* What became of a row: before or after may be ROW_NONE. */
struct outcome {
	uint32_t before;
	uint32_t after;
	uint64_t count;
	uint64_t order; /* the beginning of what it is sorted by */
};

struct outcomes {
	struct row_match *match;
	bool has_key;
	struct outcome *items;
	size_t count;
	size_t cap;
};

/* Rows of side a, found by their key: chains would need room, so this is open addressing. */
struct key_index {
	uint32_t *refs;
	size_t cap; /* a power of two */
};

static struct row
row_at(const struct row_match *m, uint32_t ref)
{
	return row_of_entry(row_table_at(&m->table, ref));
}

static uint32_t
ref_of(const struct row_match *m, const struct row_entry *e)
{
	return (uint32_t)((size_t)((const uint8_t *)e - m->table.data) / ROW_UNIT);
}

/* *has is false for a key with a null: it is nobody else's. */
static enum err_code
key_hash(
    struct row_match *m, const struct row_entry *e, uint64_t *out, bool *has, struct err *err)
{
	struct row row = row_of_entry(e);
	m->key.len = 0;
	if (row_rule_key(&m->rule, e->side, &row, &m->key, has, err))
		return err->code;
	*out = checksum_of(m->key.data, m->key.len, m->rule.seed);
	return ERR_OK;
}

static enum err_code
index_keys(struct row_match *m, struct key_index *k, struct err *err)
{
	struct row_entry *e;
	k->cap = 64;
	while (k->cap < 2 * m->table.entries)
		k->cap *= 2;
	k->refs = malloc(k->cap * sizeof *k->refs);
	if (k->refs == NULL)
		return err_nomem(err);
	memset(k->refs, 0xff, k->cap * sizeof *k->refs);
	for (uint32_t ref = 0; (e = row_table_next(&m->table, &ref)) != NULL;) {
		uint64_t h;
		bool has = false;
		if (e->side == 0 && key_hash(m, e, &h, &has, err))
			return err->code;
		if (!has)
			continue;
		size_t i = (size_t)h & (k->cap - 1);
		while (k->refs[i] != ROW_NONE)
			i = (i + 1) & (k->cap - 1);
		k->refs[i] = ref_of(m, e);
	}
	return ERR_OK;
}

/* m->key is that of the row of b. */
static enum err_code
has_this_key(struct row_match *m, const struct row_entry *e, bool *is, struct err *err)
{
	struct row row = row_of_entry(e);
	bool has;
	m->key_b.len = 0;
	if (row_rule_key(&m->rule, e->side, &row, &m->key_b, &has, err))
		return err->code;
	*is = m->key.len == m->key_b.len && memcmp(m->key.data, m->key_b.data, m->key.len) == 0;
	return ERR_OK;
}

static void
add(struct outcomes *o, uint32_t before, uint32_t after, uint64_t count)
{
	o->items[o->count++] = (struct outcome){ before, after, count, 0 };
}

/* Pair a row of b with those of a that have its key; what is paired has no count left. */
static enum err_code
pair_by_key(struct outcomes *o, const struct key_index *k, struct row_entry *b, struct err *err)
{
	struct row_match *m = o->match;
	uint64_t h;
	bool has;
	if (key_hash(m, b, &h, &has, err))
		return err->code;
	if (!has)
		return ERR_OK;
	for (size_t i = (size_t)h & (k->cap - 1); k->refs[i] != ROW_NONE && b->count > 0;
	     i = (i + 1) & (k->cap - 1)) {
		struct row_entry *a = row_table_at(&m->table, k->refs[i]);
		bool is = false;
		if (a->count > 0 && has_this_key(m, a, &is, err))
			return err->code;
		if (!is)
			continue;
		uint64_t n = a->count < b->count ? a->count : b->count;
		a->count -= n;
		b->count -= n;
		add(o, k->refs[i], ref_of(m, b), n);
	}
	return ERR_OK;
}

static enum err_code
pair_all(struct outcomes *o, struct err *err)
{
	struct key_index k = { NULL, 0 };
	struct row_entry *e;
	enum err_code rc = index_keys(o->match, &k, err);
	for (uint32_t ref = 0;
	     rc == ERR_OK && (e = row_table_next(&o->match->table, &ref)) != NULL;)
		if (e->side == 1)
			rc = pair_by_key(o, &k, e, err);
	free(k.refs);
	return rc;
}

static void
add_unpaired(struct outcomes *o)
{
	struct row_entry *e;
	for (uint32_t ref = 0; (e = row_table_next(&o->match->table, &ref)) != NULL;) {
		uint32_t at = ref_of(o->match, e);
		add(o, e->side == 0 ? at : ROW_NONE, e->side == 1 ? at : ROW_NONE, e->count);
	}
}

/* The key that an outcome is sorted by, or the row itself. */
static enum err_code
sort_bytes(const struct outcomes *o, const struct outcome *x, struct buf *out, struct row *view,
    struct err *err)
{
	unsigned side = x->after == ROW_NONE ? 0 : 1;
	*view = row_at(o->match, side == 0 ? x->before : x->after);
	if (!o->has_key)
		return ERR_OK;
	bool has;
	out->len = 0;
	if (row_rule_key(&o->match->rule, side, view, out, &has, err))
		return err->code;
	*view = (struct row){ out->data, out->len };
	return ERR_OK;
}

/* A whole number of up to 18 digits. */
static bool
read_number(const uint8_t *text, size_t len, int64_t *out)
{
	bool is_negative = len > 0 && text[0] == '-';
	size_t at = is_negative ? 1 : 0;
	int64_t v = 0;
	if (len == at || len - at > 18)
		return false;
	for (; at < len; at++) {
		if (text[at] < '0' || text[at] > '9')
			return false;
		v = v * 10 + (text[at] - '0');
	}
	*out = is_negative ? -v : v;
	return true;
}

/* The next field of a key. */
static bool
next_field(struct rd *r, struct row *out)
{
	if (rd_left(r) == 0)
		return false;
	uint64_t len = rd_varint(r);
	out->len = len > 0 ? (size_t)len - 1 : 0;
	out->data = rd_bytes(r, out->len);
	return rd_ok(r);
}

static int
compare_bytes(const struct row *a, const struct row *b)
{
	size_t n = min_size(a->len, b->len);
	int c = n > 0 ? memcmp(a->data, b->data, n) : 0;
	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

/* Numbers by value, before all else. */
static int
compare_fields(const struct row *a, const struct row *b)
{
	int64_t x;
	int64_t y;
	bool is_x = read_number(a->data, a->len, &x);
	bool is_y = read_number(b->data, b->len, &y);
	if (is_x && is_y)
		return (x > y) - (x < y);
	return is_x != is_y ? (is_x ? -1 : 1) : compare_bytes(a, b);
}

static int
compare_keys(const struct row *a, const struct row *b)
{
	struct rd in_a;
	struct rd in_b;
	struct row x;
	struct row y;
	rd_init(&in_a, a->data, a->len);
	rd_init(&in_b, b->data, b->len);
	while (next_field(&in_a, &x) && next_field(&in_b, &y)) {
		int c = compare_fields(&x, &y);
		if (c != 0)
			return c;
	}
	return 0;
}

/* So that most comparisons need no row: numbers below bytes. */
#define NUMBER_BIAS (UINT64_C(1) << 62)
#define NO_NUMBER (UINT64_C(1) << 63)

static uint64_t
order_of(const struct row *view, bool has_key)
{
	struct row first = *view;
	int64_t number;
	struct rd r;
	rd_init(&r, view->data, view->len);
	if (has_key && !next_field(&r, &first))
		return 0;
	if (has_key && read_number(first.data, first.len, &number))
		return NUMBER_BIAS + (uint64_t)number;
	uint64_t v = 0;
	for (size_t i = 0; i < 8; i++)
		v = v << 8 | (i < first.len ? first.data[i] : 0);
	return NO_NUMBER | v >> 1;
}

static enum err_code
put_in_order_of_keys(struct outcomes *o, struct err *err)
{
	for (size_t i = 0; i < o->count; i++) {
		struct row view;
		if (sort_bytes(o, &o->items[i], &o->match->key, &view, err))
			return err->code;
		o->items[i].order = order_of(&view, o->has_key);
	}
	return ERR_OK;
}

static int
compare_outcomes(const void *a, const void *b, void *arg)
{
	const struct outcomes *o = arg;
	const struct outcome *x = a;
	const struct outcome *y = b;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	struct row in_x;
	struct row in_y;
	struct err scratch; /* keys of these rows were read before */
	if (sort_bytes(o, x, &o->match->key, &in_x, &scratch) ||
	    sort_bytes(o, y, &o->match->key_b, &in_y, &scratch))
		return 0;
	int c = o->has_key ? compare_keys(&in_x, &in_y) : compare_bytes(&in_x, &in_y);
	if (c != 0)
		return c;
	/* What was removed, before what was added under the same key. */
	return (x->before == ROW_NONE) - (y->before == ROW_NONE);
}

static enum err_code
hand_over(struct row_match *m, const struct outcome *x, struct err *err)
{
	bool is_added = x->before == ROW_NONE;
	bool is_removed = x->after == ROW_NONE;
	enum row_change change = is_added ? ROW_ADDED : is_removed ? ROW_REMOVED : ROW_CHANGED;
	*(is_added       ? &m->result.added
	    : is_removed ? &m->result.removed
			 : &m->result.changed) += x->count;
	for (uint64_t i = 0; i < x->count && m->keep > 0; i++) {
		struct row before;
		struct row after;
		if (!is_added)
			before = row_at(m, x->before);
		if (!is_removed)
			after = row_at(m, x->after);
		m->keep--;
		if (m->fn(m->arg, change, is_added ? NULL : &before, is_removed ? NULL : &after,
			err))
			return err->code;
	}
	return ERR_OK;
}

static void
outcomes_auto(struct outcomes *o)
{
	free(o->items);
}

enum err_code
row_match_deliver(struct row_match *m, bool has_key, struct err *err)
{
	AUTO(outcomes) struct outcomes o = { .match = m, .has_key = has_key };
	/* Each outcome takes the last of at least one row. */
	o.items = calloc(m->table.entries + 1, sizeof *o.items);
	if (o.items == NULL)
		return err_nomem(err);
	if (has_key && pair_all(&o, err))
		return err->code;
	add_unpaired(&o);
	if (m->keep > 0 && put_in_order_of_keys(&o, err))
		return err->code;
	if (m->keep > 0)
		qsort_r(o.items, o.count, sizeof *o.items, compare_outcomes, &o);
	for (size_t i = 0; i < o.count; i++)
		if (hand_over(m, &o.items[i], err))
			return err->code;
	row_table_clear(&m->table);
	return ERR_OK;
}
