/* The words around the rows (postgres_pick_impl.h). */
#include "db/postgres_pick_impl.h"

#include <inttypes.h>
#include <string.h>

/* How the rows of a dump are to be read. */
const char pg_pick_begin[] =
    "BEGIN;\n"
    "SELECT pg_catalog.set_config('search_path', '', true);\n"
    "SELECT pg_catalog.set_config('client_encoding', pg_catalog.pg_encoding_to_char(encoding), "
    "true) FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database();\n"
    "SET LOCAL standard_conforming_strings = on;\n"
    "SET LOCAL datestyle = ISO;\n"
    "SET LOCAL intervalstyle = postgres;\n"
    "SET LOCAL row_security = off;\n"
    "SET LOCAL statement_timeout = 0;\n"
    "SET LOCAL lock_timeout = '60s';\n";

enum err_code
pg_put_literal(struct buf *out, const char *text, struct err *err)
{
	if (buf_u8(out, '\'', err))
		return err->code;
	for (const char *p = text; *p != '\0'; p++)
		if ((*p == '\'' && buf_u8(out, '\'', err)) || buf_u8(out, (uint8_t)*p, err))
			return err->code;
	return buf_u8(out, '\'', err);
}

enum err_code
pg_put_name(struct buf *out, const char *name, const char *schema, struct err *err)
{
	AUTO(strv) struct strv parts = STRV_INIT;
	if (pick_split_name(&parts, name, err))
		return err->code;
	if (parts.len != 2)
		return err_set(err, ERR_USAGE,
		    "%s is no table: give schema and name, public.orders", name);
	if (pg_quote(out, schema != NULL ? schema : parts.items[0], err) ||
	    buf_u8(out, '.', err) || pg_quote(out, parts.items[1], err))
		return err->code;
	return ERR_OK;
}

