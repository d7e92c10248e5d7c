/* The log of changes, of account.h. */
#include "catalog/account.h"
#include "catalog/catalog_impl.h"

#include <stdlib.h>

/* Years of changes, and of guesses at passwords as often as they are let. */
#define KEPT 200000

static enum err_code
drop_oldest(struct catalog *c, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db, "DELETE FROM audit WHERE id <= ?", err))
		return err->code;
	stmt_int(&q, sqlite3_last_insert_rowid(c->db) - KEPT);
	return stmt_run(&q, err);
}

static enum err_code
add(struct catalog *c, void *arg, struct err *err)
{
	const struct audit_entry *e = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"INSERT INTO audit (at_ns, who, whence, verb, subject, outcome)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		err))
		return err->code;
	stmt_int(&q, e->at_ns);
	stmt_text(&q, e->who);
	stmt_text(&q, e->whence);
	stmt_text(&q, e->verb);
	stmt_text(&q, e->subject);
	stmt_text(&q, e->outcome);
	return stmt_run(&q, err) ? err->code : drop_oldest(c, err);
}

enum err_code
audit_add(struct catalog *c, const struct audit_entry *e, struct err *err)
{
	struct audit_entry copy = *e;
	return catalog_transact(c, add, &copy, err);
}

struct listing {
	int64_t before;
	unsigned limit;
	audit_fn *fn;
	void *arg;
};

static enum err_code
list(struct catalog *c, void *arg, struct err *err)
{
	const struct listing *l = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"SELECT id, at_ns, who, whence, verb, subject, outcome FROM audit"
		" WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2",
		err))
		return err->code;
	stmt_int(&q, l->before);
	stmt_int(&q, l->limit);
	for (;;) {
		char *texts[5] = { NULL };
		bool row;
		if (stmt_step(&q, &row, err))
			return err->code;
		if (!row)
			return ERR_OK;
		struct audit_entry e = { .id = stmt_get_int(&q) };
		e.at_ns = stmt_get_int(&q);
		enum err_code rc = ERR_OK;
		for (int i = 0; i < 5 && rc == ERR_OK; i++)
			rc = stmt_get_text(&q, &texts[i], err);
		e.who = texts[0];
		e.whence = texts[1];
		e.verb = texts[2];
		e.subject = texts[3];
		e.outcome = texts[4];
		if (rc == ERR_OK)
			rc = l->fn(l->arg, &e, err);
		for (int i = 0; i < 5; i++)
			free(texts[i]);
		if (rc)
			return rc;
	}
}

enum err_code
audit_list(
    struct catalog *c, int64_t before, unsigned limit, audit_fn *fn, void *arg, struct err *err)
{
	struct listing l = { before, limit, fn, arg };
	return catalog_look(c, list, &l, err);
}
