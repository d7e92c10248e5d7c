#include "cli/row_change.h"

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

enum err_code
row_place(
    char **out, const char *service, const char *database, const char *name, struct err *err)
{
	return str_printf(
	    out, err, "%s/%s%s%s", service, database, *database != '\0' ? "/" : "", name);
}
