#include "db/sql_name.h"

#include "base/strv.h"

#include <string.h>

/* Where a kind of object is found, and how it is qualified. */
enum shape {
	ALONE, /* CREATE KIND name */
	ON_TABLE, /* CREATE KIND name ... ON table: said with its table */
	IN_SCHEMA_OF, /* CREATE INDEX name ON table: in the table's schema */
	BY_SHAPE, /* CREATE RULE name AS ON event TO table */
};

struct kind {
	const char *words[3]; /* as they follow CREATE and what may stand between */
	const char *title;
	enum shape shape;
	bool in_database; /* MySQL: qualified by the database in use */
};

static const struct kind kinds[] = {
	{ { "TABLE" }, "TABLE", ALONE, true },
	{ { "FOREIGN", "TABLE" }, "FOREIGN TABLE", ALONE, false },
	{ { "VIEW" }, "VIEW", ALONE, true },
	{ { "MATERIALIZED", "VIEW" }, "MATERIALIZED VIEW", ALONE, false },
	{ { "SEQUENCE" }, "SEQUENCE", ALONE, true },
	{ { "FUNCTION" }, "FUNCTION", ALONE, true },
	{ { "PROCEDURE" }, "PROCEDURE", ALONE, true },
	{ { "AGGREGATE", "FUNCTION" }, "FUNCTION", ALONE, true },
	{ { "AGGREGATE" }, "FUNCTION", ALONE, false },
	{ { "PACKAGE", "BODY" }, "PACKAGE BODY", ALONE, true },
	{ { "PACKAGE" }, "PACKAGE", ALONE, true },
	{ { "TYPE" }, "TYPE", ALONE, false },
	{ { "DOMAIN" }, "TYPE", ALONE, false },
	{ { "EVENT", "TRIGGER" }, "EVENT TRIGGER", ALONE, false },
	{ { "EVENT" }, "EVENT", ALONE, true },
	{ { "TRIGGER" }, "TRIGGER", ON_TABLE, false },
	{ { "POLICY" }, "POLICY", ON_TABLE, false },
	{ { "RULE" }, "RULE", BY_SHAPE, false },
	{ { "UNIQUE", "INDEX" }, "INDEX", IN_SCHEMA_OF, false },
	{ { "INDEX" }, "INDEX", IN_SCHEMA_OF, false },
	{ { "SCHEMA" }, "SCHEMA", ALONE, false },
	{ { "DATABASE" }, "DATABASE", ALONE, false },
	{ { "EXTENSION" }, "EXTENSION", ALONE, false },
	{ { "COLLATION" }, "COLLATION", ALONE, false },
	{ { "STATISTICS" }, "STATISTICS", ALONE, false },
	{ { "PUBLICATION" }, "PUBLICATION", ALONE, false },
	{ { "SUBSCRIPTION" }, "SUBSCRIPTION", ALONE, false },
	{ { "FOREIGN", "DATA", "WRAPPER" }, "FOREIGN DATA WRAPPER", ALONE, false },
	{ { "SERVER" }, "SERVER", ALONE, false },
	{ { "LANGUAGE" }, "LANGUAGE", ALONE, false },
	{ { "ROLE" }, "ROLE", ALONE, false },
	{ { "TABLESPACE" }, "TABLESPACE", ALONE, false },
};

static bool
is_plain(const char *part)
{
	for (const char *p = part; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '$' || c >= 0x80;
		if (!good)
			return false;
	}
	return *part != '\0';
}

enum err_code
sql_quote(struct buf *out, const char *name, char mark, struct err *err)
{
	const char marks[] = { mark, mark, '\0' };
	if (buf_str(out, marks + 1, err))
		return err->code;
	for (; *name != '\0'; name++)
		if (*name == mark ? buf_str(out, marks, err) : buf_add(out, name, 1, err))
			return err->code;
	return buf_str(out, marks + 1, err);
}

enum err_code
sql_name_part(struct buf *out, const char *part, struct err *err)
{
	if (is_plain(part))
		return buf_str(out, part, err);
	return sql_quote(out, part, '"', err);
}