static enum err_code
put_columns(struct buf *out, const struct shape *s, struct err *err)
{
	for (size_t i = 0; i < s->column_count; i++)
		if ((i > 0 && buf_str(out, ", ", err)) ||
		    pg_quote(out, s->columns[i].name, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
put_copy(struct buf *out, const char *table, const struct shape *s, struct err *err)
{
	if (buf_printf(out, err, "COPY %s (", table) || put_columns(out, s, err))
		return err->code;
	return buf_str(out, ") FROM stdin;\n", err);
}

/* An error that says so unless the table has so many rows. */
static enum err_code
put_count(struct buf *out, const char *table, uint64_t rows, struct err *err)
{
	return buf_printf(out, err,
	    "SELECT CASE WHEN count(*) = %" PRIu64 " THEN 0 ELSE ('%" PRIu64
	    " rows were backed up, here are ' || count(*))::pg_catalog.int4 END FROM ONLY "
	    "%s;\n",
	    rows, rows, table);
}

enum err_code
pg_put_end(struct buf *out, struct err *err)
{
	return buf_str(out, "COMMIT;\n" SCRIPT_END "\n", err);
}

/* --- beside --- */

static enum err_code
put_table(struct buf *out, const char *table, const struct shape *s, struct err *err)
{
	if (buf_printf(out, err, "CREATE TABLE %s (", table))
		return err->code;
	for (size_t i = 0; i < s->column_count; i++) {
		const struct shape_column *c = &s->columns[i];
		if (c->type[0] == '\0')
			return err_set(err, ERR_UNSUPPORTED,
			    "the type of column %s is not known", c->name);
		if (buf_str(out, i > 0 ? ",\n\t" : "\n\t", err) ||
		    pg_quote(out, c->name, err) ||
		    buf_printf(out, err, " %s%s", c->type, c->is_not_null ? " NOT NULL" : ""))
			return err->code;
	}
	return buf_str(out, "\n);\n", err);
}

static enum err_code
put_key(struct buf *out, const char *table, const struct shape *s, struct err *err)
{
	if (s->key_count == 0)
		return ERR_OK;
	if (buf_printf(out, err, "ALTER TABLE %s ADD PRIMARY KEY (", table))
		return err->code;
	for (size_t i = 0; i < s->key_count; i++)
		if ((i > 0 && buf_str(out, ", ", err)) ||
		    pg_quote(out, s->columns[s->key[i]].name, err))
			return err->code;
	return buf_str(out, ");\n", err);
}

static enum err_code
script_beside(const struct db_pick *pick, const char *table, struct buf *head, struct buf *tail,
    struct err *err)
{
	if (buf_str(head, "CREATE SCHEMA IF NOT EXISTS ", err) ||
	    pg_quote(head, pick->into, err) || buf_str(head, ";\n", err) ||
	    put_table(head, table, pick->shape, err))
		return err->code;
	return put_key(tail, table, pick->shape, err);
}

/* --- in place --- */

enum err_code
pg_put_regclass(struct buf *out, const char *table, struct err *err)
{
	if (pg_put_literal(out, table, err))
		return err->code;
	return buf_str(out, "::pg_catalog.regclass", err);
}

/* Foreign keys are not looked at while rows are exchanged, so they are made anew: this reads
 * all rows, and fails by name for the first that has no partner. */
static const char keys_sql[] =
    "SELECT pg_catalog.format('ALTER TABLE %%s DROP CONSTRAINT %%I, ADD CONSTRAINT %%I %%s', "
    "conrelid::pg_catalog.regclass, conname, conname, pg_catalog.pg_get_constraintdef(oid)) "
    "FROM pg_catalog.pg_constraint WHERE contype = 'f' AND convalidated AND "
    "(conrelid = %s OR confrelid = %s)\\gexec\n";

/* A sequence is never set back. */
static const char sequences_sql[] =
    "SELECT pg_catalog.format('SELECT pg_catalog.setval(%%L, GREATEST((SELECT "
    "max(%%I)::pg_catalog.int8 FROM ONLY %%s), (SELECT last_value FROM %%s)))', "
    "s.oid::pg_catalog.regclass, a.attname, a.attrelid::pg_catalog.regclass, "
    "s.oid::pg_catalog.regclass) FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON "
    "s.oid = d.objid AND s.relkind = 'S' JOIN pg_catalog.pg_attribute a ON "
    "a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE "
    "d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND "
    "d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = %s AND "
    "d.deptype IN ('a', 'i')\\gexec\n";

enum err_code
pg_put_checks(struct buf *out, const char *table, struct err *err)
{
	AUTO(bufv) struct buf class = BUF_INIT;
	if (pg_put_regclass(&class, table, err))
		return err->code;
	const char *c = buf_cstr(&class);
	if (c == NULL)
		return err_nomem(err);
	if (buf_printf(out, err, keys_sql, c, c))
		return err->code;
	return buf_printf(out, err, sequences_sql, c);
}

/* Rows go without triggers and keys: those of the application have had their effect when the
 * rows were new. */
enum err_code
pg_put_emptying(struct buf *out, const char *table, struct err *err)
{
	return buf_printf(out, err,
	    "SET LOCAL session_replication_role = replica;\nDELETE FROM ONLY %s;\n", table);
}

static enum err_code
script_in_place(const struct db_pick *pick, const char *table, const char *side,
    struct buf *head, struct buf *tail, struct err *err)
{
	AUTO(bufv) struct buf comment = BUF_INIT;
	if (buf_printf(&comment, err,
		"StackSnap: the rows of %s that snapshot %s has replaced; 'stacksnap restore "
		"undo' "
		"puts them back, 'stacksnap restore finish' removes them",
		pick->table, pick->tag))
		return err->code;
	const char *text = buf_cstr(&comment);
	if (text == NULL)
		return err_nomem(err);
	if (buf_printf(head, err, "LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE;\n", table) ||
	    buf_printf(head, err,
		"CREATE SCHEMA IF NOT EXISTS \"" OLD_SCHEMA "%s\";\n"
		"CREATE TABLE %s AS SELECT * FROM ONLY %s;\n"
		"COMMENT ON TABLE %s IS ",
		pick->tag, side, table, side) ||
	    pg_put_literal(head, text, err) || buf_str(head, ";\n", err) ||
	    pg_put_emptying(head, table, err))
		return err->code;
	return pg_put_checks(tail, table, err);
}

enum err_code
pg_pick_script(const struct db_pick *pick, const char *side, struct buf *head, struct buf *tail,
    struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (pg_put_name(&name, pick->table, pick->into, err))
		return err->code;
	const char *table = buf_cstr(&name);
	if (table == NULL)
		return err_nomem(err);
	if (buf_str(head, pg_pick_begin, err) || buf_str(tail, "\\.\n", err))
		return err->code;
	if (pick->into != NULL ? script_beside(pick, table, head, tail, err)
			       : script_in_place(pick, table, side, head, tail, err))
		return err->code;
	if (put_copy(head, table, pick->shape, err) || put_count(tail, table, pick->rows, err))
		return err->code;
	return pg_put_end(tail, err);
}
