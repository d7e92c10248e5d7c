/*
 * row_match_impl.h: the inside of a row_match, for db/row_match*.c only.
 *
 *	row_match.c           rows come; pairs of runs are stripped
 *	row_match_pile.c      rows that have no partner yet, beyond memory in parts on disk
 *	row_match_result.c    what is left, by keys, handed over
 *
 * A pile is what rows without a partner lie in: the table, and once that is
 * full, parts by a hash of the key.  At the end each part becomes a pile of its own,
 * one level deeper, in the same table.  (A hash join as of Grace: Kitsuregawa et al. 1983.)
 */
#ifndef DB_ROW_MATCH_IMPL_H
#define DB_ROW_MATCH_IMPL_H

#include "db/row_match.h"
#include "db/row_table.h"
#include "repo/spill.h"

#define PILE_PARTS 32
/* From this level on parts are made by a hash of the whole row: a key that so many rows share
 * parts nothing.  32^4 parts of any size that memory has. */
#define PILE_KEY_LEVELS 4

struct row_pile {
	unsigned level;
	bool is_spilled;
	struct spill_part *parts[PILE_PARTS];
};

/* A row of a pair of runs. */
struct paired_row {
	struct row row;
	uint64_t hash;
	uint32_t next; /* in its chain */
	bool is_gone;
};

struct paired_rows {
	struct paired_row *rows;
	size_t count;
	size_t cap;
};

struct row_match {
	struct row_rule rule;
	struct row_table table;
	struct spill *spill; /* NULL until it is needed */
	char *temp_dir;
	size_t spill_block;
	struct row_pile pile;
	struct buf key;
	struct buf key_b;
	struct paired_rows pair[2];
	uint32_t *heads; /* of chains of rows of a pair's side a */
	size_t head_cap;
	/* Handing over. */
	size_t keep; /* so many more */
	row_change_fn *fn;
	void *arg;
	struct row_match_result result;
};

/* Cancel the row, or keep it. */
MUST_CHECK enum err_code row_pile_add(
    struct row_match *m, struct row_pile *p, struct row_many *many, struct err *err);
/* Hand over what is left of a pile, part by part. */
MUST_CHECK enum err_code row_pile_finish(
    struct row_match *m, struct row_pile *p, struct err *err);
void row_pile_release(struct row_pile *p);

/* Hand over what is left in the table, which is then empty.  has_key: match it by keys. */
MUST_CHECK enum err_code row_match_deliver(struct row_match *m, bool has_key, struct err *err);

#endif
