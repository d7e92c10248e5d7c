#include "catalog/stmt.h"

#include <stdlib.h>
#include <string.h>

enum err_code
stmt_failed(sqlite3 *db, int rc, const char *what, struct err *err)
{
	enum err_code code = ERR_IO;
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return err_nomem(err);
	case SQLITE_CONSTRAINT:
		code = ERR_EXISTS;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		code = ERR_CORRUPT;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = ERR_LOCKED;
		break;
	case SQLITE_READONLY:
		code = ERR_READ_ONLY;
		break;
	default:
		break;
	}
	return err_set(err, code, "catalogue: %s: %s", what, sqlite3_errmsg(db));
}

enum err_code
stmt_exec(sqlite3 *db, const char *text, struct err *err)
{
	int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	return rc == SQLITE_OK ? ERR_OK : stmt_failed(db, rc, "run a statement", err);
}

void
stmt_release(struct stmt *q)
{
	sqlite3_finalize(q->stmt);
	q->stmt = NULL;
}

enum err_code
stmt_prepare(struct stmt *q, sqlite3 *db, const char *text, struct err *err)
{
	*q = (struct stmt)STMT_INIT;
	int rc = sqlite3_prepare_v2(db, text, -1, &q->stmt, NULL);
	return rc == SQLITE_OK ? ERR_OK : stmt_failed(db, rc, "prepare a statement", err);
}

static void
note(struct stmt *q, int rc)
{
	if (q->failed == SQLITE_OK)
		q->failed = rc;
}

void
stmt_int(struct stmt *q, int64_t v)
{
	note(q, sqlite3_bind_int64(q->stmt, ++q->bound, v));
}

void
stmt_text(struct stmt *q, const char *s)
{
	note(q, sqlite3_bind_text(q->stmt, ++q->bound, s, -1, SQLITE_STATIC));
}

void
stmt_blob(struct stmt *q, const void *data, size_t len)
{
	note(q, sqlite3_bind_blob64(q->stmt, ++q->bound, data, len, SQLITE_STATIC));
}

void
stmt_null(struct stmt *q)
{
	note(q, sqlite3_bind_null(q->stmt, ++q->bound));
}

enum err_code
stmt_step(struct stmt *q, bool *row, struct err *err)
{
	sqlite3 *db = sqlite3_db_handle(q->stmt);
	if (q->failed != SQLITE_OK)
		return stmt_failed(db, q->failed, "bind a value", err);
	int rc = sqlite3_step(q->stmt);
	q->column = 0;
	*row = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE
		   ? ERR_OK
		   : stmt_failed(db, rc, "run a statement", err);
}

enum err_code
stmt_run(struct stmt *q, struct err *err)
{
	bool row;
	enum err_code rc = stmt_step(q, &row, err);
	sqlite3_reset(q->stmt);
	q->bound = 0;
	q->failed = SQLITE_OK;
	return rc;
}

int64_t
stmt_get_int(struct stmt *q)
{
	return sqlite3_column_int64(q->stmt, q->column++);
}

enum err_code
stmt_get_text(struct stmt *q, char **out, struct err *err)
{
	int i = q->column++;
	*out = NULL;
	if (sqlite3_column_type(q->stmt, i) == SQLITE_NULL)
		return ERR_OK;
	const unsigned char *text = sqlite3_column_text(q->stmt, i);
	*out = text != NULL ? strdup((const char *)text) : NULL;
	return *out != NULL ? ERR_OK : err_nomem(err);
}

size_t
stmt_get_blob(struct stmt *q, void *out, size_t cap)
{
	int i = q->column++;
	const void *data = sqlite3_column_blob(q->stmt, i);
	size_t len = (size_t)sqlite3_column_bytes(q->stmt, i);
	if (data != NULL)
		memcpy(out, data, len < cap ? len : cap);
	return len < cap ? len : cap;
}
