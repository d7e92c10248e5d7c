/* Tables: what was said of them, and the shapes that come of it. */
#include "db/shape_impl.h"

#include "base/room.h"

#include <stdlib.h>
#include <string.h>

/* A table and those whose columns it has. */
#define LINEAGE_MAX 64

/* --- what was said --- */

static struct table_def *
find_table(const struct shapes *s, const char *name)
{
	struct checksum128 key = checksum128_of(name, strlen(name));
	size_t *place = map_get(&s->table_places, &key);
	return place != NULL ? &s->tables[*place] : NULL;
}

enum err_code
table_at(struct table_def **out, struct shapes *s, const char *name, struct err *err)
{
	struct checksum128 key = checksum128_of(name, strlen(name));
	void *place;
	bool is_new;
	char *copy;
	*out = find_table(s, name);
	if (*out != NULL)
		return ERR_OK;
	if (ROOM_SHORT(s->tables, s->table_count, err) || str_dup(&copy, name, err))
		return err->code;
	if (map_put(&s->table_places, &key, &place, &is_new, err)) {
		free(copy);
		return err->code;
	}
	*(size_t *)place = s->table_count;
	*out = &s->tables[s->table_count++];
	**out = (struct table_def){ .name = copy };
	return ERR_OK;
}

enum err_code
table_add_column(
    struct column_def **out, struct table_def *t, const char *name, struct err *err)
{
	char *copy;
	if (ROOM_SHORT(t->columns, t->column_count, err) || str_dup(&copy, name, err))
		return err->code;
	*out = &t->columns[t->column_count++];
	**out = (struct column_def){ .name = copy };
	return ERR_OK;
}

enum err_code
table_add_key(struct key_def **out, struct table_def *t, struct err *err)
{
	if (ROOM_SHORT(t->keys, t->key_count, err))
		return err->code;
	*out = &t->keys[t->key_count++];
	**out = (struct key_def){ .columns = STRV_INIT };
	return ERR_OK;
}

void
table_clear(struct table_def *t)
{
	for (size_t i = 0; i < t->column_count; i++) {
		free(t->columns[i].name);
		free(t->columns[i].type);
	}
	for (size_t i = 0; i < t->key_count; i++)
		strv_release(&t->keys[i].columns);
	free(TAKE(t->columns));
	free(TAKE(t->keys));
	t->column_count = 0;
	t->key_count = 0;
}

void
tables_release(struct shapes *s)
{
	for (size_t i = 0; s->shapes != NULL && i < s->table_count; i++)
		shape_release(&s->shapes[i]);
	for (size_t i = 0; i < s->table_count; i++) {
		struct table_def *t = &s->tables[i];
		table_clear(t);
		strv_release(&t->parents);
		strv_release(&t->head);
		free(t->name);
	}
	free(s->shapes);
	free(s->tables);
}

/* --- what comes of it --- */

/* The table itself, its parents, theirs, and so on, each once; how many there are. */
static size_t
lineage(
    const struct shapes *s, const struct table_def *t, const struct table_def *out[LINEAGE_MAX])
{
	size_t n = 1;
	out[0] = t;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < out[i]->parents.len && n < LINEAGE_MAX; k++) {
			const struct table_def *parent =
			    find_table(s, out[i]->parents.items[k]);
			size_t at = 0;
			while (at < n && out[at] != parent)
				at++;
			if (parent != NULL && at == n)
				out[n++] = parent;
		}
	}
	return n;
}

