/*
 * Dumps that are stored as one file, by an earlier StackSnap: their census
 * tells which tables and definitions differ, and how many rows each has, but
 * not which rows.
 */
#include "engine/diff_rows_impl.h"

#include "db/sql_name.h"

#include <string.h>

/* A walk over the items of one kind, in order of names. */
struct items {
	const struct census *census;
	size_t at;
};

static const struct census_item *
peek(struct items *w, enum census_what what)
{
	while (w->at < census_count(w->census) && census_item(w->census, w->at)->what != what)
		w->at++;
	return w->at < census_count(w->census) ? census_item(w->census, w->at) : NULL;
}

static enum diff_state
state_of(const struct census_item *x, const struct census_item *y)
{
	if (x == NULL)
		return DIFF_ADDED;
	if (y == NULL)
		return DIFF_REMOVED;
	return x->count == y->count && memcmp(&x->content, &y->content, sizeof x->content) == 0
		   ? DIFF_SAME
		   : DIFF_CHANGED;
}

static enum err_code
tell_table(struct row_diff *d, const struct dump_side *of, const struct census_item *x,
    const struct census_item *y, bool *is_unknown, struct err *err)
{
	enum diff_state state = state_of(x, y);
	AUTO(bufv) struct buf room = BUF_INIT;
	struct diff_table t = {
		.service = of->service,
		.table = x != NULL ? x->name : y->name,
		.state = state,
		.rows_before = x != NULL ? x->count : 0,
		.rows_after = y != NULL ? y->count : 0,
		.is_counted = state != DIFF_CHANGED,
		.rows = { .added = state == DIFF_ADDED ? y->count : 0,
		    .removed = state == DIFF_REMOVED ? x->count : 0 },
	};
	if (diff_database_of(&t.database, &room, of, t.table, err))
		return err->code;
	if (!diff_wants_database(d, t.database) || !diff_wants_table(d, t.table))
		return ERR_OK;
	*is_unknown = *is_unknown || state == DIFF_CHANGED;
	return d->ops->table != NULL ? d->ops->table(d->arg, &t, err) : ERR_OK;
}

static enum err_code
tell_object(struct row_diff *d, const struct dump_side *of, const struct census_item *x,
    const struct census_item *y, struct err *err)
{
	struct diff_object o = {
		.service = of->service,
		.database = of->database,
		.name = x != NULL ? x->name : y->name,
		.state = state_of(x, y),
		.before = x != NULL ? "" : NULL,
		.after = y != NULL ? "" : NULL,
	};
	bool is_wanted;
	if (diff_wants_object(d, o.database, o.name, sql_object_table(o.name), &is_wanted, err))
		return err->code;
	return is_wanted && o.state != DIFF_SAME ? d->ops->object(d->arg, &o, err) : ERR_OK;
}

/* All items of a kind, in pairs. */
static enum err_code
walk(struct row_diff *d, const struct dump_side *a, const struct dump_side *b,
    enum census_what what, bool *is_unknown, struct err *err)
{
	struct items i = { a->census, 0 };
	struct items k = { b->census, 0 };
	for (;;) {
		const struct census_item *x = peek(&i, what);
		const struct census_item *y = peek(&k, what);
		if (x == NULL && y == NULL)
			return ERR_OK;
		int order = x == NULL ? 1 : y == NULL ? -1 : strcmp(x->name, y->name);
		if (order > 0)
			x = NULL;
		if (order < 0)
			y = NULL;
		i.at += x != NULL;
		k.at += y != NULL;
		if (what == CENSUS_ROWS ? tell_table(d, a, x, y, is_unknown, err)
					: tell_object(d, a, x, y, err))
			return err->code;
	}
}

enum err_code
diff_by_census(
    struct row_diff *d, const struct dump_side *a, const struct dump_side *b, struct err *err)
{
	bool is_unknown = false;
	if (a->census == NULL || b->census == NULL)
		return diff_unknown(d, a->service, a->stream,
		    "it is stored as one file, by an earlier StackSnap that did not note what "
		    "is in it",
		    err);
	if (!census_is_known(a->census) || !census_is_known(b->census))
		return diff_unknown(d, a->service, a->stream,
		    "it holds what only the server's own modules can read", err);
	if (d->opt->schema && d->ops->object != NULL &&
	    walk(d, a, b, CENSUS_OBJECT, &is_unknown, err))
		return err->code;
	if (walk(d, a, b, CENSUS_ROWS, &is_unknown, err))
		return err->code;
	return is_unknown && diff_wants_rows(d)
		   ? diff_unknown(d, a->service, a->stream,
			 "it is stored as one file, by an earlier StackSnap: which tables "
			 "differ is known, but not which rows",
			 err)
		   : ERR_OK;
}
