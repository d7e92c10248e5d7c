/*
 * row_table.h: rows that have no partner yet, in a bounded piece of memory.
 *
 * For db/row_match* only.  Rows lie one behind the other in one run of memory, found by
 * their hash (open addressing).  A row that came several times on one side is there once,
 * with a count.  Never is there a row of a and an equal one of b.
 *
 * Threads: one at a time.
 */
#ifndef DB_ROW_TABLE_H
#define DB_ROW_TABLE_H

#include "db/row_rule.h"

/* A row that stands for count equal ones. */
struct row_entry {
	uint64_t hash;
	uint64_t count; /* 0: taken away */
	uint64_t len : 63;
	uint64_t side : 1;
	uint8_t bytes[];
};

struct row_slot {
	uint32_t ref; /* of the entry, in units of ROW_UNIT; ROW_NONE: free */
	uint32_t tag; /* from the hash */
};

struct row_table {
	struct row_rule *rule;
	size_t memory;
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t dead; /* bytes of len that belong to entries with count 0 */
	size_t longest; /* entry, in bytes */
	struct row_slot *slots;
	size_t slot_count; /* a power of two, or 0 */
	size_t entries; /* with a count */
};

#define ROW_UNIT ((size_t)8)
#define ROW_NONE UINT32_MAX

void row_table_init(struct row_table *t, struct row_rule *rule, size_t memory);
void row_table_release(struct row_table *t);
/* Let go of all rows, keep the room. */
void row_table_clear(struct row_table *t);

/* A row that came count times. */
struct row_many {
	unsigned side;
	uint64_t hash;
	uint64_t count;
	struct row row;
};

/* Take away as many equal rows of the other side as there are, up to m->count, which becomes
 * less by so many. */
MUST_CHECK enum err_code row_table_cancel(
    struct row_table *t, struct row_many *m, struct err *err);
/* Add what is left of it; *is_full: nothing was done, there is no room. */
MUST_CHECK enum err_code row_table_add(
    struct row_table *t, const struct row_many *m, bool *is_full, struct err *err);

/* Walk the entries: *ref starts at 0; NULL at the end. */
struct row_entry *row_table_next(const struct row_table *t, uint32_t *ref);
struct row_entry *row_table_at(const struct row_table *t, uint32_t ref);

static inline struct row
row_of_entry(const struct row_entry *e)
{
	return (struct row){ e->bytes, (size_t)e->len };
}

#endif
