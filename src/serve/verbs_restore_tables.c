/* Single tables of a snapshot, of verbs_restore.h: a run each of `restore --table`. */
#include "serve/look.h"
#include "serve/reply.h"
#include "serve/verbs_restore.h"

#include <string.h>

/* Of Redis: which keys.  What is no text comes as digits. */
static enum err_code
check_keys(const struct ask *ask, bool *is_keys, struct err *err)
{
	const char *prefix = ask_text(ask, "key_prefix");
	const char *hex = ask_text(ask, "key_prefix_hex");
	size_t n = json_array_size(json_object_get(ask->args, "tables"));
	*is_keys = prefix != NULL || hex != NULL;
	if (prefix != NULL && hex != NULL)
		return err_set(
		    err, ERR_USAGE, "key_prefix_hex: give it, or key_prefix, and not both");
	if (hex != NULL &&
	    (strlen(hex) % 2 != 0 || strspn(hex, "0123456789abcdef") != strlen(hex)))
		return err_set(err, ERR_USAGE,
		    "key_prefix_hex: must be pairs of hexadecimal digits, in small letters");
	if (!*is_keys && n == 0)
		return err_set(
		    err, ERR_USAGE, "tables: name one at least (of Redis, give key_prefix)");
	if (*is_keys && n > 1)
		return err_set(err, ERR_USAGE,
		    "tables: keys that begin alike are of one database: \"db0\", \"db1\"");
	return ERR_OK;
}

static enum err_code
add_keys(struct strv *argv, const struct ask *ask, struct err *err)
{
	const char *prefix = ask_text(ask, "key_prefix");
	const char *hex = ask_text(ask, "key_prefix_hex");
	if (prefix != NULL)
		return strv_addf(argv, err, "--key-prefix=%s", prefix);
	return hex != NULL ? strv_addf(argv, err, "--key-prefix-hex=%s", hex) : ERR_OK;
}

/* Which tables, and where they are when their names do not tell. */
static enum err_code
begin(struct strv *argv, const struct ask *ask, bool is_change, struct err *err)
{
	const char *service = ask_text(ask, "service");
	const char *database = ask_text(ask, "database");
	bool is_keys;
	if (check_keys(ask, &is_keys, err))
		return err->code;
	if (is_keys && database != NULL)
		return err_set(err, ERR_USAGE,
		    "database: of Redis it is the table: tables [\"db0\"], with key_prefix");
	if (strv_add(argv, "restore", err) || add_keys(argv, ask, err) ||
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
	if (begin(&argv, ask, is_change, err) || look_at(&l, &x, ask, err))
		return err->code;
	if (x->stack == NULL)
		return err_set(err, ERR_USAGE,
		    "this is no snapshot of a stack: its dump is loaded by the database's own "
		    "tools");
	if (is_change && into == NULL && restore_confirmed(ask, x->stack, err))
		return err->code;
	if ((into != NULL ? strv_addf(&argv, err, "--into=%s", into)
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