enum err_code
sql_name_at(struct buf *out, const struct sql_head *h, size_t i, size_t *taken, struct err *err)
{
	size_t n = 0;
	*taken = 0;
	for (;;) {
		if (i + n >= h->count || h->tokens[i + n].kind == SQL_PUNCT)
			return ERR_OK;
		if ((n > 0 && buf_str(out, ".", err)) ||
		    sql_name_part(out, sql_text(h, i + n), err))
			return err->code;
		n++;
		*taken = n;
		if (!sql_is(h, i + n, "."))
			return ERR_OK;
		n++;
	}
}

/* Qualified by the database in use, unless the dump does it. */
static enum err_code
put_qualified(struct buf *out, const struct sql_head *h, size_t i, const char *database,
    size_t *taken, struct err *err)
{
	if (*database != '\0' && !sql_is(h, i + 1, ".") &&
	    (sql_name_part(out, database, err) || buf_str(out, ".", err)))
		return err->code;
	return sql_name_at(out, h, i, taken, err);
}

static bool
has_words(const struct sql_head *h, size_t i, const char *const words[3])
{
	for (size_t k = 0; k < 3 && words[k] != NULL; k++)
		if (!sql_is(h, i + k, words[k]))
			return false;
	return true;
}

static const struct kind *
kind_at(const struct sql_head *h, size_t i)
{
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		if (has_words(h, i, kinds[k].words))
			return &kinds[k];
	return NULL;
}

/* Behind CREATE: OR REPLACE, UNLOGGED, ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY ... up
 * to the words of a kind. */
static const struct kind *
find_kind(const struct sql_head *h, size_t *at, bool *has_algorithm)
{
	static const char *const unnamed[] = { "OPERATOR", "USER", "CAST", "TRANSFORM", "TEXT",
		"ACCESS" };
	*has_algorithm = false;
	for (size_t i = 0; i < ARRAY_LEN(unnamed); i++)
		if (sql_is(h, 1, unnamed[i]))
			return NULL;
	for (size_t i = 1; i < h->count && i < 32; i++) {
		const struct kind *k = kind_at(h, i);
		if (k != NULL) {
			*at = i;
			return k;
		}
		*has_algorithm = *has_algorithm || sql_is(h, i, "ALGORITHM");
		if (sql_is(h, i, "(") || sql_is(h, i, "AS"))
			break;
	}
	return NULL;
}

static size_t
words_of(const struct kind *k)
{
	size_t n = 0;
	while (n < 3 && k->words[n] != NULL)
		n++;
	return n;
}

/* The table behind ON or TO, whichever the kind has. */
static size_t
find_table(const struct sql_head *h, size_t from, const char *word)
{
	for (size_t i = from; i + 1 < h->count; i++)
		if (sql_is(h, i, word))
			return sql_is(h, i + 1, "ONLY") ? i + 2 : i + 1;
	return h->count;
}

static enum err_code
put_on_table(struct buf *out, const struct sql_head *h, size_t name, const char *word,
    const char *database, struct err *err)
{
	size_t taken;
	size_t table;
	if (sql_name_at(out, h, name, &taken, err))
		return err->code;
	table = find_table(h, name + taken, word);
	if (buf_str(out, " ON ", err))
		return err->code;
	return put_qualified(out, h, table, database, &taken, err);
}

/* "public.by_time" for an index by_time on public.orders. */
static enum err_code
put_in_schema(struct buf *out, const struct sql_head *h, size_t name, struct err *err)
{
	size_t taken;
	size_t table = find_table(h, name, "ON");
	if (sql_is(h, table + 1, ".") &&
	    (sql_name_part(out, sql_text(h, table), err) || buf_str(out, ".", err)))
		return err->code;
	return sql_name_at(out, h, name, &taken, err);
}

static enum err_code
put_created(struct buf *out, const struct sql_head *h, enum sql_dialect dialect,
    const char *database, struct err *err)
{
	size_t at;
	size_t taken;
	bool has_algorithm;
	const struct kind *k = find_kind(h, &at, &has_algorithm);
	if (k == NULL)
		return ERR_OK;
	/* mysqldump first makes a table or a view that only stands for the true one. */
	if (dialect == SQL_MYSQL && strcmp(k->title, "VIEW") == 0 && !has_algorithm)
		return ERR_OK;
	at += words_of(k);
	if (sql_is(h, at, "IF"))
		at += sql_is(h, at + 1, "NOT") ? 3 : 2;
	/* A trigger of MySQL lies in its table's database, which is the one in use. */
	bool in_use = dialect == SQL_MYSQL;
	if (buf_printf(out, err, "%s ", k->title))
		return err->code;
	switch (k->shape) {
	case ON_TABLE:
		return put_on_table(out, h, at, "ON", in_use ? database : "", err);
	case BY_SHAPE:
		return put_on_table(out, h, at, "TO", "", err);
	case IN_SCHEMA_OF:
		return put_in_schema(out, h, at, err);
	case ALONE:
		break;
	}
	return put_qualified(out, h, at, in_use && k->in_database ? database : "", &taken, err);
}

