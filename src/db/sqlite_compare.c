/*
 * What differs between two versions of a table.
 *
 * Leaves that both have are passed over.  What is left comes in the order of the
 * rowid, so where that is the key two hands are enough; with another key,
 * row_match finds the pairs.
 */
#include "db/sqlite_rows_impl.h"

#include <string.h>
#include <strings.h>

/* Tuples are handed to row_match so many bytes at a time. */
#define BATCH ((size_t)64 << 10)
#define SIDES 2

struct comparison {
	struct sqlite_rows *rows[SIDES];
	const struct sqlite_table *tables[SIDES];
	const struct sqlite_rows_options *opt; /* may be NULL */
	row_change_fn *fn;
	void *arg;
	struct row_match_result *out;
	bool has_same_columns;
	size_t *common[SIDES]; /* numbers of the columns that both have */
	size_t n_common;
	size_t *to_a; /* for each column of b that of a, or SIZE_MAX */
	struct page_set same;
	bool skips;
	size_t left; /* rows that may still be handed over */
};

static void
comparison_auto(struct comparison *c)
{
	for (size_t i = 0; i < SIDES; i++)
		free(c->common[i]);
	free(c->to_a);
	page_set_release(&c->same);
}

static const struct shape *
shape_of(const struct comparison *c, size_t side)
{
	return &c->tables[side]->shape;
}

