/*
 * diff_rows_impl.h: the inside of a comparison of databases, for diff_*.c and
 * restore_rows.c only.
 *
 * A side is what one of both has: its dumps, in order of services and
 * streams, each with its parts.  A part that holds rows is a table.
 *
 *	diff_names.c       what was asked for
 *	diff_columns.c     are there such columns?
 *	diff_datasets.c    the dumps of a snapshot, read from listings
 *	diff_schema.c      shapes of tables, and which definitions differ
 *	diff_tables.c      two versions of one table
 *	diff_census.c      dumps that are not cut: what their census tells
 *	diff_rows.c        pairs of dumps, pairs of tables
 *	diff_intake.c      the dumps of a server that runs
 *	diff_rows_live.c   the servers of a stack
 */
#ifndef ENGINE_DIFF_ROWS_IMPL_H
#define ENGINE_DIFF_ROWS_IMPL_H

#include "db/census.h"
#include "db/shape.h"
#include "engine/browse.h"
#include "engine/diff_rows.h"
#include "repo/row_tally.h"

#include <stdatomic.h>

/* One file of a dump's folder, or what would become one. */
struct dump_part {
	char *table; /* as the census writes it; NULL: text between tables */
	uint64_t rows;
	struct content content; /* live: empty */
	bool is_live;
	struct row_rest rest; /* live: what the snapshot has not, and what it has alone */
};

/* The dump of a database. */
struct dump_side {
	char *service;
	char *stream;
	char *database; /* "" when it is of none */
	bool is_known; /* can the format be cut into rows? */
	enum row_format row_format;
	bool is_whole; /* stored as one file, or not cut: tables are known by the census */
	bool is_live;
	struct dump_part *parts; /* in the dump's order */
	size_t n_parts;
	struct dump_part **tables; /* in order of names */
	size_t n_tables;
	struct census *census; /* of what is whole; NULL: there is none */
	struct shapes *shapes; /* while they are asked for */
	struct spill_part *text; /* live: the schema's words, in order */
};

struct diff_side {
	struct snapshot snapshot; /* live: empty */
	struct dump_side *dumps;
	size_t count;
};

#define DIFF_SIDE_INIT                                           \
	{                                                        \
		.snapshot = { .root = TREE_ENTRY_INIT }, NULL, 0 \
	}

struct row_diff {
	struct engine *engine;
	const struct diff_rows_options *opt;
	const struct diff_rows_ops *ops;
	void *arg;
	struct diff_side a;
	struct diff_side b;
	struct spill *spill; /* live: what the snapshot has not */
	size_t n_unknown; /* servers that cannot be asked */
	atomic_uint_fast64_t bytes; /* for progress */
	atomic_uint_fast64_t tables;
};

/* --- diff_rows.c --- */

struct row_diff row_diff_of(struct engine *e, const struct diff_rows_options *opt,
    const struct diff_rows_ops *ops, void *arg);
void row_diff_release(struct row_diff *d);
static inline void UNUSED
row_diff_auto(struct row_diff *d)
{
	row_diff_release(d);
}

/* --- diff_names.c --- */

/* Are rows asked for? */
bool diff_wants_rows(const struct row_diff *d);
bool diff_wants_service(const struct row_diff *d, const char *service);
bool diff_wants_database(const struct row_diff *d, const char *database);
bool diff_wants_table(const struct row_diff *d, const char *table);
/* database may be NULL. */
bool diff_wants_dump(const struct row_diff *d, const char *format, const char *database);
MUST_CHECK enum err_code diff_unknown(struct row_diff *d, const char *service, const char *what,
    const char *why, struct err *err);

/* Do the options name what one of both sides has?  ERR_USAGE when not. */
MUST_CHECK enum err_code diff_check_names(struct row_diff *d, struct err *err);
/* The database of a table of the dump; *out may be in room. */
MUST_CHECK enum err_code diff_database_of(const char **out, struct buf *room,
    const struct dump_side *s, const char *table, struct err *err);
/* A definition in a dump of that database, "" of all; table is the one that it belongs to, or
 * NULL. */
MUST_CHECK enum err_code diff_wants_object(const struct row_diff *d, const char *database,
    const char *name, const char *table, bool *out, struct err *err);

/* --- diff_columns.c --- */

/* Has a table that is asked for each of the columns that are asked for?  ERR_USAGE when not;
 * what cannot be asked may have it.  Live: before any shapes are read. */
