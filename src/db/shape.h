/*
 * shape.h: what the rows of a table are made of: its columns and its key.
 *
 * Read from a dump's own schema text (CREATE TABLE, ALTER TABLE ... ADD
 * CONSTRAINT ... PRIMARY KEY, CREATE UNIQUE INDEX where no primary key is and all its columns
 * are NOT NULL) and from the head of the rows, which says what columns they have, in which
 * order.
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
/* NULL when there is no such table. */
const struct shape *shapes_find(const struct shapes *s, const char *name);
size_t shapes_count(const struct shapes *s);
const struct shape *shapes_at(const struct shapes *s, size_t i);

/* A definition in the schema, for comparing schemas: "TABLE public.orders" and its text,
 * comments left out. */
struct shape_object {
	const char *name;
	const char *text;
};
size_t shapes_object_count(const struct shapes *s);
const struct shape_object *shapes_object(
    const struct shapes *s, size_t i); /* in order of names */

#endif
