#include "db/row.h"

#include "db/row_impl.h"

static const struct row_ops *const formats[] = {
	[ROW_COPY] = &row_copy_ops,
	[ROW_INSERT] = &row_insert_ops,
	[ROW_RDB] = NULL,
	[ROW_BSON] = &row_bson_ops,
};

static enum err_code
find_format(const struct row_ops **out, enum row_format format, struct err *err)
{
	static const char *const names[] = { "COPY", "INSERT", "RDB", "BSON" };
	*out = formats[format];
	if (*out == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "this version cannot read rows of the form %s", names[format]);
	return ERR_OK;
}

void
row_reader_init(struct row_reader *r, enum row_format format, const void *data, size_t len)
{
	*r = (struct row_reader){ .format = format, .data = data, .len = len };
}

enum err_code
row_next(struct row_reader *r, struct row *out, bool *got, struct err *err)
{
	const struct row_ops *ops;
	if (find_format(&ops, r->format, err))
		return err->code;
	return ops->next(r, out, got, err);
}

size_t
row_head(enum row_format format, const void *data, size_t len)
{
	const struct row_ops *ops = formats[format];
	return ops != NULL && ops->head != NULL ? ops->head(data, len) : 0;
}

enum err_code
row_split(enum row_format format, const struct row *row, struct field *fields, size_t max,
    size_t *count, struct err *err)
{
	const struct row_ops *ops;
	if (find_format(&ops, format, err))
		return err->code;
	return ops->split(row, fields, max, count, err);
}

enum err_code
row_canonical(enum row_format format, const struct row *row, struct buf *out, struct err *err)
{
	const struct row_ops *ops;
	if (find_format(&ops, format, err))
		return err->code;
	if (ops->canonical == NULL)
		return buf_add(out, row->data, row->len, err);
	return ops->canonical(row, out, err);
}

enum err_code
row_text(enum row_format format, const struct field *field, struct buf *out, struct err *err)
{
	const struct row_ops *ops;
	if (find_format(&ops, format, err))
		return err->code;
	return field->is_null ? ERR_OK : ops->text(field, out, err);
}
