/*
 * row_rule.h: when rows of two versions of a table are the same, and what their
 * key is.
 *
 * For db/row_match* only.
 *
 * Rows are the same when all of their columns are; where both versions have other
 * columns, when those are that both have (options.columns).  The key is that of both
 * shapes when it is the same columns, else there is none.
 *
 * Ownership: shapes are borrowed.
 * Threads:   one at a time: a rule has room of its own for what it looks at.
 */
#ifndef DB_ROW_RULE_H
#define DB_ROW_RULE_H

#include "db/shape.h"

struct row_rule {
	enum row_format format;
	bool is_projected; /* only some columns count */
	bool is_bytewise; /* equal bytes mean equal rows */
	size_t common_count;
	size_t *common[2]; /* columns that both have, of each side */
	size_t key_count;
	size_t *key[2];
	const char *table; /* for messages */
	uint64_t seed; /* of hashes: nobody can choose rows that collide */
	size_t needed[2]; /* so many columns of each side are looked at */
	struct field *fields;
	struct buf scratch[2];
	struct buf text;
};

/* columns: row_match_options.columns. */
MUST_CHECK enum err_code row_rule_init(struct row_rule *r, const struct shape *a,
    const struct shape *b, const size_t *columns, struct err *err);
void row_rule_release(struct row_rule *r);

/* Equal rows have equal ones. */
MUST_CHECK enum err_code row_rule_hash(
    struct row_rule *r, unsigned side, const struct row *row, uint64_t *out, struct err *err);
/* One row of each side. */
MUST_CHECK enum err_code row_rule_equal(
    struct row_rule *r, const struct row *a, const struct row *b, bool *is, struct err *err);

/* Append the key: of each of its columns a varint (its length and one, 0: null), and its text.
 * *has is false when one of them is null: such a row has no key, as in SQL. */
MUST_CHECK enum err_code row_rule_key(struct row_rule *r, unsigned side, const struct row *row,
    struct buf *out, bool *has, struct err *err);

#endif
