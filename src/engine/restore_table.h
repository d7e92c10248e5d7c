/*
 * restore_table.h: one table of a snapshot, put back into the stack that runs.
 *
 * Nothing else of the stack is touched, and no service is stopped.  Beside the
 * others (into a schema) or in place; then the old rows are kept in the database
 * itself until restore_table_settle.  See db/pick.h.
 *
 * Threads: one at a time.
 * Errors:  ERR_NOT_FOUND and ERR_USAGE name what there is; ERR_UNSUPPORTED for databases that
 * cannot, with what to do instead.
 */
#ifndef ENGINE_RESTORE_TABLE_H
#define ENGINE_RESTORE_TABLE_H

#include "base/strv.h"
#include "engine/engine.h"
#include "repo/id.h"

struct restore_table_options {
	const char *table; /* "public.orders", or "orders" when there is one of that name */
	const char *service; /* NULL: the only one that has such a table; here and below */
	const char *database;
	const char *stack; /* NULL: the snapshot's */
	const char *key_prefix; /* of Redis and Valkey, whose tables are called db0, db1 ...;
				   else NULL */
	const char *into; /* a schema; of MariaDB and MySQL a database, of Redis its number;
			     NULL: in place */
};

/* What it comes to. */
struct restore_table_plan {
	char *stack;
	char *service;
	char *database;
	char *table;
	uint64_t rows;
	const char *place; /* what --into names: "schema", "database" */
	char *tag; /* afterwards: the snapshot whose rows were put there */
	struct strv told; /* what will not be as one might think */
	struct strv lines; /* in place: which rows are lost, brought back, changed; afterwards:
			      what was written since */
};

#define RESTORE_TABLE_PLAN_INIT                       \
	{                                             \
		.told = STRV_INIT, .lines = STRV_INIT \
	}

void restore_table_plan_release(struct restore_table_plan *p);
static inline void UNUSED
restore_table_plan_auto(struct restore_table_plan *p)
{
	restore_table_plan_release(p);
}

/* Changes nothing. */
MUST_CHECK enum err_code restore_table_look(struct engine *e, const struct id *id,
    const struct restore_table_options *opt, struct restore_table_plan *out, struct err *err);
/* Should it fail in the middle, what it left is mended at once, or by restore_table_recover.
 * ERR_LOCKED and ERR_EXISTS as in table_record.h. */
MUST_CHECK enum err_code restore_table(struct engine *e, const struct id *id,
    const struct restore_table_options *opt, struct err *err);

/* Those that died. */
struct table_recovery {
	struct strv settled; /* what became of each */
	struct strv broken; /* what could not be settled, and why */
	size_t busy; /* restores that are alive */
};
#define TABLE_RECOVERY_INIT                                          \
	{                                                            \
		.settled = STRV_INIT, .broken = STRV_INIT, .busy = 0 \
	}
void table_recovery_release(struct table_recovery *r);
static inline void UNUSED
table_recovery_auto(struct table_recovery *r)
{
	table_recovery_release(r);
}
MUST_CHECK enum err_code restore_table_recover(
    struct engine *e, struct table_recovery *out, struct err *err);
/* One of them, whose server must run. */
enum mended {
	MENDED_OLD, /* it was not done: all is as it was */
	MENDED_NEW, /* it was done, and the old rows are kept */
	MENDED_BESIDE, /* opt->into: who looks there sees whether it was done */
};
struct table_part;
MUST_CHECK enum err_code restore_table_mend(
    struct engine *e, const struct table_part *p, enum mended *how, struct err *err);

/* Afterwards opt->stack is wanted, and the table's whole name; its database, of PostgreSQL;
 * service when the stack has several. */

/* What is kept, and what would be lost by putting it back; e->repo may be NULL.  ERR_NOT_FOUND
 * when nothing is. */
MUST_CHECK enum err_code restore_table_kept(struct engine *e,
    const struct restore_table_options *opt, struct restore_table_plan *out, struct err *err);
/* Put back what was replaced, or remove it. */
MUST_CHECK enum err_code restore_table_settle(
    struct engine *e, const struct restore_table_options *opt, bool undo, struct err *err);

#endif
