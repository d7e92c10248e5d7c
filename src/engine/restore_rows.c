#include "engine/restore_rows.h"

#include "base/counted.h"

#include <string.h>

/* --- one table --- */

static enum err_code
add_change(struct buf *line, const char *verb, uint64_t n, const char *how, struct err *err)
{
	char rows[COUNTED_MAX];
	if (n == 0)
		return ERR_OK;
	return buf_printf(line, err, "%s%s %s%s", line->len > 0 ? ", " : "", verb,
	    counted(rows, n, "row"), how);
}

/* "removes 412 rows added since, brings back 3 rows, changes 9 rows" */
static enum err_code
describe(struct buf *line, const struct diff_table *t, struct err *err)
{
	char rows[COUNTED_MAX];
	if (t->state == DIFF_ADDED)
		return buf_printf(line, err, "removes the table, made since, with %s",
		    counted(rows, t->rows_after, "row"));
	if (t->state == DIFF_REMOVED)
		return buf_printf(line, err, "brings back the table, with %s",
		    counted(rows, t->rows_before, "row"));
	if (!t->is_counted)
		return buf_printf(line, err, "changes rows, it is not known how many");
	if (add_change(line, "removes", t->rows.added, " added since", err) ||
	    add_change(line, "brings back", t->rows.removed, "", err) ||
	    add_change(line, "changes", t->rows.changed, "", err))
		return err->code;
	return line->len > 0 ? ERR_OK : buf_printf(line, err, "changes its columns");
}

/* MySQL's names of tables begin with that of their database. */
static bool
names_database(const struct diff_table *t)
{
	size_t n = strlen(t->database);
	return n == 0 || (strncmp(t->table, t->database, n) == 0 && t->table[n] == '.');
}

enum err_code
restore_rows_line(struct strv *out, const struct diff_table *t, struct err *err)
{
	AUTO(bufv) struct buf what = BUF_INIT;
	if (t->state == DIFF_SAME)
		return ERR_OK;
	if (describe(&what, t, err))
		return err->code;
	const char *text = buf_cstr(&what);
	if (text == NULL)
		return err_nomem(err);
	bool is_told = names_database(t);
	return strv_addf(out, err, "databases/%s: %s%s%s: this %s", t->service, t->table,
	    is_told ? "" : " of ", is_told ? "" : t->database, text);
}

/* --- all --- */

static enum err_code
on_table(void *arg, const struct diff_table *t, struct err *err)
{
	struct restore_job *j = arg;
	return restore_rows_line(&j->preview.rows, t, err);
}

static enum err_code
on_unknown(void *arg, const char *service, const char *what, const char *why, struct err *err)
{
	struct restore_job *j = arg;
	return strv_addf(
	    &j->preview.rows, err, "databases/%s: %s: not known: %s", service, what, why);
}

static enum err_code
preview_one(struct restore_job *j, const char *service, struct err *err)
{
	static const struct diff_rows_ops ops = { .table = on_table, .unknown = on_unknown };
	struct diff_rows_options opt = { .service = service, .count = true, .stack = j->name };
	struct err why = ERR_INIT;
	size_t before = j->preview.rows.len;
	enum err_code rc = diff_rows_live(j->engine, &j->snapshot.id, &opt, &ops, j, &why);
	if (rc == ERR_CANCELLED || rc == ERR_NO_MEMORY) {
		*err = why;
		return rc;
	}
	if (rc != ERR_OK)
		return strv_addf(&j->preview.rows, err,
		    "databases/%s: not known which rows would be lost: %s", service, why.msg);
	if (j->preview.rows.len > before)
		return ERR_OK;
	return strv_addf(
	    &j->preview.rows, err, "databases/%s: no row differs from what is there", service);
}

enum err_code
restore_preview_rows(struct restore_job *j, struct err *err)
{
	if (j->now == NULL || j->now->n_containers == 0)
		return ERR_OK; /* there is no stack whose rows could be lost */
	for (size_t i = 0; i < j->n_databases; i++)
		if (preview_one(j, j->databases[i].service, err))
			return err->code;
	return ERR_OK;
}
