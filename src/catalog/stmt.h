/*
 * stmt.h: statements of SQLite, with this project's errors; for catalog/ only.
 *
 * A statement is prepared, bound from the left, stepped, and read:
 *
 *	AUTO(stmt) struct stmt q = STMT_INIT;
 *	if (stmt_prepare(&q, db, "SELECT name FROM user WHERE id = ?", err))
 *		return err->code;
 *	stmt_int(&q, id);
 *	while (stmt_step(&q, &row, err) == ERR_OK && row) ...
 *
 * What goes wrong while binding is kept and told by stmt_step.
 *
 * Ownership: texts bound must live until the step; columns read are the statement's
 *            until the next step.
 * Threads:   one at a time.
 * Errors:    ERR_EXISTS for a unique value that is taken, ERR_CORRUPT, ERR_LOCKED,
 *            ERR_NO_MEMORY, ERR_IO for the rest, a full disk among it.
 */
#ifndef CATALOG_STMT_H
#define CATALOG_STMT_H

#include "base/err.h"

#include <sqlite3.h>
#include <stdbool.h>

struct stmt {
	sqlite3_stmt *stmt;
	int bound;
	int failed; /* a code of SQLite's, of binding */
	int column;
};

#define STMT_INIT             \
	{                     \
		NULL, 0, 0, 0 \
	}

void stmt_release(struct stmt *q);
static inline void UNUSED
stmt_auto(struct stmt *q)
{
	stmt_release(q);
}

MUST_CHECK enum err_code stmt_prepare(
    struct stmt *q, sqlite3 *db, const char *text, struct err *err);
void stmt_int(struct stmt *q, int64_t v);
void stmt_text(struct stmt *q, const char *s); /* NULL binds null */
void stmt_blob(struct stmt *q, const void *data, size_t len);
void stmt_null(struct stmt *q);

/* *row: is there one to be read? */
MUST_CHECK enum err_code stmt_step(struct stmt *q, bool *row, struct err *err);
/* A statement that gives no rows; it may be bound anew afterwards. */
MUST_CHECK enum err_code stmt_run(struct stmt *q, struct err *err);

/* The row's next column. */
int64_t stmt_get_int(struct stmt *q);
/* A copy, or NULL for null. */
MUST_CHECK enum err_code stmt_get_text(struct stmt *q, char **out, struct err *err);
/* Its bytes, at most cap; the length. */
size_t stmt_get_blob(struct stmt *q, void *out, size_t cap);

/* Statements without values. */
MUST_CHECK enum err_code stmt_exec(sqlite3 *db, const char *text, struct err *err);
/* What SQLite says, as an error. */
enum err_code stmt_failed(sqlite3 *db, int rc, const char *what, struct err *err);

#endif
