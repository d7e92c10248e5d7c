/*
 * rdb_scan.h: the keys of an RDB file, counted while it streams by.
 *
 * Each database is one item, "db0" and so on, with a content value that does not
 * depend on the order of keys, nor on that of the members of sets, hashes and
 * sorted sets, nor on whether a value was compressed.  Functions are objects.
 * Remarks, and how often or lately a key was used, do not count.
 *
 * The format is Redis' own (rdb.h and rdb.c of Redis 7.4 and 8, of Valkey 8);
 * types that came later, and those before a release, are not known: then
 * counting stops, and rdb_scan_is_known says so.  The LZF decoder follows the
 * format's description in liblzf.
 *
 * Pure: no input or output; some 20 KiB of memory.
 */
#ifndef DB_RDB_SCAN_H
#define DB_RDB_SCAN_H

#include "db/census.h"
#include "db/cuts.h"

struct rdb_scan;

/* Called with what there is to add: one key, or one function. */
typedef enum err_code rdb_scan_fn(void *arg, const struct census_item *item, struct err *err);

MUST_CHECK enum err_code rdb_scan_new(
    struct rdb_scan **out, rdb_scan_fn *fn, void *arg, struct err *err);
void rdb_scan_free(struct rdb_scan *s);
AUTO_FREE(rdb_scan, struct rdb_scan *, rdb_scan_free)

/* Keys that expire before that moment are left out, and counted apart. */
void rdb_scan_pass_over(struct rdb_scan *s, int64_t before_ms);
uint64_t rdb_scan_passed(const struct rdb_scan *s);

/* Before the first byte: note where the keys of a database begin, where each ends, and where
 * they all have. */
void rdb_scan_cut(struct rdb_scan *s, struct cuts *cuts);

MUST_CHECK enum err_code rdb_scan_feed(
    struct rdb_scan *s, const void *data, size_t len, struct err *err);
/* ERR_INCOMPLETE when the file ends before its end, or holds fewer keys than it says. */
MUST_CHECK enum err_code rdb_scan_finish(const struct rdb_scan *s, struct err *err);
bool rdb_scan_is_known(const struct rdb_scan *s);

#endif
