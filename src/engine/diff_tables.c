/*
 * Two versions of one table: its columns, and the rows that differ.
 */
#include "engine/diff_rows_impl.h"

#include "repo/content_cursor.h"
#include "repo/content_delta.h"

#include <string.h>

/* What hands rows of a table to the caller. */
struct row_telling {
	struct row_diff *d;
	const struct diff_table *table;
};

static enum err_code
tell_row(void *arg, enum row_change change, const struct row *before, const struct row *after,
    struct err *err)
{
	const struct row_telling *w = arg;
	const struct diff_rows_ops *ops = w->d->ops;
	return ops->row != NULL ? ops->row(w->d->arg, w->table, change, before, after, err)
				: ERR_OK;
}

/* --- columns --- */

static size_t
find_column(const struct shape *s, const char *name)
{
	for (size_t i = 0; i < s->column_count; i++)
		if (strcmp(s->columns[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* Are their columns called the same, in the same order? */
static bool
has_same_columns(const struct shape *a, const struct shape *b)
{
	bool same = a->column_count == b->column_count;
	for (size_t i = 0; same && i < a->column_count; i++)
		same = strcmp(a->columns[i].name, b->columns[i].name) == 0;
	return same;
}

/* For each column of b that of a; NULL when they are the same. */
static enum err_code
map_columns(size_t **out, const struct shape *a, const struct shape *b, struct err *err)
{
	*out = NULL;
	if (has_same_columns(a, b))
		return ERR_OK;
	size_t *columns = calloc(b->column_count + 1, sizeof *columns);
	if (columns == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < b->column_count; i++)
		columns[i] = find_column(a, b->columns[i].name);
	*out = columns;
	return ERR_OK;
}

/* --- rows --- */

struct feeding {
	struct row_match *match;
	struct row_diff *d;
};

static enum err_code
add_run(void *arg, const struct content_run_bytes *run, struct err *err)
{
	const struct feeding *f = arg;
	atomic_fetch_add(&f->d->bytes, run->len[0] + run->len[1]);
	return row_match_add_pair(
	    f->match, run->data[0], run->len[0], run->data[1], run->len[1], err);
}

static enum err_code
add_before(void *arg, const void *data, size_t len, struct err *err)
{
	const struct feeding *f = arg;
	atomic_fetch_add(&f->d->bytes, len);
	return row_match_add(f->match, 0, data, len, err);
}

static enum err_code
add_after(void *arg, const void *data, size_t len, struct err *err)
{
	const struct feeding *f = arg;
	atomic_fetch_add(&f->d->bytes, len);
	return row_match_add(f->match, 1, data, len, err);
}

static enum err_code
add_stored(
    struct feeding *f, const struct dump_part *x, const struct dump_part *y, struct err *err)
{
	AUTO(content_delta) struct content_delta *delta = NULL;
	struct repo *r = f->d->engine->repo;
	struct content_delta_options opt = {
		.a = &x->content,
		.b = &y->content,
		.repo_a = r,
		.repo_b = r,
		.is_apart = !row_match_is_bytewise(f->match),
		.cancel = f->d->engine->cancel,
	};
	if (content_delta_new(&delta, &opt, err))
		return err->code;
	return content_delta_read(delta, add_run, f, err);
}

static enum err_code
add_live(struct feeding *f, const struct dump_part *x, struct dump_part *y, struct err *err)
{
	struct row_rest_stored stored = {
		.repo = f->d->engine->repo,
		.content = &x->content,
		.is_all = !row_match_is_bytewise(f->match),
		.fn = add_before,
		.counted = add_after,
		.arg = f,
	};
	if (row_rest_fresh(&y->rest, add_after, f, err))
		return err->code;
	return row_rest_stale(&y->rest, &stored, err);
}

static enum err_code
match_rows(struct row_diff *d, struct diff_table *t, const struct dump_part *x,
    struct dump_part *y, struct err *err)
{
	AUTO(mem) size_t *columns = NULL;
	AUTO(row_match) struct row_match *match = NULL;
	if (map_columns(&columns, t->before, t->after, err))
		return err->code;
	struct row_match_options opt = {
		.memory = d->opt->memory,
		.keep = d->ops->row != NULL ? d->opt->limit : 0,
		.columns = columns,
	};
	struct row_telling telling = { d, t };
	if (row_match_new(&match, t->before, t->after, &opt, err))
		return err->code;
	struct feeding f = { match, d };
	if (y->is_live ? add_live(&f, x, y, err) : add_stored(&f, x, y, err))
		return err->code;
	return row_match_finish(match, tell_row, &telling, &t->rows, err);
}

/* --- a table that one side alone has --- */

struct showing {
	struct row_telling telling;
	enum row_change change;
	enum row_format format;
	size_t left;
};

/* As many rows as are wanted; there may be more. */
static enum err_code
show_rows(void *arg, const void *data, size_t len, struct err *err)
{
	struct showing *s = arg;
	struct row_reader r;
	row_reader_init(&r, s->format, data, len);
	while (s->left > 0) {
		struct row row;
		bool got;
		if (row_next(&r, &row, &got, err))
			return err->code;
		if (!got)
			return ERR_OK;
		bool is_new = s->change == ROW_ADDED;
		if (tell_row(&s->telling, s->change, is_new ? NULL : &row, is_new ? &row : NULL,
			err))
			return err->code;
		s->left--;
	}
	return ERR_OK;
}

/* No more is read than what is shown. */
static enum err_code
show_stored(struct showing *s, struct repo *r, const struct content *c, struct err *err)
{
	AUTO(bufv) struct buf rows = BUF_INIT;
	struct content_cursor cur;
	struct extent e;
	bool at_end = false;
	enum err_code rc = content_cursor_init(&cur, r, c, err);
	while (rc == ERR_OK && s->left > 0) {
		struct chunk_view v;
		rc = content_cursor_next(&cur, &e, &at_end, err);
		if (rc != ERR_OK || at_end)
			break;
		if (e.rows == 0 && !e.is_torn && rows.len == 0)
			continue; /* head and tail */
		rc = repo_read_chunk(r, &e.id, &v, err);
		if (rc != ERR_OK)
			break;
		rc = buf_add(&rows, v.data, v.len, err);
		chunk_view_release(&v);
		if (rc == ERR_OK && !e.is_torn) {
			rc = show_rows(s, rows.data, rows.len, err);
			rows.len = 0;
		}
	}
	content_cursor_release(&cur);
	return rc;
}

/* One of both has no rows. */
static enum err_code
show_one_side(struct row_diff *d, const struct diff_table *t, struct dump_part *x,
    struct dump_part *y, struct err *err)
{
	bool is_new = t->rows_after > 0;
	const struct shape *shape = is_new ? t->after : t->before;
	struct dump_part *p = is_new ? y : x;
	struct showing s = {
		.telling = { d, t },
		.change = is_new ? ROW_ADDED : ROW_REMOVED,
		.left = d->ops->row != NULL && t->rows_before + t->rows_after > 0
			    ? d->opt->limit
			    : 0,
	};
	if (shape == NULL || s.left == 0)
		return ERR_OK;
	s.format = shape->format;
	return p->is_live ? row_rest_fresh(&p->rest, show_rows, &s, err)
			  : show_stored(&s, d->engine->repo, &p->content, err);
}

/* --- both --- */

/* Where both shapes are known. */
static bool
has_other_columns(const struct diff_table *t)
{
	return t->before != NULL && t->after != NULL && !has_same_columns(t->before, t->after);
}

static bool
has_difference(const struct diff_table *t)
{
	return t->rows.added + t->rows.removed + t->rows.changed > 0 || has_other_columns(t);
}

static bool
is_same(const struct diff_table *t, const struct dump_part *x, const struct dump_part *y)
{
	if (has_other_columns(t))
		return false;
	return y->is_live ? y->rest.fresh == NULL && y->rest.stale == NULL && x->rows == y->rows
			  : content_equal(&x->content, &y->content);
}

static enum err_code
count_both(struct row_diff *d, struct diff_table *t, const struct dump_part *x,
    struct dump_part *y, struct err *err)
{
	if (t->before == NULL || t->after == NULL)
		return diff_unknown(
		    d, t->service, t->table, "the schema does not tell its columns", err);
	if (match_rows(d, t, x, y, err))
		return err_wrap(err, "service %s: %s: %s", t->service, t->database, t->table);
	t->is_counted = true;
	t->state = has_difference(t) ? DIFF_CHANGED : DIFF_SAME;
	return ERR_OK;
}

/* Without rows on one side, there is nothing to match. */
static enum err_code
count_one(struct row_diff *d, struct diff_table *t, struct dump_part *x, struct dump_part *y,
    struct err *err)
{
	t->rows.added = t->rows_after;
	t->rows.removed = t->rows_before;
	t->is_counted = true;
	/* Of a table without rows, MySQL's dumps have no file. */
	bool is_both = (x != NULL && y != NULL) || (t->before != NULL && t->after != NULL);
	if (is_both)
		t->state = has_difference(t) ? DIFF_CHANGED : DIFF_SAME;
	return show_one_side(d, t, x, y, err);
}

enum err_code
diff_one_table(struct row_diff *d, struct diff_table *t, struct dump_part *x,
    struct dump_part *y, struct err *err)
{
	enum err_code rc = ERR_OK;
	t->rows_before = x != NULL ? x->rows : 0;
	t->rows_after = y != NULL ? y->rows : 0;
	t->state = x == NULL ? DIFF_ADDED : y == NULL ? DIFF_REMOVED : DIFF_CHANGED;
	if (x != NULL && y != NULL && is_same(t, x, y)) {
		t->state = DIFF_SAME;
		t->is_counted = true;
	} else if (t->rows_before == 0 || t->rows_after == 0) {
		rc = count_one(d, t, x, y, err);
	} else if (diff_wants_rows(d)) {
		rc = count_both(d, t, x, y, err);
	}
	atomic_fetch_add(&d->tables, 1);
	if (rc != ERR_OK || d->ops->table == NULL)
		return rc;
	return d->ops->table(d->arg, t, err);
}
