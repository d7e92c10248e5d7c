/*
 * table_kept.h: which parts of servers were exchanged in place, whose old rows are kept there.
 *
 * The truth lies in the server (db/pick.h): what is kept can be put back without any record.
 * But nobody looks for it in every server of every stack.  So a restore in place leaves a note
 * in state_dir/kept-HASH.json of where to look, which goes when it is settled here.  One
 * that was settled elsewhere, or whose server is gone, is found out by asking
 * (table_kept_ask); restores of other hosts have their notes there
 * (docs/decisions/0038-kept-rows.md).
 *
 * Ownership: texts of a list are the list's.
 * Threads:   one at a time.
 */
#ifndef ENGINE_TABLE_KEPT_H
#define ENGINE_TABLE_KEPT_H

#include "engine/table_record.h"

enum table_kept_state {
	TABLE_NOTED, /* the server was not asked */
	TABLE_KEPT, /* it was, and has them */
	TABLE_UNKNOWN, /* it could not be asked: why */
};

struct table_kept {
	char *path; /* of the note */
	char *host;
	char *stack;
	char *service;
	char *database; /* NULL where the server has no such thing */
	char *table;
	char *key_prefix; /* of Redis, any bytes; else NULL */
	char *tag; /* the first 8 digits of the snapshot whose rows took their place */
	int64_t time_ns;
	enum table_kept_state state;
	char *why;
};

struct table_kept_list {
	struct table_kept *items; /* by stack, service, table */
	size_t count;
	struct strv broken; /* notes that cannot be read, and why */
};

#define TABLE_KEPT_LIST_INIT       \
	{                          \
		NULL, 0, STRV_INIT \
	}

void table_kept_list_release(struct table_kept_list *l);
static inline void UNUSED
table_kept_list_auto(struct table_kept_list *l)
{
	table_kept_list_release(l);
}

MUST_CHECK enum err_code table_kept_note(
    struct engine *e, const struct table_part *p, const char *tag, struct err *err);
/* It was settled: the note goes, if there is one.  A database that one of them has
 * not is any: of MariaDB it is a part of the table's name. */
MUST_CHECK enum err_code table_kept_forget(
    struct engine *e, const struct table_part *p, struct err *err);

/* All notes; of stack, unless that is NULL. */
MUST_CHECK enum err_code table_kept_list(
    struct engine *e, const char *stack, struct table_kept_list *out, struct err *err);
/* Ask the servers.  What they do not have any more is taken off the list, and its note
 * removed. */
MUST_CHECK enum err_code table_kept_ask(
    struct engine *e, struct table_kept_list *l, struct err *err);

#endif
