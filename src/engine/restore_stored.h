/*
 * restore_stored.h: one table of a snapshot, and its rows as they were dumped.
 *
 * Ownership: borrows the engine and what it was asked with.
 * Threads:   one at a time.
 */
#ifndef ENGINE_RESTORE_STORED_H
#define ENGINE_RESTORE_STORED_H

#include "engine/diff_rows_impl.h"

struct stored_table {
	struct row_diff diff; /* what the snapshot has, in a */
	struct diff_rows_options opt;
	struct dump_side *dump;
	const struct dump_part *part;
	struct dump_part empty; /* the part of a table that had no rows */
	const struct shape *shape;
	const char *definition; /* its own statement, or metadata; NULL: not known, or not
				   written as one */
	struct buf database; /* that it is in, as a text */
	struct buf metadata; /* of MongoDB: the definition's own */
};

#define STORED_TABLE_INIT                                                                   \
	{                                                                                   \
		.diff = { .a = DIFF_SIDE_INIT }, .database = BUF_INIT, .metadata = BUF_INIT \
	}

/* Which one: "public.orders", or its last part alone when there is one of that name. */
struct stored_wish {
	const char *table;
	const char *service; /* NULL: any; below, too */
	const char *database;
};

/* t is STORED_TABLE_INIT, and to be released also when this fails.  ERR_NOT_FOUND and ERR_USAGE
 * name what there is. */
MUST_CHECK enum err_code stored_table_open(struct stored_table *t, struct engine *e,
    const struct id *id, const struct stored_wish *wish, struct err *err);
void stored_table_release(struct stored_table *t);
static inline void UNUSED
stored_table_auto(struct stored_table *t)
{
	stored_table_release(t);
}

/* Its rows as one file of a dump.  Of INSERT with the words around them; of COPY without. */
struct row_source {
	struct dump_source base;
	struct repo *repo;
	const struct content *content;
	bool is_whole;
	/* Chunks without rows stand at both ends: the words around them. */
	uint64_t from;
	uint64_t to;
	bool has_rows;
	uint64_t at;
	atomic_uint_fast64_t bytes; /* given so far; for any thread */
};

void row_source_init(struct row_source *s, const struct stored_table *t, struct repo *repo);

#endif
