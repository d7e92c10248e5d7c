#include "cli/row_change.h"

#include "cli/json_view.h"

void
row_changes_release(struct row_changes *c)
{
	free(c->items);
	*c = (struct row_changes)ROW_CHANGES_INIT;
}

bool
row_change_is_asked_for(const struct strv *only, const char *name)
{
	return only == NULL || only->len == 0 || strv_has(only, name);
}

enum err_code
row_changes_find(struct row_changes *out, const struct row_cells *before,
    const struct row_cells *after, const struct strv *only, struct err *err)
{
	char room[COLUMN_NAME_MAX];
	size_t n = 0;
	AUTO(mem) struct row_change_at *all =
	    calloc(before->count + after->count + 1, sizeof *all);
	if (all == NULL)
		return err_nomem(err);
	for (size_t y = 0; y < after->count; y++) {
		size_t x = row_cells_partner(before, after, y);
		/* A column that came with no value says nothing. */
		bool is_same = x == SIZE_MAX ? after->cells[y].is_null
					     : row_cells_same(before, x, after, y);
		if (!is_same && row_change_is_asked_for(only, row_cells_name(after, y, room)))
			all[n++] = (struct row_change_at){ x, y };
	}
	for (size_t x = 0; x < before->count; x++)
		if (!before->cells[x].is_null &&
		    row_change_is_asked_for(only, row_cells_name(before, x, room)) &&
		    row_cells_partner(after, before, x) == SIZE_MAX)
			all[n++] = (struct row_change_at){ x, SIZE_MAX };
	*out = (struct row_changes){ TAKE(all), n };
	return ERR_OK;
}

const char *
row_change_name(const struct row_change_at *at, const struct row_cells *before,
    const struct row_cells *after, char room[COLUMN_NAME_MAX])
{
	return at->y != SIZE_MAX ? row_cells_name(after, at->y, room)
				 : row_cells_name(before, at->x, room);
}

json_t *
row_cells_document(const struct row_cells *c, size_t i)
{
	struct value v = row_cells_value(c, i);
	if (v.is_null || !row_cells_is_json(c, i))
		return NULL;
	return json_loadb(v.data, v.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

bool
row_change_documents(const struct row_change_at *at, const struct row_cells *before,
    const struct row_cells *after, json_t **a, json_t **b)
{
	if (at->x == SIZE_MAX || at->y == SIZE_MAX)
		return false;
	AUTO(json) json_t *x = row_cells_document(before, at->x);
	AUTO(json) json_t *y = row_cells_document(after, at->y);
	bool is_pair =
	    (json_is_object(x) && json_is_object(y)) || (json_is_array(x) && json_is_array(y));
	if (!is_pair || json_equal(x, y))
		return false;
	*a = TAKE(x);
	*b = TAKE(y);
	return true;
}

static bool
is_key_column(const struct row_cells *c, size_t i, const char *name)
{
	char room[COLUMN_NAME_MAX];
	return c->shape != NULL && c->shape->format == ROW_RDB &&
	       strcmp(row_cells_name(c, i, room), name) == 0;
}

bool
row_cells_is_time(const struct row_cells *c, size_t i)
{
	return is_key_column(c, i, "expires");
}

bool
row_cells_is_set(const struct row_cells *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct value v = row_cells_value(c, i);
		if (is_key_column(c, i, "type"))
			return v.len == 3 && memcmp(v.data, "set", 3) == 0;
	}
	return false;
}

static enum err_code
show_time(struct buf *out, const struct value *v, struct err *err)
{
	char digits[24];
	char when[JSON_VIEW_TIME_MAX];
	if (v->is_null)
		return buf_str(out, "never", err);
	if (v->len >= sizeof digits)
		return value_add(out, v, sizeof digits, err);
	memcpy(digits, v->data, v->len);
	digits[v->len] = '\0';
	json_view_time(when, strtoll(digits, NULL, 10));
	return buf_str(out, when, err);
}

enum err_code
row_cells_show(
    struct buf *out, const struct row_cells *c, size_t i, size_t max, struct err *err)
{
	struct value v = row_cells_value(c, i);
	if (row_cells_is_time(c, i))
		return show_time(out, &v, err);
	AUTO(json) json_t *doc = row_cells_document(c, i);
	return doc != NULL ? json_view_value(out, doc, max, err) : value_add(out, &v, max, err);
}

enum err_code
row_change_show(struct buf *old, struct buf *new, const struct row_change_at *at,
    const struct row_cells *before, const struct row_cells *after, size_t max, struct err *err)
{
	static const char none[] = "(no column)";
	if (at->x != SIZE_MAX && at->y != SIZE_MAX && !row_cells_is_time(after, at->y)) {
		struct value a = row_cells_value(before, at->x);
		struct value b = row_cells_value(after, at->y);
		return value_add_change(old, new, &a, &b, max, err);
	}
	if (at->x != SIZE_MAX ? row_cells_show(old, before, at->x, max, err)
			      : buf_str(old, none, err))
		return err->code;
	return at->y != SIZE_MAX ? row_cells_show(new, after, at->y, max, err)
				 : buf_str(new, none, err);
}

enum err_code
row_place(
    char **out, const char *service, const char *database, const char *name, struct err *err)
{
	return str_printf(
	    out, err, "%s/%s%s%s", service, database, *database != '\0' ? "/" : "", name);
}