MUST_CHECK enum err_code diff_check_columns(struct row_diff *d, struct err *err);

/* --- diff_datasets.c --- */

/* The dumps of the snapshot that are asked for.  side is DIFF_SIDE_INIT. */
MUST_CHECK enum err_code diff_side_open(
    struct row_diff *d, struct diff_side *side, const struct id *id, struct err *err);
void diff_side_release(struct diff_side *side);
void dump_side_release(struct dump_side *s);
/* Is a file of that format a dump, and not something beside it? */
bool diff_is_dump(const char *format);
/* A dump that is not cut, or is compared with such a one: read its census, if there is one. */
MUST_CHECK enum err_code diff_read_census(
    struct row_diff *d, const struct diff_side *side, struct dump_side *s, struct err *err);
/* Add a dump that has no parts yet; it is the side's, and moves when another is added. */
MUST_CHECK enum err_code diff_side_add(struct diff_side *side, const char *service,
    const char *stream, const char *database, const char *format, struct dump_side **out,
    struct err *err);
/* Add a part; table may be NULL. */
MUST_CHECK enum err_code dump_side_add(
    struct dump_side *s, const char *table, struct dump_part **out, struct err *err);
/* The part that a file of documents is, without being in a folder of parts (MongoDB). */
MUST_CHECK enum err_code dump_side_add_documents(
    struct dump_side *s, struct dump_part **out, struct err *err);
/* All parts are there: find the tables. */
MUST_CHECK enum err_code dump_side_sort(struct dump_side *s, struct err *err);
/* All dumps are there. */
void diff_side_sort(struct diff_side *side);
/* NULL when there is none. */
struct dump_side *diff_side_find(
    const struct diff_side *side, const char *service, const char *stream);
const struct dump_part *dump_side_find(const struct dump_side *s, const char *table);

/* --- diff_schema.c --- */

/* Read both dumps' schemas; where the texts are equal, that of a is b's too, and b->shapes
 * stays NULL.  Either may be NULL. */
MUST_CHECK enum err_code diff_read_shapes(
    struct row_diff *d, struct dump_side *a, struct dump_side *b, struct err *err);
/* The shape of a table; NULL: it has none. */
const struct shape *diff_shape(
    const struct dump_side *s, const struct dump_side *other, const char *table);
/* Do both have the same words between their rows? */
bool diff_is_same_text(const struct dump_side *a, const struct dump_side *b);
/* Definitions in order of names, wherever they are. */
struct diff_definitions {
	const void *of;
	size_t count;
	const struct shape_object *(*at)(const void *of, size_t i);
};
/* Tell those that differ; of has the service and the database. */
MUST_CHECK enum err_code diff_definitions_compare(struct row_diff *d,
    const struct diff_object *of, const struct diff_definitions *a,
    const struct diff_definitions *b, struct err *err);
/* The same of both dumps. */
MUST_CHECK enum err_code diff_objects(
    struct row_diff *d, const struct dump_side *a, const struct dump_side *b, struct err *err);

/* --- diff_tables.c --- */

/* t has all but state and rows. x and y are its versions, of which one may be NULL. */
MUST_CHECK enum err_code diff_one_table(struct row_diff *d, struct diff_table *t,
    struct dump_part *x, struct dump_part *y, struct err *err);

/* --- diff_census.c --- */

/* One of both is whole. */
MUST_CHECK enum err_code diff_by_census(
    struct row_diff *d, const struct dump_side *a, const struct dump_side *b, struct err *err);

/* --- diff_rows.c --- */

/* Both sides are there. */
MUST_CHECK enum err_code diff_sides(struct row_diff *d, struct err *err);

/* --- diff_intake.c --- */

/* Where the dumps of a server go, to become b's. */
struct diff_intake;
MUST_CHECK enum err_code diff_intake_new(
    struct diff_intake **out, struct row_diff *d, const char *service, struct err *err);
void diff_intake_free(struct diff_intake *s);
AUTO_FREE(diff_intake, struct diff_intake *, diff_intake_free)
struct dump_sink *diff_intake_sink(struct diff_intake *s);
/* Dump the server as a backup would, into such a one. */
MUST_CHECK enum err_code diff_take_server(struct row_diff *d, const struct diff_server *server,
    struct db_fence *fence, struct err *err);

#endif
