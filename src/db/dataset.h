/*
 * dataset.h: a dump cut into files, one for the rows of each table and one for
 * what stands between two of them (docs/decisions/0023-datasets.md).
 *
 * The census reads the dump's words (census.h) and notes where tables begin
 * and rows end; a dataset cuts the bytes there, and hands them on in order:
 *
 *	dataset_new(&d, census, ops, arg, err)
 *	dataset_feed      the dump's bytes, cut as they come: counts them, too
 *	dataset_finish    after the last
 *
 * All bytes of all parts, one behind the other, are the dump.
 *
 * Pure: no input or output.  Memory: some 400 KiB, and, of words of which it is
 * not yet known whether they begin rows, no more than 1 MiB: who writes more
 * words before rows has no table there.
 *
 * Ownership: the census is borrowed.
 * Threads:   one at a time.
 * Errors:    ERR_NO_MEMORY, and those of census and ops.
 */
#ifndef DB_DATASET_H
#define DB_DATASET_H

#include "db/census.h"
#include "db/row.h"

/* A part, a file of the dataset. */
struct dataset_part {
	const char *name; /* "000001.public.orders.rows", "000002.sql" */
	const char *table; /* as the census names it; NULL: it has no rows */
};

struct dataset_ops {
	/* A part begins, and the one before it ends. */
	enum err_code (*part)(void *arg, const struct dataset_part *part, struct err *err);
	/* Bytes of the part; of a table's what precedes and follows its rows. */
	enum err_code (*bytes)(void *arg, const void *data, size_t len, struct err *err);
	/* Bytes of rows; ends are places in data behind each row that ends there, from 1 to
	 * len.
	 */
	enum err_code (*rows)(void *arg, const void *data, size_t len, const uint32_t *ends,
	    size_t count, struct err *err);
	/* Between a table's rows and what precedes or follows them. */
	enum err_code (*border)(void *arg, struct err *err);
};

struct dataset;

/* Before the census was fed. */
MUST_CHECK enum err_code dataset_new(struct dataset **out, struct census *census,
    const struct dataset_ops *ops, void *arg, struct err *err);
void dataset_free(struct dataset *d);
AUTO_FREE(dataset, struct dataset *, dataset_free)

MUST_CHECK enum err_code dataset_feed(
    struct dataset *d, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code dataset_finish(struct dataset *d, struct err *err);

/* --- names of parts --- */

/* No dataset has more parts: what comes then is in the last one. */
#define DATASET_PARTS_MAX 1000000

/* The name of part number i: of a table's rows, or (table is NULL) of what suffix says: "sql",
 * "rdb", "unknown".  *out is the caller's. */
MUST_CHECK enum err_code dataset_part_name(
    char **out, unsigned number, const char *table, const char *suffix, struct err *err);
/* The table of a part of that name; *out is the caller's, NULL when it is none of rows.  Of a
 * very long name it is the beginning, then "~" and a hash. ERR_CORRUPT when no part is called
 * so. */
MUST_CHECK enum err_code dataset_part_table(char **out, const char *name, struct err *err);
/* What stands behind the number: "public.orders.rows", "sql"; NULL when no part is called so.
 */
const char *dataset_part_rest(const char *name);
/* Is it what was not understood? */
bool dataset_part_is_unknown(const char *name);
/* How the rows of a dump of this format ("postgres", "mysql", "rdb") are written; false when it
 * has none. */
bool dataset_row_format(const char *format, enum row_format *out);

#endif
