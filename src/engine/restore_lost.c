#include "engine/restore_lost.h"

#include "base/counted.h"
#include "engine/restore_keys.h"
#include "engine/restore_rows.h"
#include "repo/snapshot.h"
#include "sys/clock.h"

#include <string.h>

struct look {
	struct strv *lines;
	const char *prefix; /* of keys; NULL: tables */
	bool is_since; /* what was written since, for undo */
	int64_t now_ms;
	struct row_match_result keys;
};

/* --- words --- */

static enum err_code
add_count(struct buf *line, const char *verb, uint64_t n, const char *word, const char *how,
    struct err *err)
{
	char rows[COUNTED_MAX];
	if (n == 0)
		return ERR_OK;
	return buf_printf(line, err, "%s%s%s%s", line->len > 0 ? ", " : "", verb,
	    counted(rows, n, word), how);
}

static enum err_code
put_words(struct look *l, const char *table, const struct row_match_result *r, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	const char *word = l->prefix != NULL ? "key" : "row";
	enum err_code rc =
	    l->is_since ? (add_count(&line, "", r->added, word, " added since", err) ||
			      add_count(&line, "", r->changed, word, " changed since", err) ||
			      add_count(&line, "", r->removed, word, " removed since", err))
			: (add_count(&line, "removes ", r->added, word, " added since", err) ||
			      add_count(&line, "brings back ", r->removed, word, "", err) ||
			      add_count(&line, "changes ", r->changed, word, "", err));
	if (rc || line.len == 0)
		return rc ? err->code : ERR_OK;
	const char *text = buf_cstr(&line);
	if (text == NULL)
		return err_nomem(err);
	const char *prefix = l->prefix != NULL ? l->prefix : "";
	return strv_addf(l->lines, err, "%s%s%s: %s%s", table, *prefix != '\0' ? " " : "",
	    prefix, l->is_since ? "" : "this ", text);
}

/* --- what is told --- */

static enum err_code
on_row(void *arg, const struct diff_table *t, enum row_change change, const struct row *before,
    const struct row *after, struct err *err)
{
	struct look *l = arg;
	bool is_one;
	(void)t;
	if (row_has_prefix(&is_one, before != NULL ? before : after, l->prefix, l->now_ms, err))
		return err->code;
	if (is_one) {
		l->keys.added += change == ROW_ADDED;
		l->keys.removed += change == ROW_REMOVED;
		l->keys.changed += change == ROW_CHANGED;
	}
	return ERR_OK;
}

static enum err_code
on_table(void *arg, const struct diff_table *t, struct err *err)
{
	struct look *l = arg;
	if (l->prefix != NULL)
		return put_words(l, t->table, &l->keys, err);
	if (!l->is_since)
		return restore_rows_line(l->lines, t, err);
	if (t->state == DIFF_SAME)
		return ERR_OK;
	if (!t->is_counted)
		return strv_addf(
		    l->lines, err, "%s: it is not known what was written since", t->table);
	return put_words(l, t->table, &t->rows, err);
}

static enum err_code
compare(struct engine *e, const struct id *id, struct look *l,
    const struct restore_table_plan *p, struct err *err)
{
	const struct diff_rows_ops ops = { .table = on_table,
		.row = l->prefix != NULL ? on_row : NULL };
	const char *tables[] = { p->table, NULL };
	bool has_database = p->database != NULL && *p->database != '\0';
	struct diff_rows_options opt = { .service = p->service,
		.database = has_database ? p->database : NULL,
		.tables = tables,
		.tables_are_whole = true,
		.count = true,
		.limit = l->prefix != NULL ? SIZE_MAX : 0,
		.stack = p->stack };
	return diff_rows_live(e, id, &opt, &ops, l, err);
}

enum err_code
lost_by_restore(struct engine *e, const struct id *id, const char *prefix,
    struct restore_table_plan *out, struct err *err)
{
	struct look l = {
		.lines = &out->lines, .prefix = prefix, .now_ms = clock_wall_ns() / NS_PER_MS
	};
	return compare(e, id, &l, out, err);
}

enum err_code
lost_by_undo(
    struct engine *e, const char *prefix, struct restore_table_plan *out, struct err *err)
{
	struct look l = { .lines = &out->lines,
		.prefix = prefix,
		.is_since = true,
		.now_ms = clock_wall_ns() / NS_PER_MS };
	struct id id;
	struct err why = ERR_INIT;
	if (e->repo == NULL)
		return strv_add(&out->told,
		    "what was written since is not known: --dry-run tells it, with the "
		    "repository",
		    err);
	enum err_code rc = snapshot_resolve(e->repo, out->tag, &id, &why);
	if (rc == ERR_OK)
		rc = compare(e, &id, &l, out, &why);
	if (rc == ERR_OK)
		return ERR_OK;
	if (rc == ERR_CANCELLED || rc == ERR_NO_MEMORY) {
		*err = why;
		return rc;
	}
	return strv_addf(&out->told, err, "what was written since is not known: %s", why.msg);
}
