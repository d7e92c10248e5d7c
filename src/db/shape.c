#include "db/shape.h"

#include "db/shape_impl.h"
#include "db/sql_name.h"

#include <stdlib.h>
#include <string.h>

/* What stands around the keys of an RDB file is small, unless it is not understood. */
#define RDB_BYTES_MAX ((size_t)16 << 20)

/* --- one shape --- */

enum err_code
shape_make(struct shape *out, const char *name, enum row_format format, size_t column_count,
    size_t key_count, struct err *err)
{
	struct shape s = { .format = format, .column_count = column_count };
	s.columns = calloc(column_count + 1, sizeof *s.columns);
	s.key = calloc(key_count + 1, sizeof *s.key);
	s.name = strdup(name);
	if (s.columns == NULL || s.key == NULL || s.name == NULL) {
		shape_release(&s);
		return err_nomem(err);
	}
	*out = s;
	return ERR_OK;
}

enum err_code
shape_set_column(struct shape *s, size_t i, const char *name, const char *type, struct err *err)
{
	if (str_dup(&s->columns[i].name, name, err))
		return err->code;
	return str_dup(&s->columns[i].type, type, err);
}

void
shape_release(struct shape *s)
{
	for (size_t i = 0; s->columns != NULL && i < s->column_count; i++) {
		free(s->columns[i].name);
		free(s->columns[i].type);
	}
	free(s->columns);
	free(s->key);
	free(s->name);
}

void
shape_free(struct shape *s)
{
	if (s == NULL)
		return;
	shape_release(s);
	free(s);
}

static size_t
length_of(const char *const *names)
{
	size_t n = 0;
	while (names[n] != NULL)
		n++;
	return n;
}

enum err_code
shape_new(struct shape **out, const char *name, enum row_format format,
    const char *const *columns, const char *const *key, struct err *err)
{
	AUTO(shape) struct shape *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	size_t n = length_of(columns);
	if (shape_make(s, name, format, n, length_of(key), err))
		return err->code;
	for (size_t i = 0; i < n; i++)
		if (shape_set_column(s, i, columns[i], "", err))
			return err->code;
	for (; key[s->key_count] != NULL; s->key_count++) {
		size_t at = 0;
		while (at < n && strcmp(columns[at], key[s->key_count]) != 0)
			at++;
		if (at == n)
			return err_set(err, ERR_USAGE, "%s has no column %s for its key", name,
			    key[s->key_count]);
		s->key[s->key_count] = at;
	}
	*out = TAKE(s);
	return ERR_OK;
}

/* --- reading --- */

enum err_code
shape_take_text(char **out, struct buf *text, struct err *err)
{
	const char *p = buf_cstr(text);
	return p != NULL ? str_dup(out, p, err) : err_nomem(err);
}

static const char *
database_in_use(const struct shapes *s)
{
	return s->database != NULL ? s->database : "";
}

static enum err_code
note_statement(void *arg, const struct sql_head *head, uint64_t bytes,
    struct checksum128 content, struct err *err)
{
	struct shapes *s = arg;
	(void)bytes;
	(void)content;
	if (s->dialect == SQL_MYSQL && sql_is(head, 0, "USE")) {
		free(TAKE(s->database));
		return str_dup(&s->database, sql_text(head, 1), err);
	}
	s->name.len = 0;
	if (sql_object_name(&s->name, head, s->dialect, database_in_use(s), err))
		return err->code;
	AUTO(str) char *object = NULL;
	if (shape_take_text(&object, &s->name, err) || shape_statement(s, head, object, err))
		return err->code;
	return object_statement(s, head, object, err);
}

static enum err_code
note_rows(void *arg, const struct sql_head *head, const struct sql_rows *rows, struct err *err)
{
	struct shapes *s = arg;
	(void)rows;
	s->name.len = 0;
	if (sql_rows_name(&s->name, head, s->dialect, database_in_use(s), err))
		return err->code;
	AUTO(str) char *table = NULL;
	if (shape_take_text(&table, &s->name, err))
		return err->code;
	return shape_rows(s, head, table, err);
}

