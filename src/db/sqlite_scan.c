#include "db/sqlite_rows_impl.h"

#include "db/sql_name.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum err_code
sqlite_quote(struct buf *out, const char *name, struct err *err)
{
	return sql_quote(out, name, '"', err);
}

/* --- literals --- */

/* As row_text reads it: the quote doubled, backslash and NUL by a backslash. */
static enum err_code
put_text(struct buf *out, const uint8_t *text, size_t len, struct err *err)
{
	const uint8_t *end = text + len;
	if (buf_str(out, "'", err))
		return err->code;
	while (text < end) {
		const uint8_t *p = text;
		while (p < end && *p != '\'' && *p != '\\' && *p != '\0')
			p++;
		if (buf_add(out, text, (size_t)(p - text), err))
			return err->code;
		text = p + 1;
		if (p < end && buf_str(out,
				   *p == '\''   ? "''"
				   : *p == '\\' ? "\\\\"
						: "\\0",
				   err))
			return err->code;
	}
	return buf_str(out, "'", err);
}

static enum err_code
put_blob(struct buf *out, const uint8_t *data, size_t len, struct err *err)
{
	static const char digits[] = "0123456789ABCDEF";
	if (buf_str(out, "X'", err) || buf_reserve(out, 2 * len + 1, err))
		return err->code;
	for (size_t i = 0; i < len; i++) {
		out->data[out->len++] = (uint8_t)digits[data[i] >> 4];
		out->data[out->len++] = (uint8_t)digits[data[i] & 15];
	}
	return buf_str(out, "'", err);
}

/* The shortest text that means just this number, and is no integer's. */
static enum err_code
put_real(struct buf *out, double value, struct err *err)
{
	char text[40];
	if (isinf(value))
		return buf_str(out, value > 0 ? "9e999" : "-9e999", err);
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	bool is_plain = strpbrk(text, ".e") == NULL;
	return buf_printf(out, err, "%s%s", text, is_plain ? ".0" : "");
}

static enum err_code
put_value(const struct sqlite_scan *s, int column, struct buf *out, struct err *err)
{
	sqlite3_stmt *st = s->statement;
	switch (sqlite3_column_type(st, column)) {
	case SQLITE_INTEGER:
		return buf_printf(
		    out, err, "%lld", (long long)sqlite3_column_int64(st, column));
	case SQLITE_FLOAT:
		return put_real(out, sqlite3_column_double(st, column), err);
	case SQLITE_NULL:
		return buf_str(out, "NULL", err);
	default:
		break;
	}
	bool is_text = sqlite3_column_type(st, column) == SQLITE_TEXT;
	const uint8_t *data =
	    is_text ? sqlite3_column_text(st, column) : sqlite3_column_blob(st, column);
	size_t len = (size_t)sqlite3_column_bytes(st, column);
	/* An empty blob has no address. */
	if (data == NULL && (len > 0 || is_text))
		return err_nomem(err);
	return is_text ? put_text(out, data, len, err) : put_blob(out, data, len, err);
}

enum err_code
sqlite_scan_project(const struct sqlite_scan *s, const size_t *columns, size_t n,
    struct buf *out, struct err *err)
{
	/* In front of the shape's columns the statement has the rowid, where it is not one. */
	int first = s->table->rowid != NULL && !s->table->has_rowid_column ? 1 : 0;
	if (buf_str(out, "(", err))
		return err->code;
	for (size_t i = 0; i < n; i++) {
		size_t column = columns != NULL ? columns[i] : i;
		if ((i > 0 && buf_str(out, ",", err)) ||
		    put_value(s, first + (int)column, out, err))
			return err->code;
	}
	return buf_str(out, ")", err);
}

/* --- the statement --- */

static enum err_code
put_columns(const struct sqlite_table *t, struct buf *sql, struct err *err)
{
	size_t first = t->has_rowid_column ? 1 : 0;
	const char *comma = "";
	if (t->rowid != NULL) {
		if (buf_str(sql, t->rowid, err))
			return err->code;
		comma = ",";
	}
	for (size_t i = first; i < t->shape.column_count; i++) {
		if (buf_str(sql, comma, err) ||
		    sqlite_quote(sql, t->shape.columns[i].name, err))
			return err->code;
		comma = ",";
	}
	/* A table of generated columns alone. */
	return *comma == '\0' ? buf_str(sql, "NULL", err) : ERR_OK;
}

static enum err_code
prepare(struct sqlite_scan *s, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	const struct sqlite_table *t = s->table;
	if (buf_str(&sql, "SELECT ", err) || put_columns(t, &sql, err) ||
	    buf_str(&sql, " FROM main.", err) || sqlite_quote(&sql, t->shape.name, err) ||
	    buf_str(&sql, " NOT INDEXED", err))
		return err->code;
	if (s->skip != NULL && buf_printf(&sql, err, " WHERE %s BETWEEN ?1 AND ?2", t->rowid))
		return err->code;
	if (t->rowid != NULL && buf_printf(&sql, err, " ORDER BY %s", t->rowid))
		return err->code;
	int rc = sqlite3_prepare_v2(
	    sqlite_reader_db(s->rows->reader), buf_cstr(&sql), -1, &s->statement, NULL);
	return rc == SQLITE_OK ? ERR_OK : sqlite_reader_failed(s->rows->reader, rc, err);
}

enum err_code
sqlite_scan_open(struct sqlite_scan *s, struct sqlite_rows *r, const struct sqlite_table *t,
    const struct page_set *skip, struct err *err)
{
	*s = (struct sqlite_scan){ .rows = r, .table = t, .skip = skip };
	if (prepare(s, err))
		return err->code;
	s->has_range = skip == NULL;
	return skip == NULL ? ERR_OK : leaf_walk_init(&s->walk, &r->pages, t->root, err);
}

void
sqlite_scan_close(struct sqlite_scan *s)
{
	sqlite3_finalize(s->statement);
	leaf_walk_release(&s->walk);
	buf_release(&s->tuple);
	*s = (struct sqlite_scan){ .rows = NULL };
}

/* The next leaf that is not passed over. */
static enum err_code
next_range(struct sqlite_scan *s, struct err *err)
{
	struct sqlite_leaf leaf;
	bool got = true;
	do {
		if (leaf_walk_next(&s->walk, &leaf, &got, err))
			return err->code;
	} while (got && page_set_has(s->skip, leaf.page));
	s->at_end = !got;
	s->has_range = got;
	if (!got)
		return ERR_OK;
	sqlite3_reset(s->statement);
	sqlite3_bind_int64(s->statement, 1, leaf.first);
	sqlite3_bind_int64(s->statement, 2, leaf.last);
	return ERR_OK;
}

enum err_code
sqlite_scan_next(struct sqlite_scan *s, bool *got, struct err *err)
{
	*got = false;
	while (!s->at_end) {
		if (!s->has_range && next_range(s, err))
			return err->code;
		if (s->at_end)
			break;
		if (cancel_check(s->rows->bytes.cancel, err))
			return err->code;
		int rc = sqlite3_step(s->statement);
		if (rc == SQLITE_DONE) {
			s->has_range = false;
			s->at_end = s->skip == NULL;
			continue;
		}
		if (rc != SQLITE_ROW)
			return sqlite_reader_failed(s->rows->reader, rc, err);
		if (s->table->rowid != NULL)
			s->rowid = sqlite3_column_int64(s->statement, 0);
		s->tuple.len = 0;
		*got = true;
		return sqlite_scan_project(
		    s, NULL, s->table->shape.column_count, &s->tuple, err);
	}
	return ERR_OK;
}
