#include "db/row.h"

#include "db/row_impl.h"

static const struct row_ops *const formats[] = {
	[ROW_COPY] = &row_copy_ops,
	[ROW_INSERT] = &row_insert_ops,
	[ROW_RDB] = &row_rdb_ops,
	[ROW_BSON] = &row_bson_ops,
};

void
row_reader_init(struct row_reader *r, enum row_format format, const void *data, size_t len)
{
	*r = (struct row_reader){ .format = format, .data = data, .len = len };
}

enum err_code
row_next(struct row_reader *r, struct row *out, bool *got, struct err *err)
{
	return formats[r->format]->next(r, out, got, err);
}

size_t
row_head(enum row_format format, const void *data, size_t len)
{
	const struct row_ops *ops = formats[format];
	return ops->head != NULL ? ops->head(data, len) : 0;
}

enum err_code
row_split(enum row_format format, const struct row *row, struct field *fields, size_t max,
    size_t *count, struct err *err)
{
	return formats[format]->split(row, fields, max, count, err);
}

enum err_code
row_canonical(enum row_format format, const struct row *row, struct buf *out, struct err *err)
{
	const struct row_ops *ops = formats[format];
	const size_t before = out->len;
	if (ops->canonical == NULL)
		return buf_add(out, row->data, row->len, err);
	enum err_code rc = ops->canonical(row, out, err);
	if (rc)
		out->len = before;
	return rc;
}

enum err_code
row_text(enum row_format format, const struct field *field, struct buf *out, struct err *err)
{
	const size_t before = out->len;
	if (field->is_null)
		return ERR_OK;
	enum err_code rc = formats[format]->text(field, out, err);
	if (rc)
		out->len = before;
	return rc;
}
