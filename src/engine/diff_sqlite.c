#include "engine/diff_sqlite.h"

#include "base/room.h"
#include "repo/content_cursor.h"

#include <string.h>
#include <unistd.h>

/* --- what both versions have at the same place --- */

struct range {
	uint64_t from;
	uint64_t to;
};

struct same_ranges {
	struct range *items; /* ascending */
	size_t count;
};

static void
same_ranges_auto(struct same_ranges *s)
{
	free(s->items);
}

static enum err_code
add_range(struct same_ranges *s, uint64_t from, uint64_t to, struct err *err)
{
	if (s->count > 0 && s->items[s->count - 1].to == from) {
		s->items[s->count - 1].to = to;
		return ERR_OK;
	}
	if (ROOM_SHORT(s->items, s->count, err))
		return err->code;
	s->items[s->count++] = (struct range){ from, to };
	return ERR_OK;
}

static bool
is_equal(const struct extent *x, const struct extent *y)
{
	return x->len == y->len && x->is_hole == y->is_hole &&
	       (x->is_hole || id_equal(&x->id, &y->id));
}

/* Chunks of both that begin at the same place. */
static enum err_code
walk_both(struct same_ranges *out, struct content_cursor *a, struct content_cursor *b,
    struct err *err)
{
	struct extent x = { .len = 0 };
	struct extent y = { .len = 0 };
	uint64_t from_x = 0;
	uint64_t from_y = 0;
	bool at_end = false;
	while (!at_end) {
		bool next_x = from_x + x.len <= from_y + y.len;
		bool next_y = from_y + y.len <= from_x + x.len;
		if (next_x) {
			from_x += x.len;
			if (content_cursor_next(a, &x, &at_end, err))
				return err->code;
		}
		if (next_y && !at_end) {
			from_y += y.len;
			if (content_cursor_next(b, &y, &at_end, err))
				return err->code;
		}
		if (!at_end && from_x == from_y && is_equal(&x, &y) &&
		    add_range(out, from_x, from_x + x.len, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
find_same(struct same_ranges *out, struct repo *r, const struct content *a,
    const struct content *b, struct err *err)
{
	struct content_cursor x;
	struct content_cursor y = { .depth = 0 };
	enum err_code rc = content_cursor_init(&x, r, a, err);
	if (rc == ERR_OK)
		rc = content_cursor_init(&y, r, b, err);
	if (rc == ERR_OK)
		rc = walk_both(out, &x, &y, err);
	content_cursor_release(&x);
	content_cursor_release(&y);
	return rc;
}

static bool
is_same(void *arg, uint64_t offset, size_t len)
{
	const struct same_ranges *s = arg;
	size_t low = 0;
	size_t high = s->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->items[middle].to <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->count && s->items[low].from <= offset &&
	       offset + len <= s->items[low].to;
}

/* --- tables --- */

struct telling {
	struct row_diff *d;
	struct diff_table *table;
	size_t left; /* rows to show of a table on one side alone */
};

static enum err_code
tell_row(void *arg, enum row_change change, const struct row *before, const struct row *after,
    struct err *err)
{
	const struct telling *w = arg;
	return w->d->ops->row(w->d->arg, w->table, change, before, after, err);
}

static enum err_code
show_row(void *arg, const struct row *row, struct err *err)
{
	struct telling *w = arg;
	bool is_new = w->table->state == DIFF_ADDED;
	if (w->left == 0) /* told by the caller as no error */
		return err_set(err, ERR_CANCELLED, "enough");
	w->left--;
	return tell_row(
	    w, is_new ? ROW_ADDED : ROW_REMOVED, is_new ? NULL : row, is_new ? row : NULL, err);
}

static enum err_code
one_side(struct row_diff *d, struct diff_table *t, struct sqlite_rows *r,
    const struct shape *shape, struct err *err)
{
	struct telling w = { d, t, d->ops->row != NULL ? d->opt->limit : 0 };
	bool is_new = t->state == DIFF_ADDED;
	uint64_t total;
	if (sqlite_rows_total(r, shape, &total, err))
		return err->code;
	*(is_new ? &t->rows_after : &t->rows_before) = total;
	*(is_new ? &t->rows.added : &t->rows.removed) = total;
	enum err_code rc = w.left > 0 ? sqlite_rows_each(r, shape, show_row, &w, err) : ERR_OK;
	bool is_enough =
	    rc == ERR_CANCELLED && w.left == 0 && !cancel_is_raised(d->engine->cancel);
	return is_enough ? ERR_OK : rc;
}

static bool
has_other_columns(const struct shape *a, const struct shape *b)
{
	if (a->column_count != b->column_count)
		return true;
	for (size_t i = 0; i < a->column_count; i++)
		if (strcmp(a->columns[i].name, b->columns[i].name) != 0)
			return true;
	return false;
}

static enum err_code
both_sides(struct row_diff *d, struct diff_table *t, struct sqlite_rows *a,
    struct sqlite_rows *b, struct same_ranges *same, struct err *err)
{
	struct telling w = { d, t, 0 };
	struct sqlite_rows_options opt = {
		.memory = d->opt->memory,
		.keep = d->opt->limit,
		.is_same = is_same,
		.same_arg = same,
	};
	row_change_fn *fn = d->ops->row != NULL && d->opt->limit > 0 ? tell_row : NULL;
	if (sqlite_rows_total(a, t->before, &t->rows_before, err) ||
	    sqlite_rows_total(b, t->after, &t->rows_after, err) ||
	    sqlite_rows_compare(a, b, t->before, t->after, &opt, fn, &w, &t->rows, err))
		return err->code;
	bool differs = t->rows.added + t->rows.removed + t->rows.changed > 0 ||
		       has_other_columns(t->before, t->after);
	t->state = differs ? DIFF_CHANGED : DIFF_SAME;
	return ERR_OK;
}

static enum err_code
compare_table(struct row_diff *d, const struct sqlite_stored *of, struct sqlite_rows *a,
    struct sqlite_rows *b, const struct shape *x, const struct shape *y,
    struct same_ranges *same, struct err *err)
{
	struct diff_table t = {
		.service = of->service,
		.database = of->database,
		.table = x != NULL ? x->name : y->name,
		.state = x == NULL   ? DIFF_ADDED
			 : y == NULL ? DIFF_REMOVED
				     : DIFF_CHANGED,
		.before = x,
		.after = y,
		.is_counted = true,
	};
	if (!diff_wants_table(d, t.table))
		return ERR_OK;
	if (x != NULL && y != NULL ? both_sides(d, &t, a, b, same, err)
				   : one_side(d, &t, x != NULL ? a : b, x != NULL ? x : y, err))
		return err_wrap(err, "%s: %s", of->database, t.table);
	atomic_fetch_add(&d->tables, 1);
	return d->ops->table != NULL ? d->ops->table(d->arg, &t, err) : ERR_OK;
}

static const struct shape *
table_at(const struct sqlite_rows *r, size_t i)
{
	return r != NULL && i < sqlite_rows_count(r) ? sqlite_rows_at(r, i) : NULL;
}

static enum err_code
compare_tables(struct row_diff *d, const struct sqlite_stored *of, struct sqlite_rows *a,
    struct sqlite_rows *b, struct same_ranges *same, struct err *err)
{
	size_t i = 0;
	size_t k = 0;
	for (;;) {
		const struct shape *x = table_at(a, i);
		const struct shape *y = table_at(b, k);
		if (x == NULL && y == NULL)
			return ERR_OK;
		int order = x == NULL ? 1 : y == NULL ? -1 : strcmp(x->name, y->name);
		x = order > 0 ? NULL : x;
		y = order < 0 ? NULL : y;
		i += x != NULL;
		k += y != NULL;
		if (cancel_check(d->engine->cancel, err) ||
		    compare_table(d, of, a, b, x, y, same, err))
			return err->code;
	}
}

static const struct shape_object *
object_at(const void *of, size_t i)
{
	return sqlite_rows_object(of, i);
}

static struct diff_definitions
definitions_of(const struct sqlite_rows *r)
{
	return (struct diff_definitions){ r, r != NULL ? sqlite_rows_object_count(r) : 0,
		object_at };
}

/* --- files --- */

static enum err_code
compare_versions(struct row_diff *d, const struct sqlite_stored *of,
    const struct sqlite_version *a, const struct sqlite_version *b, struct err *err)
{
	AUTO(same_ranges) struct same_ranges same = { NULL, 0 };
	struct diff_object object = { .service = of->service, .database = of->database };
	struct diff_definitions x = definitions_of(a->rows);
	struct diff_definitions y = definitions_of(b->rows);
	if (a->content != NULL && b->content != NULL &&
	    find_same(&same, d->engine->repo, a->content, b->content, err))
		return err->code;
	if (d->opt->schema && diff_definitions_compare(d, &object, &x, &y, err))
		return err->code;
	return compare_tables(d, of, a->rows, b->rows, &same, err);
}

/* What cannot be read of one file is told, and keeps none of the others from being compared. */
static enum err_code
pass_over(
    struct row_diff *d, const struct sqlite_stored *of, const struct err *why, struct err *err)
{
	if (why->code == ERR_CANCELLED || why->code == ERR_NO_MEMORY) {
		*err = *why;
		return why->code;
	}
	return diff_unknown(d, of->service, of->database, why->msg, err);
}

static enum err_code
compare_stored(struct row_diff *d, const struct sqlite_stored *x, const struct sqlite_stored *y,
    struct err *err)
{
	AUTO(sqlite_version) struct sqlite_version a = { .rows = NULL };
	AUTO(sqlite_version) struct sqlite_version b = { .rows = NULL };
	const struct sqlite_stored *of = x != NULL ? x : y;
	struct err why = ERR_INIT;
	if (x != NULL && y != NULL && content_equal(&x->content, &y->content))
		return ERR_OK;
	if ((x != NULL && !x->is_whole) || (y != NULL && !y->is_whole))
		return diff_unknown(d, of->service, of->database,
		    "SQLite could make no whole file of it when it was backed up", err);
	if ((x != NULL && sqlite_version_stored(&a, d, x, &why)) ||
	    (y != NULL && sqlite_version_stored(&b, d, y, &why)))
		return pass_over(d, of, &why, err);
	return compare_versions(d, of, &a, &b, err);
}

static enum err_code
compare_lists(struct row_diff *d, const struct sqlite_list *a, const struct sqlite_list *b,
    struct err *err)
{
	size_t i = 0;
	size_t k = 0;
	while (i < a->count || k < b->count) {
		const struct sqlite_stored *x = i < a->count ? &a->items[i] : NULL;
		const struct sqlite_stored *y = k < b->count ? &b->items[k] : NULL;
		int order = x == NULL ? 1 : y == NULL ? -1 : sqlite_stored_order(x, y);
		x = order > 0 ? NULL : x;
		y = order < 0 ? NULL : y;
		i += x != NULL;
		k += y != NULL;
		if (compare_stored(d, x, y, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
compare_live(struct row_diff *d, const struct sqlite_stored *x, struct sqlite_scratch *scratch,
    size_t number, struct err *err)
{
	AUTO(sqlite_version) struct sqlite_version a = { .rows = NULL };
	AUTO(sqlite_version) struct sqlite_version b = { .rows = NULL };
	AUTO(str) char *folder = NULL;
	struct err why = ERR_INIT;
	if (!x->is_whole || x->live == NULL)
		return diff_unknown(d, x->service, x->database,
		    !x->is_whole ? "SQLite could make no whole file of it when it was backed up"
				 : "it is not known where it lies",
		    err);
	if (sqlite_scratch_folder(scratch, number, &folder, err))
		return err->code;
	if (sqlite_version_stored(&a, d, x, &why) ||
	    sqlite_version_live(&b, d, x, folder, &why))
		return pass_over(d, x, &why, err);
	if (compare_versions(d, x, &a, &b, err))
		return err->code;
	return sqlite_scratch_done(folder, err);
}

/* Files of another host are not those that lie here. */
static bool
is_of_this_host(const struct snapshot *s)
{
	const char *host = json_get_str(s->document, "host");
	char here[256];
	if (host == NULL || gethostname(here, sizeof here) != 0)
		return false;
	here[sizeof here - 1] = '\0';
	return strcmp(host, here) == 0;
}

static enum err_code
compare_with_live(
    struct row_diff *d, const struct snapshot *s, const struct sqlite_list *a, struct err *err)
{
	struct sqlite_scratch *scratch = NULL;
	enum err_code rc = ERR_OK;
	if (a->count == 0)
		return ERR_OK;
	if (!is_of_this_host(s))
		return diff_unknown(d, a->items[0].service, "SQLite databases",
		    "the snapshot is of another host", err);
	if (sqlite_scratch_open(&scratch, d->engine->state_dir, err))
		return err->code;
	for (size_t i = 0; i < a->count && rc == ERR_OK; i++)
		rc = compare_live(d, &a->items[i], scratch, i, err);
	sqlite_scratch_close(scratch);
	return rc;
}

enum err_code
diff_sqlite(
    struct row_diff *d, const struct snapshot *a, const struct snapshot *b, struct err *err)
{
	AUTO(sqlite_list) struct sqlite_list x = { NULL, 0 };
	AUTO(sqlite_list) struct sqlite_list y = { NULL, 0 };
	if (sqlite_list_read(&x, d, a, err) || (b != NULL && sqlite_list_read(&y, d, b, err)))
		return err->code;
	return b != NULL ? compare_lists(d, &x, &y, err) : compare_with_live(d, a, &x, err);
}
