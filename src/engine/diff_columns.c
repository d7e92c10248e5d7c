/*
 * Columns that were asked for: is there a table that has them?
 */
#include "engine/diff_sqlite.h"

#include "base/suggest.h"

#include <string.h>

/* One of them, and the nearest to it that there is. */
struct wanted_column {
	const char *name;
	bool is_there;
	char *near; /* NULL: nothing is */
};

struct column_search {
	struct row_diff *diff;
	struct wanted_column *items;
	size_t count;
	bool is_unsure; /* there are tables whose columns are not known */
};

static void
column_search_auto(struct column_search *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i].near);
	free(s->items);
}

static enum err_code
look_at_column(struct wanted_column *w, const char *name, struct err *err)
{
	const char *words[2];
	size_t n = 0;
	if (w->is_there)
		return ERR_OK;
	w->is_there = strcmp(w->name, name) == 0;
	if (w->near != NULL)
		words[n++] = w->near;
	words[n] = name;
	if (suggest(w->name, words, n + 1) != name)
		return ERR_OK;
	free(TAKE(w->near));
	return str_dup(&w->near, name, err);
}

static enum err_code
look_at_shape(struct column_search *s, const struct shape *shape, struct err *err)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < shape->column_count; k++)
			if (look_at_column(&s->items[i], shape->columns[k].name, err))
				return err->code;
	return ERR_OK;
}

/* --- dumps --- */

static enum err_code
look_at_shapes(struct column_search *s, const struct dump_side *dump, struct err *err)
{
	AUTO(bufv) struct buf room = BUF_INIT;
	for (size_t i = 0; i < shapes_count(dump->shapes); i++) {
		const struct shape *shape = shapes_at(dump->shapes, i);
		const char *database;
		if (diff_database_of(&database, &room, dump, shape->name, err))
			return err->code;
		if (diff_wants_database(s->diff, database) &&
		    diff_wants_table(s->diff, shape->name) && look_at_shape(s, shape, err))
			return err->code;
	}
	return ERR_OK;
}

/* The words of a live dump can be read once: its shapes stay until its tables are compared. */
static enum err_code
look_at_dumps(struct column_search *s, struct diff_side *side, struct err *err)
{
	for (size_t i = 0; i < side->count; i++) {
		struct dump_side *dump = &side->dumps[i];
		if (dump->is_whole) {
			s->is_unsure = true;
			continue;
		}
		if (diff_read_shapes(s->diff, dump, NULL, err) || look_at_shapes(s, dump, err))
			return err->code;
		if (!dump->is_live)
			shapes_free(TAKE(dump->shapes));
	}
	return ERR_OK;
}

/* --- SQLite databases --- */

/* What cannot be read is told when it is compared. */
static enum err_code
look_at_file(struct column_search *s, const struct sqlite_stored *file, struct err *err)
{
	AUTO(sqlite_version) struct sqlite_version v = { .rows = NULL };
	struct err why = ERR_INIT;
	if (!file->is_whole || sqlite_version_stored(&v, s->diff, file, &why)) {
		s->is_unsure = true;
		return ERR_OK;
	}
	for (size_t i = 0; i < sqlite_rows_count(v.rows); i++) {
		const struct shape *shape = sqlite_rows_at(v.rows, i);
		if (diff_wants_table(s->diff, shape->name) && look_at_shape(s, shape, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
look_at_files(struct column_search *s, const struct snapshot *of, struct err *err)
{
	AUTO(sqlite_list) struct sqlite_list list = { NULL, 0 };
	if (sqlite_list_read(&list, s->diff, of, err))
		return err->code;
	for (size_t i = 0; i < list.count; i++)
		if (look_at_file(s, &list.items[i], err))
			return err->code;
	/* What lies there now may have other columns. */
	bool is_live = s->diff->b.snapshot.document == NULL;
	s->is_unsure = s->is_unsure || (is_live && list.count > 0);
	return ERR_OK;
}

/* --- all --- */

static enum err_code
column_search_init(struct column_search *s, struct err *err)
{
	const char *const *names = s->diff->opt->columns;
	while (names[s->count] != NULL)
		s->count++;
	s->items = calloc(s->count + 1, sizeof *s->items);
	if (s->items == NULL) {
		s->count = 0;
		return err_nomem(err);
	}
	for (size_t i = 0; i < s->count; i++)
		s->items[i].name = names[i];
	return ERR_OK;
}

static enum err_code
judge(const struct column_search *s, struct err *err)
{
	for (size_t i = 0; i < s->count && !s->is_unsure; i++) {
		const struct wanted_column *w = &s->items[i];
		if (!w->is_there)
			return err_set(err, ERR_USAGE,
			    "no table that is compared has a column %s%s%s%s", w->name,
			    w->near != NULL ? " (did you mean " : "",
			    w->near != NULL ? w->near : "", w->near != NULL ? "?)" : "");
	}
	return ERR_OK;
}

enum err_code
diff_check_columns(struct row_diff *d, struct err *err)
{
	AUTO(column_search) struct column_search s = { .diff = d,
		.is_unsure = d->n_unknown > 0 };
	if (d->opt->columns == NULL)
		return ERR_OK;
	if (column_search_init(&s, err) || look_at_dumps(&s, &d->a, err) ||
	    look_at_dumps(&s, &d->b, err) || look_at_files(&s, &d->a.snapshot, err) ||
	    (d->b.snapshot.document != NULL && look_at_files(&s, &d->b.snapshot, err)))
		return err->code;
	return judge(&s, err);
}