static size_t
find_column(const struct shape *s, const char *name)
{
	for (size_t i = 0; i < s->column_count; i++)
		if (strcasecmp(s->columns[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

static enum err_code
find_common(struct comparison *c, struct err *err)
{
	const struct shape *a = shape_of(c, 0);
	const struct shape *b = shape_of(c, 1);
	for (size_t i = 0; i < SIDES; i++) {
		c->common[i] = calloc(b->column_count + 1, sizeof *c->common[i]);
		if (c->common[i] == NULL)
			return err_nomem(err);
	}
	c->to_a = calloc(b->column_count + 1, sizeof *c->to_a);
	if (c->to_a == NULL)
		return err_nomem(err);
	c->has_same_columns = a->column_count == b->column_count;
	for (size_t i = 0; i < b->column_count; i++) {
		c->to_a[i] = find_column(a, b->columns[i].name);
		c->has_same_columns = c->has_same_columns && c->to_a[i] == i;
		if (c->to_a[i] == SIZE_MAX)
			continue;
		c->common[0][c->n_common] = c->to_a[i];
		c->common[1][c->n_common++] = i;
	}
	return ERR_OK;
}

/* The same bytes say the same only where they are read in the same way. */
static enum err_code
find_same_leaves(struct comparison *c, struct err *err)
{
	const struct sqlite_table *a = c->tables[0];
	const struct sqlite_table *b = c->tables[1];
	struct page_hint hint = { NULL, NULL };
	if (a->rowid == NULL || b->rowid == NULL || strcmp(a->sql, b->sql) != 0 ||
	    c->rows[0]->encoding != c->rows[1]->encoding)
		return ERR_OK;
	if (c->opt != NULL)
		hint = (struct page_hint){ c->opt->is_same, c->opt->same_arg };
	c->skips = true;
	return sqlite_same_leaves(
	    &c->same, &c->rows[0]->pages, a->root, &c->rows[1]->pages, b->root, &hint, err);
}

static enum err_code
open_scan(struct comparison *c, size_t side, struct sqlite_scan *s, struct err *err)
{
	return sqlite_scan_open(
	    s, c->rows[side], c->tables[side], c->skips ? &c->same : NULL, err);
}

/* --- by rowid --- */

static enum err_code
tell(struct comparison *c, enum row_change change, const struct sqlite_scan *a,
    const struct sqlite_scan *b, struct err *err)
{
	uint64_t *counts[] = {
		[ROW_REMOVED] = &c->out->removed,
		[ROW_ADDED] = &c->out->added,
		[ROW_CHANGED] = &c->out->changed,
	};
	++*counts[change];
	if (c->fn == NULL || c->left == 0)
		return ERR_OK;
	c->left--;
	struct row before = { NULL, 0 };
	struct row after = { NULL, 0 };
	if (a != NULL)
		before = (struct row){ a->tuple.data, a->tuple.len };
	if (b != NULL)
		after = (struct row){ b->tuple.data, b->tuple.len };
	return c->fn(
	    c->arg, change, a != NULL ? &before : NULL, b != NULL ? &after : NULL, err);
}

static bool
is_equal(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static enum err_code
compare_pair(struct comparison *c, const struct sqlite_scan *a, const struct sqlite_scan *b,
    struct err *err)
{
	if (c->has_same_columns)
		return is_equal(&a->tuple, &b->tuple) ? ERR_OK
						      : tell(c, ROW_CHANGED, a, b, err);
	AUTO(bufv) struct buf in_a = BUF_INIT;
	AUTO(bufv) struct buf in_b = BUF_INIT;
	if (sqlite_scan_project(a, c->common[0], c->n_common, &in_a, err) ||
	    sqlite_scan_project(b, c->common[1], c->n_common, &in_b, err))
		return err->code;
	return is_equal(&in_a, &in_b) ? ERR_OK : tell(c, ROW_CHANGED, a, b, err);
}

static enum err_code
merge(struct comparison *c, struct err *err)
{
	AUTO(sqlite_scan) struct sqlite_scan a = { .rows = NULL };
	AUTO(sqlite_scan) struct sqlite_scan b = { .rows = NULL };
	bool has_a;
	bool has_b;
	if (open_scan(c, 0, &a, err) || open_scan(c, 1, &b, err) ||
	    sqlite_scan_next(&a, &has_a, err) || sqlite_scan_next(&b, &has_b, err))
		return err->code;
	while (has_a || has_b) {
		bool takes_a = has_a && (!has_b || a.rowid <= b.rowid);
		bool takes_b = has_b && (!has_a || b.rowid <= a.rowid);
		enum err_code rc = takes_a && takes_b ? compare_pair(c, &a, &b, err)
				   : takes_a          ? tell(c, ROW_REMOVED, &a, NULL, err)
						      : tell(c, ROW_ADDED, NULL, &b, err);
		if (rc || (takes_a && sqlite_scan_next(&a, &has_a, err)) ||
		    (takes_b && sqlite_scan_next(&b, &has_b, err)))
			return err->code;
	}
	return ERR_OK;
}

/* --- by another key --- */

static enum err_code
feed(struct comparison *c, struct row_match *m, size_t side, struct err *err)
{
	AUTO(sqlite_scan) struct sqlite_scan s = { .rows = NULL };
	AUTO(bufv) struct buf batch = BUF_INIT;
	bool got = true;
	if (open_scan(c, side, &s, err))
		return err->code;
	while (got) {
		if (sqlite_scan_next(&s, &got, err))
			return err->code;
		if (got && ((batch.len > 0 && buf_str(&batch, ",", err)) ||
			       buf_add(&batch, s.tuple.data, s.tuple.len, err)))
			return err->code;
		if (batch.len < BATCH && got)
			continue;
		if (batch.len > 0 &&
		    row_match_add(m, (unsigned)side, batch.data, batch.len, err))
			return err->code;
		batch.len = 0;
	}
	return ERR_OK;
}

static enum err_code
match(struct comparison *c, struct err *err)
{
	AUTO(row_match) struct row_match *m = NULL;
	struct row_match_options opt = {
		.memory = c->opt != NULL ? c->opt->memory : 0,
		.temp_dir = c->opt != NULL ? c->opt->temp_dir : NULL,
		.keep = c->left,
		.columns = c->has_same_columns ? NULL : c->to_a,
	};
	if (row_match_new(&m, shape_of(c, 0), shape_of(c, 1), &opt, err) ||
	    feed(c, m, 0, err) || feed(c, m, 1, err))
		return err->code;
	return row_match_finish(m, c->fn, c->arg, c->out, err);
}

enum err_code
sqlite_rows_compare(struct sqlite_rows *a, struct sqlite_rows *b, const struct shape *in_a,
    const struct shape *in_b, const struct sqlite_rows_options *opt, row_change_fn *fn,
    void *arg, struct row_match_result *out, struct err *err)
{
	struct row_match_result result = { 0, 0, 0 };
	AUTO(comparison) struct comparison c = {
		.rows = { a, b },
		.tables = { sqlite_table_of(a, in_a), sqlite_table_of(b, in_b) },
		.opt = opt,
		.fn = fn,
		.arg = arg,
		.out = &result,
		.left = fn == NULL    ? 0
			: opt != NULL ? opt->keep
				      : SIZE_MAX,
	};
	if (find_common(&c, err) || find_same_leaves(&c, err))
		return err->code;
	bool is_by_rowid = c.tables[0]->is_by_rowid && c.tables[1]->is_by_rowid &&
			   c.to_a[in_b->key[0]] == in_a->key[0];
	if (is_by_rowid ? merge(&c, err) : match(&c, err))
		return err->code;
	*out = result;
	return ERR_OK;
}
