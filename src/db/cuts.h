/*
 * cuts.h: where in a dump's bytes tables begin, rows end and tables end.
 *
 * The scanners (sql_scan.h, rdb_scan.h) note it while they count; dataset.c
 * takes it and cuts the bytes there.  Places are counted from the dump's first
 * byte, those of rows' ends from base.
 *
 * Between two tables there may be bytes of which it is not yet known whether
 * they are another table's: undecided says where they begin.
 *
 * For db/ only.  Pure.  Threads: one at a time.
 */
#ifndef DB_CUTS_H
#define DB_CUTS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CUTS_NONE UINT64_MAX
/* The scanners are fed no more at once, so that no more rows can end. */
#define CUTS_FEED_MAX ((size_t)64 << 10)

enum cut_kind {
	CUT_TABLE, /* rows of a table begin */
	CUT_TAIL, /* they have ended, but for the words that say so */
	CUT_CLOSE, /* and these, too */
	CUT_LOST, /* from here on nothing is understood */
};

struct cut {
	enum cut_kind kind;
	uint64_t at;
	uint64_t rows; /* of a table: behind its head */
	char *name; /* of a table; the cut's own */
};

struct cuts {
	uint64_t base;
	uint32_t *ends; /* CUTS_FEED_MAX + 1 of them */
	size_t n_ends;
	struct cut *items;
	size_t count;
	size_t cap;
	uint64_t undecided; /* CUTS_NONE: nothing */
	uint64_t last_end; /* where the last row (or its statement) ended, or the rows began */
	char *open; /* name of the table that is open; NULL: none */
};

MUST_CHECK enum err_code cuts_init(struct cuts *c, struct err *err);
void cuts_release(struct cuts *c);
/* Forget what was taken; rows' ends are counted from base now. */
void cuts_clear(struct cuts *c, uint64_t base);

/* Rows of a table begin at rows, with words that begin at from.  When that table is open
 * already, they go on; another one that is open is closed behind its last row. */
MUST_CHECK enum err_code cuts_table(
    struct cuts *c, uint64_t from, uint64_t rows, const char *name, struct err *err);
MUST_CHECK enum err_code cuts_add(
    struct cuts *c, enum cut_kind kind, uint64_t at, struct err *err);
/* Close the table that is open, if any, behind its last row. */
MUST_CHECK enum err_code cuts_close(struct cuts *c, struct err *err);

static inline void
cuts_row(struct cuts *c, uint64_t end)
{
	c->ends[c->n_ends++] = (uint32_t)(end - c->base);
	c->last_end = end;
}

#endif