static const struct column_def *
find_column(const struct table_def *t, const char *name)
{
	for (size_t i = 0; i < t->column_count; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			return &t->columns[i];
	return NULL;
}

/* Without a head: those of the first ancestors first.  PostgreSQL gives no columns that are
 * generated; MariaDB gives them without naming any; MySQL's head names the others. */
static enum err_code
given_columns(struct strv *out, enum sql_dialect dialect, const struct table_def *const *line,
    size_t n, struct err *err)
{
	for (size_t k = n; k > 0; k--) {
		for (size_t i = 0; i < line[k - 1]->column_count; i++) {
			const struct column_def *c = &line[k - 1]->columns[i];
			if (c->is_generated && dialect == SQL_POSTGRES)
				continue;
			if (!(k < n && strv_has(out, c->name)) && strv_add(out, c->name, err))
				return err->code;
		}
	}
	return ERR_OK;
}

static bool
find_in_rows(const struct shape *sh, const char *name, size_t *at)
{
	for (*at = 0; *at < sh->column_count; (*at)++)
		if (strcmp(sh->columns[*at].name, name) == 0)
			return true;
	return false;
}

/* Can rows be told from each other by it? */
static bool
is_usable(const struct shape *sh, const struct key_def *k)
{
	for (size_t i = 0; i < k->columns.len; i++) {
		size_t at;
		if (!find_in_rows(sh, k->columns.items[i], &at) ||
		    !(k->is_primary || sh->columns[at].is_not_null))
			return false;
	}
	return k->columns.len > 0;
}

static bool
is_better(const struct key_def *k, const struct key_def *than)
{
	if (than == NULL || k->is_primary != than->is_primary)
		return than == NULL || k->is_primary;
	return k->columns.len < than->columns.len;
}

static const struct key_def *
best_key(const struct table_def *t, const struct shape *sh)
{
	const struct key_def *best = NULL;
	for (size_t i = 0; i < t->key_count; i++)
		if (is_usable(sh, &t->keys[i]) && is_better(&t->keys[i], best))
			best = &t->keys[i];
	return best;
}

static enum err_code
set_key(struct shape *sh, const struct table_def *const *line, size_t count, struct err *err)
{
	const struct key_def *k = best_key(line[0], sh);
	/* A partition has its parent's. */
	for (size_t i = 1; k == NULL && i < count && line[i - 1]->is_partition; i++)
		k = best_key(line[i], sh);
	size_t n = k != NULL ? k->columns.len : 0;
	size_t *key = realloc(sh->key, (n + 1) * sizeof *key);
	if (key == NULL)
		return err_nomem(err);
	sh->key = key;
	for (size_t i = 0; i < n; i++)
		if (find_in_rows(sh, k->columns.items[i], &key[sh->key_count]))
			sh->key_count++;
	if (line[0]->has_fixed_key) {
		key[0] = 0;
		sh->key_count = 1;
	}
	return ERR_OK;
}

static bool
has_primary(const struct table_def *t, const char *column)
{
	for (size_t i = 0; i < t->key_count; i++)
		if (t->keys[i].is_primary && strv_has(&t->keys[i].columns, column))
			return true;
	return false;
}

static enum err_code
set_column(struct shape *sh, size_t i, const char *name, const struct table_def *const *line,
    size_t count, struct err *err)
{
	const char *type = NULL;
	for (size_t k = 0; k < count; k++) {
		const struct column_def *c = find_column(line[k], name);
		if (c == NULL)
			continue;
		if (type == NULL)
			type = c->type;
		if (c->is_not_null || has_primary(line[k], name))
			sh->columns[i].is_not_null = true;
	}
	return shape_set_column(sh, i, name, type != NULL ? type : "", err);
}

static enum err_code
finish_table(struct shapes *s, size_t i, struct err *err)
{
	const struct table_def *t = &s->tables[i];
	const struct table_def *line[LINEAGE_MAX];
	struct shape *sh = &s->shapes[i];
	AUTO(strv) struct strv given = STRV_INIT;
	size_t n = lineage(s, t, line);
	if (!t->has_head && given_columns(&given, s->dialect, line, n, err))
		return err->code;
	const struct strv *columns = t->has_head ? &t->head : &given;
	if (shape_make(sh, t->name, s->format, columns->len, 0, err))
		return err->code;
	for (size_t k = 0; k < columns->len; k++)
		if (set_column(sh, k, columns->items[k], line, n, err))
			return err->code;
	return set_key(sh, line, n, err);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct table_def *)a)->name, ((const struct table_def *)b)->name);
}

enum err_code
tables_finish(struct shapes *s, struct err *err)
{
	if (s->table_count > 0)
		qsort(s->tables, s->table_count, sizeof *s->tables, by_name);
	map_clear(&s->table_places);
	for (size_t i = 0; i < s->table_count; i++) {
		struct checksum128 key =
		    checksum128_of(s->tables[i].name, strlen(s->tables[i].name));
		void *place;
		bool is_new;
		if (map_put(&s->table_places, &key, &place, &is_new, err))
			return err->code;
		*(size_t *)place = i;
	}
	s->shapes = calloc(s->table_count + 1, sizeof *s->shapes);
	if (s->shapes == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < s->table_count; i++)
		if (finish_table(s, i, err))
			return err->code;
	return ERR_OK;
}
