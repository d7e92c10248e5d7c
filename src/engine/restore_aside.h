/*
 * restore_aside.h: a whole database of a snapshot, put into the server that runs under another
 * name, for looking.  Nothing that is there is changed.
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_RESTORE_ASIDE_H
#define ENGINE_RESTORE_ASIDE_H

#include "engine/restore_table.h"

struct restore_aside_options {
	const char *database;
	const char *service; /* NULL: the only one that has it */
	const char *stack; /* NULL: the snapshot's */
	const char *into;
	bool dry_run;
};

/* out (RESTORE_TABLE_PLAN_INIT) gets stack, service, database and notes. */
MUST_CHECK enum err_code restore_aside(struct engine *e, const struct id *id,
    const struct restore_aside_options *opt, struct restore_table_plan *out, struct err *err);

#endif
