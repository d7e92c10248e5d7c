/*
 * Fuzz target: shapes and objects of a schema, of all formats; the same bytes must
 * give the same however they are cut into pieces.  The first byte says which format.
 */
#include "db/shape.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* NULL: the text is refused. */
static struct shapes *
read_schema(enum row_format format, const uint8_t *data, size_t len, size_t piece)
{
	struct err err = ERR_INIT;
	AUTO(shapes) struct shapes *s = NULL;
	if (shapes_new(&s, format, &err))
		abort();
	for (size_t at = 0; at < len; at += piece)
		if (shapes_feed(s, data + at, min_size(piece, len - at), &err))
			abort();
	enum err_code rc = shapes_finish(s, &err);
	assert(rc == ERR_OK || rc == ERR_CORRUPT);
	return rc == ERR_OK ? TAKE(s) : NULL;
}

static void
must_be_sound(const struct shape *s)
{
	for (size_t i = 0; i < s->column_count; i++)
		assert(s->columns[i].name != NULL && s->columns[i].type != NULL);
	for (size_t i = 0; i < s->key_count; i++)
		assert(s->key[i] < s->column_count);
}

static void
must_be_equal(const struct shape *a, const struct shape *b)
{
	assert(strcmp(a->name, b->name) == 0);
	assert(a->column_count == b->column_count && a->key_count == b->key_count);
	for (size_t i = 0; i < a->column_count; i++)
		assert(strcmp(a->columns[i].name, b->columns[i].name) == 0 &&
		       strcmp(a->columns[i].type, b->columns[i].type) == 0);
	for (size_t i = 0; i < a->key_count; i++)
		assert(a->key[i] == b->key[i]);
}

static void
compare(const struct shapes *a, const struct shapes *b)
{
	assert((a == NULL) == (b == NULL));
	if (a == NULL)
		return;
	assert(shapes_count(a) == shapes_count(b));
	for (size_t i = 0; i < shapes_count(a); i++) {
		const struct shape *s = shapes_at(a, i);
		must_be_sound(s);
		assert(shapes_find(a, s->name) != NULL);
		must_be_equal(s, shapes_at(b, i));
	}
	assert(shapes_object_count(a) == shapes_object_count(b));
	for (size_t i = 0; i < shapes_object_count(a); i++) {
		assert(strcmp(shapes_object(a, i)->name, shapes_object(b, i)->name) == 0);
		assert(strcmp(shapes_object(a, i)->text, shapes_object(b, i)->text) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t pieces[] = { 1, 3, 64 };
	if (len == 0)
		return 0;
	enum row_format format = (enum row_format)(data[0] % 4);
	AUTO(shapes) struct shapes *whole = read_schema(format, data + 1, len - 1, len);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		AUTO(shapes)
		struct shapes *cut = read_schema(format, data + 1, len - 1, pieces[i]);
		compare(whole, cut);
	}
	return 0;
}
