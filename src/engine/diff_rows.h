/*
 * diff_rows.h: what differs between the databases of two snapshots of a stack,
 * or between a snapshot's and the live ones, table by table and row by row.
 *
 * Nothing is restored.  Of two snapshots only the chunks are read that one of them has alone
 * (docs/decisions/0023-datasets.md).  A live database is dumped as a backup would, cut in the
 * same way, and not stored.
 *
 * Threads: one at a time.  Errors: ERR_USAGE for a service or table that neither side has.
 */
#ifndef ENGINE_DIFF_ROWS_H
#define ENGINE_DIFF_ROWS_H

#include "db/row_match.h"
#include "engine/engine.h"
#include "repo/id.h"

enum diff_state { DIFF_SAME, DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

/* One table, collection or Redis database. */
struct diff_table {
	const char *service;
	const char *database; /* "shop"; of Redis "" */
	const char *table; /* "public.orders", "db0" */
	enum diff_state state; /* of the table itself: is it on both sides? */
	const struct shape *before; /* NULL when it is not there */
	const struct shape *after;
	uint64_t rows_before;
	uint64_t rows_after;
	bool is_counted; /* are the three below known?  Not when rows were not asked for */
	struct row_match_result rows;
};

/* One definition of the schema. */
struct diff_object {
	const char *service;
	const char *database;
	const char *name; /* "INDEX public.orders_by_name" */
	enum diff_state state;
	const char *before; /* DDL text, NULL when it is not there */
	const char *after;
};

struct diff_rows_options {
	const char *service; /* only this; NULL: all */
	const char *database;
	const char *const *tables; /* only these (names or globs), NULL-terminated; NULL: all */
	bool
	    count; /* count rows that were added, removed, changed in each table that differs */
	size_t limit; /* hand over so many rows of each table; 0: none */
	size_t memory; /* row_match_options.memory */
};

struct diff_rows_ops {
	/* Each may be NULL.  A table's rows come before its table, which has the counts then.
	 */
	enum err_code (*object)(void *arg, const struct diff_object *o, struct err *err);
	enum err_code (*row)(void *arg, const struct diff_table *t, enum row_change change,
	    const struct row *before, const struct row *after, struct err *err);
	enum err_code (*table)(void *arg, const struct diff_table *t, struct err *err);
	/* What could not be compared, and why: an old snapshot's single file, a module's keys.
	 */
	enum err_code (*unknown)(
	    void *arg, const char *service, const char *what, const char *why, struct err *err);
};

MUST_CHECK enum err_code diff_rows_snapshots(struct engine *e, const struct id *a,
    const struct id *b, const struct diff_rows_options *opt, const struct diff_rows_ops *ops,
    void *arg, struct err *err);
MUST_CHECK enum err_code diff_rows_live(struct engine *e, const struct id *a,
    const struct diff_rows_options *opt, const struct diff_rows_ops *ops, void *arg,
    struct err *err);

#endif
