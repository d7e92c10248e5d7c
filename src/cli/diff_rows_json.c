#include "cli/diff_rows_json.h"

#include "base/bytes.h"
#include "base/json_patch.h"
#include "cli/row_change.h"

#include <string.h>

void
rows_json_release(struct rows_json *v)
{
	row_cells_release(&v->before);
	row_cells_release(&v->after);
	buf_release(&v->line);
}

static const char *
state_word(enum diff_state state)
{
	static const char *const words[] = {
		[DIFF_SAME] = "same",
		[DIFF_ADDED] = "added",
		[DIFF_REMOVED] = "removed",
		[DIFF_CHANGED] = "changed",
	};
	return words[state];
}

static void
begin(struct rows_json *v, struct json_writer *w, const char *type, const char *service)
{
	v->line.len = 0;
	json_init(w, &v->line);
	json_obj(w, NULL);
	json_str(w, "type", type);
	json_str(w, "service", service);
}

static enum err_code
end(struct json_writer *w, struct err *err)
{
	json_obj_end(w);
	return json_finish(w, err);
}

/* --- rows --- */

static bool
is_document(const struct row_cells *c, size_t i)
{
	return c->shape != NULL &&
	       (c->shape->format == ROW_RDB || c->shape->format == ROW_BSON) &&
	       row_cells_is_json(c, i);
}

/* NULL when it is none. */
static json_t *
document_of(const struct row_cells *c, size_t i)
{
	return is_document(c, i) ? row_cells_document(c, i) : NULL;
}

/* Text; {"hex":…} of what is none; of documents what they say. */
static void
write_value(struct json_writer *w, const char *key, const struct row_cells *c, size_t i)
{
	struct value v = row_cells_value(c, i);
	AUTO(json) json_t *doc = document_of(c, i);
	if (v.is_null) {
		json_nil(w, key);
	} else if (doc != NULL) {
		json_value(w, key, doc);
	} else if (str_is_utf8(v.data, v.len)) {
		json_bytes(w, key, v.data, v.len);
	} else {
		AUTO(mem) char *hex = malloc(2 * v.len + 1);
		if (hex == NULL) {
			err_nomem(&w->err);
			return;
		}
		hex_encode(hex, v.data, v.len);
		json_obj(w, key);
		json_str(w, "hex", hex);
		json_obj_end(w);
	}
}

static void
write_cells(struct rows_json *v, struct json_writer *w, const char *key,
    const struct row_cells *c, bool only_key)
{
	char room[COLUMN_NAME_MAX];
	json_obj(w, key);
	for (size_t i = 0; i < c->count; i++) {
		const char *name = row_cells_name(c, i, room);
		if (only_key ? row_cells_is_key(c, i)
			     : row_change_is_asked_for(v->columns, name))
			write_value(w, name, c, i);
	}
	json_obj_end(w);
}

static void
write_names(struct rows_json *v, struct json_writer *w, const struct row_changes *all)
{
	char room[COLUMN_NAME_MAX];
	json_arr(w, "columns");
	for (size_t i = 0; i < all->count; i++)
		json_str(w, NULL, row_change_name(&all->items[i], &v->before, &v->after, room));
	json_arr_end(w);
}

/* What changed in the row's document: its only one. */
static enum err_code
write_patch(
    struct rows_json *v, struct json_writer *w, const struct row_changes *all, struct err *err)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct row_change_at *at = &all->items[i];
		AUTO(json) json_t *a = NULL;
		AUTO(json) json_t *b = NULL;
		AUTO(json) json_t *patch = NULL;
		if (!row_change_documents(at, &v->before, &v->after, &a, &b) ||
		    !is_document(&v->after, at->y))
			continue;
		if (json_patch_make(&patch, a, b, err))
			return err->code;
		json_value(w, "patch", patch);
		break;
	}
	return ERR_OK;
}

