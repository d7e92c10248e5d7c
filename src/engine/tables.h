/*
 * tables.h: the tables in a snapshot's databases, told from listings alone.
 *
 * The root of a table is the digest of its file's content; that of a dump is the
 * SHA-256 over its parts, in the order of their names: for each the name behind
 * the number, a NUL, and the part's root.  Equal roots, equal bytes and rows.
 * They are kept by nobody (docs/decisions/0023-datasets.md).
 *
 * Threads: one at a time.
 * Errors:  ERR_CORRUPT for a folder that is no dump, those of dir_reader, and
 *          what the ops give.
 */
#ifndef ENGINE_TABLES_H
#define ENGINE_TABLES_H

#include "engine/browse.h"
#include "repo/content.h"

struct table_line {
	const char *service;
	const char *stream; /* the dump's name: "shop.sql" */
	const char *name; /* "public.orders", "db0" */
	uint64_t rows;
	uint64_t bytes;
	uint8_t root[CONTENT_DIGEST_SIZE];
};

struct dump_line {
	const char *service;
	const char *stream;
	const char *database; /* NULL when it is not of one */
	uint64_t tables;
	uint64_t rows; /* in all of them */
	bool is_file; /* one table, as MongoDB's collections: its root is the table's */
	bool has_unknown; /* a part was not understood: there may be more */
	uint8_t root[CONTENT_DIGEST_SIZE];
};

struct tables_ops {
	/* A dump, before its tables: service, stream and database are known.  May be NULL. */
	enum err_code (*begin)(void *arg, const struct dump_line *d, struct err *err);
	/* In the dump's order. */
	enum err_code (*table)(void *arg, const struct table_line *t, struct err *err);
	/* Behind its tables. */
	enum err_code (*end)(void *arg, const struct dump_line *d, struct err *err);
};

/* Of dumps that are folders of parts, or files of rows; others are passed over. */
MUST_CHECK enum err_code tables_list(struct engine *e, const struct snapshot *s,
    const struct tables_ops *ops, void *arg, struct err *err);

#endif
