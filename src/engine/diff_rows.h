/*
 * diff_rows.h: what differs between the databases of two snapshots of a stack,
 * or between a snapshot's and the live ones, table by table and row by row.
 *
 * Nothing is restored.  Of two snapshots only the chunks are read that one of them has alone
 * (docs/decisions/0023-datasets.md).  A live database is dumped as a backup would, cut in the
 * same way, and not stored: no service is made quiet, and each database is compared as it was
 * at a moment of its own, which ops.moment tells.
 *
 * Services, databases and tables are paired by their names, and told in order of names; of each
 * database first the definitions, then the tables.  A dump that fails its gates
 * (db/connector.h) gives no difference but an error.
 *
 * Memory: that of listings (some 500 bytes a table, on both sides), the schemas of one
 * database, row_match_options.memory; live, 32 bytes for each chunk of a table, up to 20 MB.
 * Threads: one at a time.
 * Errors: ERR_USAGE for a service, database, table or column that neither side has,
 * ERR_INCOMPLETE for a dump that fails its gates.
 */
#ifndef ENGINE_DIFF_ROWS_H
#define ENGINE_DIFF_ROWS_H

#include "db/connector.h"
#include "db/row_match.h"
#include "engine/engine.h"
#include "repo/id.h"

/* CHANGED: on both sides, and its rows or columns differ.  As long as rows are not counted, its
 * stored bytes do. */
enum diff_state { DIFF_SAME, DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

/* One table, collection or Redis database. */
struct diff_table {
	const char *service;
	const char *database; /* "shop"; of Redis "" */
	const char *table; /* "public.orders", "db0" */
	enum diff_state state;
	/* NULL when it is not there, or no schema was read: nothing differs, or rows were not
	 * asked for */
	const struct shape *before;
	const struct shape *after;
	uint64_t rows_before;
	uint64_t rows_after;
	bool is_counted; /* are the three below known?  Not when rows were not asked for */
	struct row_match_result rows; /* of a table on one side only: all its rows */
};

/* One definition of the schema. */
struct diff_object {
	const char *service;
	const char *database; /* "" for what all databases of a server share: roles */
	const char *name; /* "INDEX public.orders_by_name" */
	enum diff_state state;
	const char *before; /* DDL text, without secrets; NULL when it is not there */
	const char *after;
};

struct diff_rows_options {
	const char *service; /* only this; NULL: all */
	const char *database;
	const char *const *tables; /* only these (table_name.h), NULL-terminated; NULL: all;
				      their rows, and what is defined for them */
	bool tables_are_whole; /* neither parts of names nor globs */
	const char *const *columns; /* ERR_USAGE for one that no table has, NULL-terminated;
				       NULL: none is looked for */
	bool
	    count; /* count rows that were added, removed, changed in each table that differs */
	bool schema; /* tell the definitions that differ */
	size_t limit; /* hand over so many rows of each table; 0: none; counts them, too */
	size_t memory; /* row_match_options.memory */
	/* Live: the stack that is compared; NULL: the one that the snapshot is of. */
	const char *stack;
};

struct diff_rows_ops {
	/* Each may be NULL.  A table's rows come before its table, which has the counts then.
	 */
	enum err_code (*object)(void *arg, const struct diff_object *o, struct err *err);
	enum err_code (*row)(void *arg, const struct diff_table *t, enum row_change change,
	    const struct row *before, const struct row *after, struct err *err);
	enum err_code (*table)(void *arg, const struct diff_table *t, struct err *err);
	/* Live: the instant of which a service's dumps are; of all services, before any
	 * difference. */
	enum err_code (*moment)(
	    void *arg, const char *service, const struct db_fence *fence, struct err *err);
	/* What could not be compared, and why: the rows of an old snapshot's single file, a
	 * module's keys, a service that does not run. */
	enum err_code (*unknown)(
	    void *arg, const char *service, const char *what, const char *why, struct err *err);
};

MUST_CHECK enum err_code diff_rows_snapshots(struct engine *e, const struct id *a,
    const struct id *b, const struct diff_rows_options *opt, const struct diff_rows_ops *ops,
    void *arg, struct err *err);
/* With the servers of a stack. */
MUST_CHECK enum err_code diff_rows_live(struct engine *e, const struct id *a,
    const struct diff_rows_options *opt, const struct diff_rows_ops *ops, void *arg,
    struct err *err);

/* Of a snapshot of databases outside of stacks: with these, found by their names.
 * ERR_NOT_FOUND when the list has one of them not. */
struct connections;
MUST_CHECK enum err_code diff_rows_connections(struct engine *e, const struct id *a,
    const struct connections *list, const struct diff_rows_options *opt,
    const struct diff_rows_ops *ops, void *arg, struct err *err);

/* With servers wherever they run, and SQLite files where the snapshot says that they lie;
 * target->service is the name of the snapshot's member. */
struct diff_server {
	const struct db_target *target;
	enum db_kind kind;
};
MUST_CHECK enum err_code diff_rows_servers(struct engine *e, const struct id *a,
    const struct diff_server *servers, size_t n, const struct diff_rows_options *opt,
    const struct diff_rows_ops *ops, void *arg, struct err *err);

#endif
