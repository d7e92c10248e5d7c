#include "cli/row_cells.h"

#include <string.h>

void
row_cells_release(struct row_cells *c)
{
	free(c->cells);
	free(c->fields);
	buf_release(&c->text);
	buf_release(&c->canonical);
	*c = (struct row_cells)ROW_CELLS_INIT;
}

static enum err_code
grow(struct row_cells *c, size_t count, struct err *err)
{
	if (count <= c->cap)
		return ERR_OK;
	struct cell *cells = reallocarray(c->cells, count, sizeof *cells);
	if (cells == NULL)
		return err_nomem(err);
	c->cells = cells;
	struct field *fields = reallocarray(c->fields, count, sizeof *fields);
	if (fields == NULL)
		return err_nomem(err);
	c->fields = fields;
	c->cap = count;
	return ERR_OK;
}

/* All fields, however many there are. */
static enum err_code
split(struct row_cells *c, enum row_format format, const struct row *row, struct err *err)
{
	size_t count = c->cap;
	do {
		if (grow(c, max_size(count, 1), err) ||
		    row_split(format, row, c->fields, c->cap, &count, err))
			return err->code;
	} while (count > c->cap);
	c->count = count;
	return ERR_OK;
}

enum err_code
row_cells_read(
    struct row_cells *c, const struct shape *shape, const struct row *row, struct err *err)
{
	enum row_format format = shape != NULL ? shape->format : ROW_COPY;
	struct row said = *row;
	c->shape = shape;
	c->text.len = 0;
	c->canonical.len = 0;
	if (format == ROW_RDB) {
		/* Members of sets have no order of their own. */
		if (row_canonical(format, row, &c->canonical, err))
			return err->code;
		said = (struct row){ c->canonical.data, c->canonical.len };
	}
	if (split(c, format, &said, err))
		return err->code;
	for (size_t i = 0; i < c->count; i++) {
		size_t from = c->text.len;
		if (!c->fields[i].is_null && row_text(format, &c->fields[i], &c->text, err))
			return err->code;
		c->cells[i] = (struct cell){ from, c->text.len - from, c->fields[i].is_null };
	}
	return ERR_OK;
}

static const struct shape_column *
column(const struct row_cells *c, size_t i)
{
	if (c->shape == NULL || i >= c->shape->column_count)
		return NULL;
	return &c->shape->columns[i];
}

bool
row_cells_is_json(const struct row_cells *c, size_t i)
{
	const struct shape_column *col = column(c, i);
	if (col == NULL)
		return false;
	if (c->shape->format == ROW_BSON)
		return true;
	if (c->shape->format == ROW_RDB)
		return strcmp(col->name, "value") == 0;
	return value_kind_of(col->type) == VALUE_JSON;
}

static enum value_kind
kind_of(const struct row_cells *c, size_t i)
{
	const struct shape_column *col = column(c, i);
	if (col == NULL)
		return VALUE_PLAIN;
	if (row_cells_is_json(c, i))
		return VALUE_JSON;
	if (c->shape->format == ROW_RDB)
		return strcmp(col->name, "key") == 0 ? VALUE_TEXT : VALUE_PLAIN;
	return value_kind_of(col->type);
}

struct value
row_cells_value(const struct row_cells *c, size_t i)
{
	const struct cell *cell = &c->cells[i];
	const uint8_t *data = c->text.data != NULL ? c->text.data + cell->from : NULL;
	return (struct value){ kind_of(c, i), cell->is_null,
		data != NULL ? data : (const uint8_t *)"", cell->len };
}

const char *
row_cells_name(const struct row_cells *c, size_t i, char room[COLUMN_NAME_MAX])
{
	const struct shape_column *col = column(c, i);
	if (col != NULL)
		return col->name;
	snprintf(room, COLUMN_NAME_MAX, "column %zu", i + 1);
	return room;
}

bool
row_cells_is_key(const struct row_cells *c, size_t i)
{
	for (size_t k = 0; c->shape != NULL && k < c->shape->key_count; k++)
		if (c->shape->key[k] == i)
			return true;
	return false;
}

size_t
row_cells_partner(const struct row_cells *before, const struct row_cells *after, size_t i)
{
	char room[2][COLUMN_NAME_MAX];
	const char *name = row_cells_name(after, i, room[0]);
	/* Nearly always it stands in the same place. */
	for (size_t k = 0; k < before->count; k++) {
		size_t at = (i + k) % before->count;
		if (strcmp(row_cells_name(before, at, room[1]), name) == 0)
			return at;
	}
	return SIZE_MAX;
}

bool
row_cells_same(
    const struct row_cells *before, size_t x, const struct row_cells *after, size_t y)
{
	struct value a = row_cells_value(before, x);
	struct value b = row_cells_value(after, y);
	if (a.is_null || b.is_null)
		return a.is_null && b.is_null;
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}
