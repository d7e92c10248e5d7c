/*
 * census.h: what a dump holds, counted while it streams by.
 *
 * A census is a list of items: how many rows each table has, and a content
 * value that does not depend on their order; and each object that the dump
 * defines.  Two dumps with equal items hold the same.  It is read from the
 * dump's own text (pg_dump, pg_dumpall, mariadb-dump, mysqldump), RDB or BSON file,
 * by a parser that knows strings, comments, quoted names and COPY data, so
 * that no row can pass for a statement.
 *
 *	census_new      for one dump file
 *	census_feed     its bytes, cut as they come
 *	census_finish   ERR_INCOMPLETE when the dump ends in the middle of something
 *	census_count, census_item
 *
 * Each stream of a connector's report has one (connector.h, dump_stream.census),
 * and a snapshot keeps them as meta/census/SERVICE.jsonl (docs/format.md).  To
 * compare a stored dump with a restored server: open a connector to that
 * server, check, prepare, fence and drain it into a sink that forgets, and
 * hand its report's streams, and what census_parse makes of the stored lines
 * (or census_feed of the stored dumps), to census_compare, stream by stream.
 *
 * The content value is the sum modulo 2^128 of an XXH3 of each row as it stands
 * in the dump: it finds what was lost, added or changed by accident, and is
 * no proof against somebody who chooses rows so that they add up (each
 * dump's SHA-256 is).  Of RDB files a row is a key with its type, its time to
 * live and its value; members of sets, hashes and sorted sets count in any
 * order, and compressed values as what they mean.  Of a collection's metadata the
 * options are one object and each index is one; its UUID, which a restore
 * changes, is none.
 *
 * Pure: no input or output.  Memory grows with the number of tables and
 * objects (some 150 bytes each), not with rows.
 *
 * Threads: one at a time.
 * Errors:  ERR_NO_MEMORY but for what is said.
 */
#ifndef DB_CENSUS_H
#define DB_CENSUS_H

#include "base/buf.h"
#include "base/checksum.h"
#include "base/strv.h"

#include <stdbool.h>

enum census_dump {
	CENSUS_POSTGRES, /* plain text of pg_dump and pg_dumpall */
	CENSUS_MYSQL, /* mariadb-dump's and mysqldump's */
	CENSUS_RDB,
	CENSUS_BSON, /* documents of one collection */
	CENSUS_METADATA, /* and mongodump's words on it */
};

enum census_what {
	CENSUS_ROWS, /* name is a table's, or of RDB files "db0": what it holds */
	CENSUS_OBJECT, /* name is "TABLE public.orders", "FUNCTION public.f", ... */
};

struct census_item {
	enum census_what what;
	const char *name; /* parts joined by dots; a part that is no plain word is quoted */
	uint64_t count; /* rows or keys; of objects, how many statements define it */
	uint64_t bytes; /* of these in the dump */
	struct checksum128 content;
};

struct census;

MUST_CHECK enum err_code census_new(
    struct census **out, enum census_dump kind, struct err *err);
void census_free(struct census *c);
AUTO_FREE(census, struct census *, census_free)

/* Before the first byte: which file it is, of those that do not say themselves what they are of
 * (BSON and its metadata). */
MUST_CHECK enum err_code census_of_file(struct census *c, const char *stream, struct err *err);

/* Before the first byte: keys that expire by themselves before that moment (since 1970) are
 * left out.  A server that has loaded a dump may hold them no more.  census_passed tells how
 * many. */
void census_pass_over(struct census *c, int64_t before_ms);
uint64_t census_passed(const struct census *c);

MUST_CHECK enum err_code census_feed(
    struct census *c, const void *data, size_t len, struct err *err);
/* After the last byte, once; the items are sorted then.  ERR_INCOMPLETE when the dump ends
 * within a statement, a comment, a table's rows or a key, or without its own closing words. */
MUST_CHECK enum err_code census_finish(struct census *c, struct err *err);

/* Is all of it understood?  An RDB file may hold what only its server's modules can read: then
 * its keys are not counted, and there are no items. */
bool census_is_known(const struct census *c);
/* "15.14 (Debian 15.14-0+deb12u1)": the server that the dump says it is of; NULL: it says
 * nothing. */
const char *census_server(const struct census *c);

size_t census_count(const struct census *c);
const struct census_item *census_item(const struct census *c, size_t i);
/* The item of that name, or NULL. */
const struct census_item *census_find(
    const struct census *c, enum census_what what, const char *name);

/* A name as items have it: parts (NULL-terminated) joined by dots. */
MUST_CHECK enum err_code census_name(
    struct buf *out, const char *const *parts, struct err *err);

/* How two items of one name differ.  More than one may be said. */
enum census_difference {
	CENSUS_MISSING = 1, /* in the first, not in the second */
	CENSUS_EXTRA = 2, /* in the second alone */
	CENSUS_COUNT = 4, /* another number of rows */
	CENSUS_CONTENT = 8, /* as many rows, but not the same */
};

/* a or b is NULL when it is not there. */
typedef enum err_code census_differs_fn(void *arg, unsigned differences,
    const struct census_item *a, const struct census_item *b, struct err *err);

/* Call fn for each item that differs, in the order of names; fn's failure ends it. */
MUST_CHECK enum err_code census_compare(const struct census *a, const struct census *b,
    census_differs_fn *fn, void *arg, struct err *err);

/* The census as lines of JSON, one an item, each with the name of its stream. */
MUST_CHECK enum err_code census_write(
    const struct census *c, const char *stream, struct buf *out, struct err *err);
/* And back: the items of that stream out of such lines, finished; none of them is no error.
 * ERR_CORRUPT for lines that are not as above. */
MUST_CHECK enum err_code census_parse(
    struct census **out, const void *lines, size_t len, const char *stream, struct err *err);

#endif
