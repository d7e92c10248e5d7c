/*
 * shape.h: what the rows of a table are made of: its columns and its key.
 *
 * Read from a dump's own schema text (CREATE TABLE, ALTER TABLE ... ADD
 * CONSTRAINT ... PRIMARY KEY, and where no primary key is, a unique index or
 * constraint whose columns are plain and NOT NULL) and from the head of the rows
 * (row_head), which says what columns they have, in which order.  Without a head
 * they have all, but of PostgreSQL those that are generated.  A key with a column that rows do
 * not have is none.
 *
 * Keys of RDB files and documents need no schema: shapes_add names their tables.
 * Of an RDB file's bytes that stand around the keys, fed as a schema, the databases
 * are found, too, and the libraries of functions ("LIBRARY name").
 *
 * Pure: no input or output.  Memory: some 100 bytes a column.
 * Threads: one at a time; a finished struct shapes may be read by any number.
 * Errors:  ERR_NO_MEMORY; ERR_CORRUPT for text that ends within something.
 */
#ifndef DB_SHAPE_H
#define DB_SHAPE_H

#include "db/row.h"

struct shape_column {
	char *name; /* the true one, without quotes */
	char *type; /* as the dump writes it, "" when it is not known */
	bool is_not_null;
};

struct shape {
	char *name; /* as census_name writes it: public.orders, db0 */
	enum row_format format;
	struct shape_column *columns; /* those that rows have, in their order */
	size_t column_count;
	size_t *key; /* numbers of columns; of a table without a key none: its rows are a
			multiset */
	size_t key_count;
};

struct shapes;

MUST_CHECK enum err_code shapes_new(
    struct shapes **out, enum row_format format, struct err *err);
void shapes_free(struct shapes *s);
AUTO_FREE(shapes, struct shapes *, shapes_free)

/* The schema's text, cut as it comes: every .sql file of the dataset, in order.  Heads of rows
 * are given in their place (the first bytes of each .rows file, up to and with the head),
 * without the rows. */
MUST_CHECK enum err_code shapes_feed(
    struct shapes *s, const void *text, size_t len, struct err *err);
MUST_CHECK enum err_code shapes_finish(struct shapes *s, struct err *err);
/* A table of that name, whose rows are all of one form: ROW_RDB (key, type, expires, value; by
 * key) and ROW_BSON (_id, document; by _id).  Before shapes_finish; nothing when it is there.
 */
MUST_CHECK enum err_code shapes_add(struct shapes *s, const char *name, struct err *err);

/* NULL when there is no such table. */
const struct shape *shapes_find(const struct shapes *s, const char *name);
size_t shapes_count(const struct shapes *s);
const struct shape *shapes_at(const struct shapes *s, size_t i);

/* A definition in the schema, for comparing schemas: "TABLE public.orders" and its text,
 * without the comments around it and without the marks of version comments.  What ALTER says of
 * an object stands behind its CREATE.  Names are the census's; what it has no name for is
 * called by its first words: "COMMENT ON TABLE public.orders", "GRANT SELECT ON TABLE ...",
 * never by secrets.
 * Next values of sequences are objects of their own ("SEQUENCE VALUE ..."), also those of
 * AUTO_INCREMENT, so that a table does not differ when rows were added. */
struct shape_object {
	const char *name;
	const char *text;
	const char *table; /* that it belongs to: itself, that of an index or trigger, ...;
			      NULL: none */
};
size_t shapes_object_count(const struct shapes *s);
const struct shape_object *shapes_object(
    const struct shapes *s, size_t i); /* in order of names */

/* A shape by hand: columns and key are names, NULL-terminated; types are not known.  Each name
 * of key must be one of columns. */
MUST_CHECK enum err_code shape_new(struct shape **out, const char *name, enum row_format format,
    const char *const *columns, const char *const *key, struct err *err);
void shape_free(struct shape *s);
AUTO_FREE(shape, struct shape *, shape_free)

#endif
