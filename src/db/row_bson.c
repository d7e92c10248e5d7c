/*
 * Rows that are BSON documents, one behind another, as in a .bson file of
 * mongodump.  The fields are _id, as the element that it is, since 1 and "1" are
 * not the same key; and the whole document.
 */
#include "db/row_impl.h"

#include "db/bson.h"
#include "db/bson_json.h"

#include <string.h>

enum { FIELD_ID = 1, FIELD_DOCUMENT };

static enum err_code
next_document(struct row_reader *r, struct row *out, bool *got, struct err *err)
{
	size_t left = r->len - r->pos;
	*got = left > 0;
	if (left == 0)
		return ERR_OK;
	size_t len = bson_length(r->data + r->pos, left);
	if (len == 0 || len > left)
		return err_set(err, ERR_CORRUPT, "a BSON document does not end");
	if (bson_check(r->data + r->pos, len, err))
		return err->code;
	*out = (struct row){ r->data + r->pos, len };
	r->pos += len;
	return ERR_OK;
}

static struct field
id_of(const struct row *row)
{
	struct bson_value id;
	if (!bson_get(row->data, row->len, "_id", &id))
		return (struct field){ .is_null = true, .kind = FIELD_ID };
	const uint8_t *begin = (const uint8_t *)id.name - 1;
	return (struct field){
		.data = begin, .len = (size_t)(id.data + id.len - begin), .kind = FIELD_ID
	};
}

static enum err_code
split_document(
    const struct row *row, struct field *fields, size_t max, size_t *count, struct err *err)
{
	if (row->len < BSON_MIN || bson_length(row->data, row->len) != row->len)
		return err_set(err, ERR_CORRUPT, "this is no BSON document");
	*count = 2;
	if (max > 0)
		fields[0] = id_of(row);
	if (max > 1)
		fields[1] = (struct field){
			.data = row->data, .len = row->len, .kind = FIELD_DOCUMENT
		};
	return ERR_OK;
}

static enum err_code
text_of(const struct field *f, struct buf *out, struct err *err)
{
	if (f->kind == FIELD_DOCUMENT)
		return bson_json(out, f->data, f->len, BSON_CANONICAL, err);
	size_t skip = 1 + sizeof "_id";
	if (f->len < skip)
		return err_set(err, ERR_CORRUPT, "this is no _id");
	struct bson_value id = { (enum bson_type)f->data[0], "_id", f->data + skip,
		f->len - skip };
	return bson_json_value(out, &id, BSON_CANONICAL, err);
}

const struct row_ops row_bson_ops = {
	.next = next_document,
	.split = split_document,
	.text = text_of,
};