static void
note_line(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static const struct sql_scan_ops scan_ops = { note_statement, note_rows, note_line };

enum err_code
shapes_new(struct shapes **out, enum row_format format, struct err *err)
{
	AUTO(shapes) struct shapes *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->format = format;
	s->dialect = format == ROW_INSERT ? SQL_MYSQL : SQL_POSTGRES;
	map_init(&s->table_places, sizeof(struct checksum128), sizeof(size_t));
	map_init(&s->object_places, sizeof(struct checksum128), sizeof(size_t));
	if (format == ROW_COPY || format == ROW_INSERT) {
		if (sql_scan_new(&s->scan, s->dialect, &scan_ops, s, err))
			return err->code;
		sql_scan_schema(s->scan);
	}
	*out = TAKE(s);
	return ERR_OK;
}

void
shapes_free(struct shapes *s)
{
	if (s == NULL)
		return;
	sql_scan_free(s->scan);
	tables_release(s);
	shape_objects_release(s);
	map_release(&s->table_places);
	map_release(&s->object_places);
	buf_release(&s->bytes);
	buf_release(&s->name);
	free(s->database);
	free(s);
}

enum err_code
shapes_feed(struct shapes *s, const void *text, size_t len, struct err *err)
{
	if (s->scan != NULL)
		return sql_scan_feed(s->scan, text, len, err);
	if (s->format != ROW_RDB)
		return ERR_OK;
	return buf_add(&s->bytes, text, min_size(len, RDB_BYTES_MAX - s->bytes.len), err);
}

enum err_code
shapes_add(struct shapes *s, const char *name, struct err *err)
{
	static const char *const of_rdb[][2] = { { "key", "string" }, { "type", "word" },
		{ "expires", "milliseconds" }, { "value", "json" } };
	static const char *const of_bson[][2] = { { "_id", "bson" }, { "document", "bson" } };
	struct table_def *t;
	struct column_def *c;
	bool is_rdb = s->format == ROW_RDB;
	if (table_at(&t, s, name, err))
		return err->code;
	if (t->column_count > 0 || s->scan != NULL)
		return ERR_OK;
	t->has_fixed_key = true;
	for (size_t i = 0; i < (is_rdb ? ARRAY_LEN(of_rdb) : ARRAY_LEN(of_bson)); i++) {
		const char *const *column = is_rdb ? of_rdb[i] : of_bson[i];
		if (table_add_column(&c, t, column[0], err) ||
		    str_dup(&c->type, column[1], err))
			return err->code;
		c->is_not_null = strcmp(column[0], "expires") != 0;
	}
	return ERR_OK;
}

enum err_code
shapes_finish(struct shapes *s, struct err *err)
{
	if (s->scan != NULL && sql_scan_finish(s->scan, err)) {
		if (err->code == ERR_INCOMPLETE)
			err->code = ERR_CORRUPT;
		return err->code;
	}
	/* What was not taken is not looked at. */
	if (s->format == ROW_RDB && s->bytes.len < RDB_BYTES_MAX && shape_rdb(s, err))
		return err->code;
	if (tables_finish(s, err))
		return err->code;
	return objects_finish(s, err);
}

static int
by_name(const void *name, const void *shape)
{
	return strcmp(name, ((const struct shape *)shape)->name);
}

const struct shape *
shapes_find(const struct shapes *s, const char *name)
{
	if (s->shapes == NULL)
		return NULL;
	return bsearch(name, s->shapes, s->table_count, sizeof *s->shapes, by_name);
}

size_t
shapes_count(const struct shapes *s)
{
	return s->shapes != NULL ? s->table_count : 0;
}

const struct shape *
shapes_at(const struct shapes *s, size_t i)
{
	return &s->shapes[i];
}

size_t
shapes_object_count(const struct shapes *s)
{
	return s->object_count;
}

const struct shape_object *
shapes_object(const struct shapes *s, size_t i)
{
	return &s->objects[i].object;
}
