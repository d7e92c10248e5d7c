/*
 * Which dumps and tables of two sides belong together.
 */
#include "engine/diff_rows_impl.h"

#include "engine/diff_sqlite.h"
#include "engine/meter.h"

#include <string.h>

/* --- pairs of tables --- */

/* Walks both sides in order of names. */
struct pairing {
	const struct dump_side *a;
	const struct dump_side *b;
	size_t i;
	size_t k;
};

static struct dump_part *
table_at(const struct dump_side *s, size_t i)
{
	return s != NULL && i < s->n_tables ? s->tables[i] : NULL;
}

/* The next two of one name, of which one may be NULL; false behind the last. */
static bool
next_pair(struct pairing *p, struct dump_part **x, struct dump_part **y)
{
	*x = table_at(p->a, p->i);
	*y = table_at(p->b, p->k);
	int order = *x == NULL ? 1 : *y == NULL ? -1 : strcmp((*x)->table, (*y)->table);
	bool is_end = *x == NULL && *y == NULL;
	if (order > 0)
		*x = NULL;
	if (order < 0)
		*y = NULL;
	p->i += *x != NULL;
	p->k += *y != NULL;
	return !is_end;
}

/*
 * Must the schemas be read?  To tell their definitions, to compare rows; and
 * where a dump has no words before the rows, equal rows may stand in other
 * columns, and a table without a file may be there, without rows.
 */
static bool
needs_schema(const struct row_diff *d, const struct dump_side *a, const struct dump_side *b)
{
	struct pairing p = { a, b, 0, 0 };
	struct dump_part *x;
	struct dump_part *y;
	bool has_both = a != NULL && b != NULL;
	bool is_same = has_both && diff_is_same_text(a, b);
	bool is_headless = has_both && a->row_format == ROW_INSERT;
	if (d->opt->schema && !is_same)
		return true;
	while (next_pair(&p, &x, &y)) {
		if (x == NULL || y == NULL) {
			if (is_headless || d->opt->limit > 0)
				return true;
		} else if (diff_wants_rows(d) && diff_wants_table(d, x->table) &&
			   (y->is_live || (is_headless && !is_same) ||
			       !content_equal(&x->content, &y->content))) {
			return true;
		}
	}
	return false;
}

static enum err_code
compare_tables(
    struct row_diff *d, const struct dump_side *a, const struct dump_side *b, struct err *err)
{
	const struct dump_side *of = a != NULL ? a : b;
	struct pairing p = { a, b, 0, 0 };
	struct dump_part *x;
	struct dump_part *y;
	while (next_pair(&p, &x, &y)) {
		const char *name = x != NULL ? x->table : y->table;
		AUTO(bufv) struct buf room = BUF_INIT;
		struct diff_table t = {
			.service = of->service,
			.table = name,
			.before = a != NULL ? diff_shape(a, b, name) : NULL,
			.after = b != NULL ? diff_shape(b, a, name) : NULL,
		};
		if (cancel_check(d->engine->cancel, err) ||
		    diff_database_of(&t.database, &room, of, name, err))
			return err->code;
		if (diff_wants_database(d, t.database) && diff_wants_table(d, name) &&
		    diff_one_table(d, &t, x, y, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- pairs of dumps --- */

/* What one side has as a whole: all its tables were added, or removed. */
static struct dump_side
nothing_like(const struct dump_side *s)
{
	return (struct dump_side){
		.service = s->service,
		.stream = s->stream,
		.database = s->database,
		.is_whole = true,
	};
}

static enum err_code
compare_whole(struct row_diff *d, struct dump_side *a, struct dump_side *b, struct err *err)
{
	AUTO(census) struct census *none = NULL;
	struct dump_side other = nothing_like(a != NULL ? a : b);
	if ((a != NULL && diff_read_census(d, &d->a, a, err)) ||
	    (b != NULL && diff_read_census(d, &d->b, b, err)))
		return err->code;
	if (a != NULL && b != NULL)
		return diff_by_census(d, a, b, err);
	if (census_new(&none, CENSUS_POSTGRES, err))
		return err->code;
	other.census = none;
	return diff_by_census(d, a != NULL ? a : &other, b != NULL ? b : &other, err);
}

static enum err_code
compare_dumps(struct row_diff *d, struct dump_side *a, struct dump_side *b, struct err *err)
{
	if ((a != NULL && a->is_whole) || (b != NULL && b->is_whole))
		return compare_whole(d, a, b, err);
	if (needs_schema(d, a, b) && diff_read_shapes(d, a, b, err))
		return err->code;
	if (d->opt->schema && diff_objects(d, a, b, err))
		return err->code;
	enum err_code rc = compare_tables(d, a, b, err);
	/* Schemas of one database at a time. */
	if (a != NULL)
		shapes_free(TAKE(a->shapes));
	if (b != NULL)
		shapes_free(TAKE(b->shapes));
	return rc;
}

static int
order_of(const struct dump_side *x, const struct dump_side *y)
{
	if (x == NULL || y == NULL)
		return (x == NULL) - (y == NULL);
	int order = strcmp(x->service, y->service);
	return order != 0 ? order : strcmp(x->stream, y->stream);
}

enum err_code
diff_sides(struct row_diff *d, struct err *err)
{
	size_t i = 0;
	size_t k = 0;
	while (i < d->a.count || k < d->b.count) {
		struct dump_side *x = i < d->a.count ? &d->a.dumps[i] : NULL;
		struct dump_side *y = k < d->b.count ? &d->b.dumps[k] : NULL;
		int order = order_of(x, y);
		x = order <= 0 ? x : NULL;
		y = order >= 0 ? y : NULL;
		i += x != NULL;
		k += y != NULL;
		if (compare_dumps(d, x, y, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- a comparison --- */

struct row_diff
row_diff_of(struct engine *e, const struct diff_rows_options *opt,
    const struct diff_rows_ops *ops, void *arg)
{
	return (struct row_diff){
		.engine = e,
		.opt = opt,
		.ops = ops,
		.arg = arg,
		.a = DIFF_SIDE_INIT,
		.b = DIFF_SIDE_INIT,
	};
}

void
row_diff_release(struct row_diff *d)
{
	diff_side_release(&d->a);
	diff_side_release(&d->b);
	spill_close(d->spill);
}

/* --- two snapshots --- */

static void
sample(void *arg, struct event *e)
{
	struct row_diff *d = arg;
	e->bytes = atomic_load(&d->bytes);
	e->files = atomic_load(&d->tables);
	e->unit = "tables";
}

static enum err_code
compare_snapshots(struct row_diff *d, const struct id *a, const struct id *b, struct err *err)
{
	AUTO(meter) struct meter *meter = NULL;
	event_phase(d->engine->events, "compare the databases");
	meter_start(&meter, d->engine->events, sample, d);
	if (diff_side_open(d, &d->a, a, err) || diff_side_open(d, &d->b, b, err) ||
	    diff_check_names(d, err) || diff_sides(d, err))
		return err->code;
	return diff_sqlite(d, &d->a.snapshot, &d->b.snapshot, err);
}

enum err_code
diff_rows_snapshots(struct engine *e, const struct id *a, const struct id *b,
    const struct diff_rows_options *opt, const struct diff_rows_ops *ops, void *arg,
    struct err *err)
{
	AUTO(row_diff) struct row_diff d = row_diff_of(e, opt, ops, arg);
	return compare_snapshots(&d, a, b, err);
}