/* ALTER TABLE [ONLY] t ADD CONSTRAINT name; ALTER TABLE t ALTER COLUMN id ADD GENERATED ... AS
 * IDENTITY ( SEQUENCE NAME s */
static enum err_code
put_altered(struct buf *out, const struct sql_head *h, struct err *err)
{
	size_t table = sql_is(h, 2, "ONLY") ? 3 : 2;
	size_t taken;
	for (size_t i = table; i + 2 < h->count && i < 64; i++) {
		if (sql_is(h, i, "ADD") && sql_is(h, i + 1, "CONSTRAINT")) {
			if (buf_str(out, "CONSTRAINT ", err) ||
			    sql_name_part(out, sql_text(h, i + 2), err) ||
			    buf_str(out, " ON ", err))
				return err->code;
			return sql_name_at(out, h, table, &taken, err);
		}
		if (sql_is(h, i, "SEQUENCE") && sql_is(h, i + 1, "NAME")) {
			if (buf_str(out, "SEQUENCE ", err))
				return err->code;
			return sql_name_at(out, h, i + 2, &taken, err);
		}
	}
	return ERR_OK;
}

/* Large objects: lo_create makes one, lowrite and its like fill it. */
static enum err_code
put_called(struct buf *out, const struct sql_head *h, struct err *err)
{
	if (!sql_is(h, 1, "pg_catalog") || !sql_is(h, 2, "."))
		return ERR_OK;
	if (sql_is(h, 3, "lo_create"))
		return buf_str(out, "LARGE OBJECTS", err);
	if (sql_is(h, 3, "lo_open") || sql_is(h, 3, "lowrite"))
		return buf_str(out, SQL_LARGE_DATA, err);
	if (!sql_is(h, 3, "setval"))
		return ERR_OK;
	/* The name is quoted as in SQL. */
	return buf_printf(out, err, "SEQUENCE VALUE %s", sql_text(h, 5));
}

enum err_code
sql_object_name(struct buf *out, const struct sql_head *h, enum sql_dialect dialect,
    const char *database, struct err *err)
{
	size_t taken;
	if (sql_is(h, 0, "CREATE"))
		return put_created(out, h, dialect, database, err);
	if (dialect == SQL_MYSQL)
		return ERR_OK;
	if (sql_is(h, 0, "ALTER") && sql_is(h, 1, "TABLE"))
		return put_altered(out, h, err);
	if (sql_is(h, 0, "SELECT"))
		return put_called(out, h, err);
	if (sql_is(h, 0, "REFRESH") && sql_is(h, 1, "MATERIALIZED")) {
		if (buf_str(out, "MATERIALIZED VIEW DATA ", err))
			return err->code;
		return sql_name_at(out, h, 3, &taken, err);
	}
	return ERR_OK;
}

enum err_code
sql_altered_name(struct buf *out, const struct sql_head *h, struct err *err)
{
	size_t taken;
	const struct kind *k = kind_at(h, 1);
	if (k == NULL || k->shape == BY_SHAPE)
		return ERR_OK;
	size_t at = 1 + words_of(k);
	if (sql_is(h, at, "IF"))
		at += 2;
	at += sql_is(h, at, "ONLY");
	if (buf_printf(out, err, "%s ", k->title))
		return err->code;
	if (k->shape == ON_TABLE)
		return put_on_table(out, h, at, "ON", "", err);
	return sql_name_at(out, h, at, &taken, err);
}

enum err_code
sql_rows_name(struct buf *out, const struct sql_head *h, enum sql_dialect dialect,
    const char *database, struct err *err)
{
	size_t taken;
	size_t at = 1;
	if (dialect == SQL_MYSQL)
		while (at < h->count && h->tokens[at - 1].kind == SQL_WORD &&
		       !sql_is(h, at - 1, "INTO"))
			at++;
	return put_qualified(out, h, at, dialect == SQL_MYSQL ? database : "", &taken, err);
}