enum err_code
rows_json_row(struct rows_json *v, const struct diff_table *t, enum row_change change,
    const struct row *before, const struct row *after, struct err *err)
{
	struct json_writer w;
	AUTO(row_changes) struct row_changes all = ROW_CHANGES_INIT;
	if ((before != NULL && row_cells_read(&v->before, t->before, before, err)) ||
	    (after != NULL && row_cells_read(&v->after, t->after, after, err)) ||
	    (change == ROW_CHANGED &&
		row_changes_find(&all, &v->before, &v->after, v->columns, err)))
		return err->code;
	v->line.len = 0;
	if (change == ROW_CHANGED && all.count == 0)
		return ERR_OK;
	begin(v, &w, "row", t->service);
	json_str(&w, "database", t->database);
	json_str(&w, "table", t->table);
	json_str(&w, "change",
	    state_word(change == ROW_ADDED     ? DIFF_ADDED
		       : change == ROW_REMOVED ? DIFF_REMOVED
					       : DIFF_CHANGED));
	write_cells(v, &w, "key", after != NULL ? &v->after : &v->before, true);
	if (change == ROW_CHANGED)
		write_names(v, &w, &all);
	if (before != NULL)
		write_cells(v, &w, "before", &v->before, false);
	if (after != NULL)
		write_cells(v, &w, "after", &v->after, false);
	if (change == ROW_CHANGED && write_patch(v, &w, &all, err))
		return err->code;
	return end(&w, err);
}

/* --- the rest --- */

static void
write_columns(struct json_writer *w, const char *key, const struct shape *s)
{
	if (s == NULL)
		return;
	json_arr(w, key);
	for (size_t i = 0; i < s->column_count; i++) {
		json_obj(w, NULL);
		json_str(w, "name", s->columns[i].name);
		json_str(w, "type", s->columns[i].type);
		json_obj_end(w);
	}
	json_arr_end(w);
}

enum err_code
rows_json_table(struct rows_json *v, const struct diff_table *t, struct err *err)
{
	struct json_writer w;
	const struct shape *s = t->after != NULL ? t->after : t->before;
	begin(v, &w, "table", t->service);
	json_str(&w, "database", t->database);
	json_str(&w, "table", t->table);
	json_str(&w, "state", state_word(t->state));
	json_u64(&w, "rows_before", t->rows_before);
	json_u64(&w, "rows_after", t->rows_after);
	if (t->is_counted) {
		json_u64(&w, "added", t->rows.added);
		json_u64(&w, "removed", t->rows.removed);
		json_u64(&w, "changed", t->rows.changed);
	}
	if (s != NULL) {
		json_arr(&w, "key");
		for (size_t i = 0; i < s->key_count; i++)
			json_str(&w, NULL, s->columns[s->key[i]].name);
		json_arr_end(&w);
	}
	write_columns(&w, "columns_before", t->before);
	write_columns(&w, "columns_after", t->after);
	return end(&w, err);
}

enum err_code
rows_json_object(struct rows_json *v, const struct diff_object *o, struct err *err)
{
	struct json_writer w;
	begin(v, &w, "definition", o->service);
	json_str(&w, "database", o->database);
	json_str(&w, "name", o->name);
	json_str(&w, "state", state_word(o->state));
	if (o->before != NULL)
		json_str(&w, "before", o->before);
	if (o->after != NULL)
		json_str(&w, "after", o->after);
	return end(&w, err);
}

enum err_code
rows_json_moment(
    struct rows_json *v, const char *service, const struct db_fence *fence, struct err *err)
{
	struct json_writer w;
	begin(v, &w, "moment", service);
	json_i64(&w, "begin_ns", fence->begin_ns);
	json_i64(&w, "end_ns", fence->end_ns);
	if (fence->position[0] != '\0')
		json_str(&w, "position", fence->position);
	return end(&w, err);
}

enum err_code
rows_json_unknown(struct rows_json *v, const char *service, const char *what, const char *why,
    struct err *err)
{
	struct json_writer w;
	begin(v, &w, "unknown", service);
	json_str(&w, "what", what != NULL ? what : "");
	json_str(&w, "why", why != NULL ? why : "");
	return end(&w, err);
}
