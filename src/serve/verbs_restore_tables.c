/* Single tables of a snapshot, of verbs_restore.h: a run each of `restore --table`. */
#include "serve/look.h"
#include "serve/reply.h"
#include "serve/verbs_restore.h"

/* Which tables, and where they are when their names do not tell. */
static enum err_code
begin(struct strv *argv, const struct ask *ask, bool is_change, struct err *err)
{
	const char *service = ask_text(ask, "service");
	const char *database = ask_text(ask, "database");
	if (json_array_size(json_object_get(ask->args, "tables")) == 0)
		return err_set(err, ERR_USAGE, "tables: name one at least");
	if (strv_add(argv, "restore", err) ||
	    strv_add(argv, is_change ? "--yes" : "--dry-run", err) ||
	    (service != NULL && strv_addf(argv, err, "--service=%s", service)) ||
	    (database != NULL && strv_addf(argv, err, "--database=%s", database)))
		return err->code;
	return restore_add_each(argv, ask, "tables", "--table=", err);
}

/* Beside, when a name for that was given; else in place of the rows that are there. */
static enum err_code
put(const struct ask *ask, const char *kind, bool is_change, struct answer *out,
    struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(strv) struct strv argv = STRV_INIT;
	const struct point *x;
	const char *into = ask_text(ask, "into");
	if (look_at(&l, &x, ask, err))
		return err->code;
	if (x->stack == NULL)
		return err_set(err, ERR_USAGE,
		    "this is no snapshot of a stack: its dump is loaded by the database's own "
		    "tools");
	if (is_change && into == NULL && restore_confirmed(ask, x->stack, err))
		return err->code;
	if (begin(&argv, ask, is_change, err) ||
	    (into != NULL ? strv_addf(&argv, err, "--into=%s", into)
			  : strv_add(&argv, "--in-place", err)) ||
	    strv_add(&argv, "--", err) || strv_add(&argv, x->hex, err))
		return err->code;
	struct run_plan plan = { kind, x->stack, (const char *const *)argv.items };
	return keeper_run_answer(ask, &plan, out, err);
}

enum err_code
restore_tables_preview(const struct ask *ask, struct answer *out, struct err *err)
{
	return put(ask, "restore_preview", false, out, err);
}

enum err_code
restore_tables_start(const struct ask *ask, struct answer *out, struct err *err)
{
	return put(ask, "restore", true, out, err);
}

/* --- afterwards --- */

static enum err_code
settle(const struct ask *ask, const char *kind, const char *word, bool is_change,
    struct answer *out, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	const char *stack;
	if (ask_stack(ask, "stack", &stack, err))
		return err->code;
	if (is_change && restore_confirmed(ask, stack, err))
		return err->code;
	if (begin(&argv, ask, is_change, err) || strv_add(&argv, "--", err) ||
	    strv_add(&argv, word, err) || strv_add(&argv, stack, err))
		return err->code;
	struct run_plan plan = { kind, stack, (const char *const *)argv.items };
	return keeper_run_answer(ask, &plan, out, err);
}

enum err_code
restore_tables_undo_preview(const struct ask *ask, struct answer *out, struct err *err)
{
	return settle(ask, "undo_preview", "undo", false, out, err);
}

enum err_code
restore_tables_undo(const struct ask *ask, struct answer *out, struct err *err)
{
	return settle(ask, "undo", "undo", true, out, err);
}

enum err_code
restore_tables_finish(const struct ask *ask, struct answer *out, struct err *err)
{
	return settle(ask, "finish", "finish", true, out, err);
}
