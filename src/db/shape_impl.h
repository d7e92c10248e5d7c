/*
 * shape_impl.h: what was read of tables and objects, before it is put together;
 * for shape*.c.
 */
#ifndef DB_SHAPE_IMPL_H
#define DB_SHAPE_IMPL_H

#include "base/map.h"
#include "base/strv.h"
#include "db/shape.h"
#include "db/sql_scan.h"

struct column_def {
	char *name;
	char *type;
	bool is_not_null;
	bool is_generated;
};

/* A primary key, or what is unique. */
struct key_def {
	struct strv columns;
	bool is_primary;
};

struct table_def {
	char *name;
	struct column_def *columns;
	size_t column_count;
	struct key_def *keys;
	size_t key_count;
	struct strv parents; /* it has their columns, too */
	bool is_partition; /* and their keys */
	struct strv head; /* the columns that rows have */
	bool has_head;
	bool has_fixed_key; /* the first column is the key */
};

struct object_def {
	struct shape_object object; /* its name and text, once finished */
	char *name;
	struct buf text;
	struct buf table; /* of what does not say it by its name */
};

struct shapes {
	enum row_format format;
	enum sql_dialect dialect;
	struct sql_scan *scan; /* of COPY and INSERT */
	struct buf bytes; /* of RDB: what stands around the keys */
	char *database; /* MySQL: the one in use */
	struct buf name; /* scratch */

	struct table_def *tables; /* in order of names, once finished */
	size_t table_count;
	struct map table_places;
	struct shape *shapes; /* of the tables, in their order */

	struct object_def *objects;
	size_t object_count;
	struct map object_places;
};

/* --- shape_table.c --- */

/* Find or add; *out is good until the next table is added. */
MUST_CHECK enum err_code table_at(
    struct table_def **out, struct shapes *s, const char *name, struct err *err);
MUST_CHECK enum err_code table_add_column(
    struct column_def **out, struct table_def *t, const char *name, struct err *err);
MUST_CHECK enum err_code table_add_key(
    struct key_def **out, struct table_def *t, struct err *err);
/* Forget columns and keys. */
void table_clear(struct table_def *t);
void tables_release(struct shapes *s);
/* Sort the tables and make their shapes. */
MUST_CHECK enum err_code tables_finish(struct shapes *s, struct err *err);

/* --- shape_sql.c --- */

/* What a statement says of tables; object is what it defines ("TABLE public.orders"), or "". */
MUST_CHECK enum err_code shape_statement(
    struct shapes *s, const struct sql_head *h, const char *object, struct err *err);
/* The head of a table's rows. */
MUST_CHECK enum err_code shape_rows(
    struct shapes *s, const struct sql_head *h, const char *table, struct err *err);
/* The tokens [from, to) as text. */
MUST_CHECK enum err_code shape_words(
    struct buf *out, const struct sql_head *h, size_t from, size_t to, struct err *err);

/* --- shape_object.c --- */

/* Keep the statement's text, as that of the object or of what it alters. */
MUST_CHECK enum err_code object_statement(
    struct shapes *s, const struct sql_head *h, const char *object, struct err *err);
MUST_CHECK enum err_code object_add_text(
    struct shapes *s, const char *name, const uint8_t *text, size_t len, struct err *err);
void shape_objects_release(struct shapes *s);
MUST_CHECK enum err_code objects_finish(struct shapes *s, struct err *err);

/* --- shape_rdb.c --- */

/* The databases and libraries that s->bytes tell of. */
MUST_CHECK enum err_code shape_rdb(struct shapes *s, struct err *err);

/* --- shape.c --- */

/* The fields of a made shape; a copy is made of each name. */
MUST_CHECK enum err_code shape_make(struct shape *out, const char *name, enum row_format format,
    size_t column_count, size_t key_count, struct err *err);
MUST_CHECK enum err_code shape_set_column(
    struct shape *s, size_t i, const char *name, const char *type, struct err *err);
void shape_release(struct shape *s);
/* A copy of what was put together, which has no NUL in it. */
MUST_CHECK enum err_code shape_take_text(char **out, struct buf *text, struct err *err);

#endif
