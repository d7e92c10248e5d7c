/*
 * One table of a server that runs (pick.h).
 *
 * All is one script for one psql, in one transaction, so that whatever ends it (an error, a
 * signal, the machine) leaves the server as it was.  Names are quoted, rows go through COPY;
 * nothing of either is ever part of a statement's words.
 */
#include "base/checksum.h"
#include "db/postgres_impl.h"

#include <inttypes.h>
#include <string.h>

#define SCRIPT_END "-- StackSnap script complete"
#define OLD_SCHEMA "stacksnap_old_"
/* pg_attribute.attgenerated, and OVERRIDING for COPY's sake. */
#define OLDEST 120000

/* How the rows of a dump are to be read. */
static const char begin_sql[] =
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

/* 'text', which standard_conforming_strings reads as it stands. */
static enum err_code
put_literal(struct buf *out, const char *text, struct err *err)
{
	if (buf_u8(out, '\'', err))
		return err->code;
	for (const char *p = text; *p != '\0'; p++)
		if ((*p == '\'' && buf_u8(out, '\'', err)) || buf_u8(out, (uint8_t)*p, err))
			return err->code;
	return buf_u8(out, '\'', err);
}

/* "schema"."table", of a name of the census; the last part alone with another schema. */
static enum err_code
put_name(struct buf *out, const char *name, const char *schema, struct err *err)
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

static enum err_code
put_end(struct buf *out, struct err *err)
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

/* 'table'::regclass */
static enum err_code
put_regclass(struct buf *out, const char *table, struct err *err)
{
	if (put_literal(out, table, err))
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

static enum err_code
put_checks(struct buf *out, const char *table, struct err *err)
{
	AUTO(bufv) struct buf class = BUF_INIT;
	if (put_regclass(&class, table, err))
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
static enum err_code
put_emptying(struct buf *out, const char *table, struct err *err)
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
	    put_literal(head, text, err) || buf_str(head, ";\n", err) ||
	    put_emptying(head, table, err))
		return err->code;
	return put_checks(tail, table, err);
}

enum err_code
pg_pick_script(const struct db_pick *pick, const char *side, struct buf *head, struct buf *tail,
    struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (put_name(&name, pick->table, pick->into, err))
		return err->code;
	const char *table = buf_cstr(&name);
	if (table == NULL)
		return err_nomem(err);
	if (buf_str(head, begin_sql, err) || buf_str(tail, "\\.\n", err))
		return err->code;
	if (pick->into != NULL ? script_beside(pick, table, head, tail, err)
			       : script_in_place(pick, table, side, head, tail, err))
		return err->code;
	if (put_copy(head, table, pick->shape, err) || put_count(tail, table, pick->rows, err))
		return err->code;
	return put_end(tail, err);
}

/* --- head, rows, tail as one dump --- */

struct script_source {
	struct dump_source base;
	const struct buf *head;
	struct dump_source *rows; /* NULL: none */
	const struct buf *tail;
	size_t at; /* in head, then in tail */
	int stage; /* 0 head, 1 rows, 2 tail */
};

static enum err_code
script_open(struct dump_source *src, const char *name, struct err *err)
{
	struct script_source *s = (struct script_source *)src;
	s->at = 0;
	s->stage = 0;
	return s->rows != NULL ? s->rows->ops->open(s->rows, name, err) : ERR_OK;
}

static size_t
take(const struct buf *b, size_t *at, void *out, size_t len)
{
	size_t n = min_size(len, b->len - *at);
	if (n > 0)
		memcpy(out, b->data + *at, n);
	*at += n;
	return n;
}

static enum err_code
script_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	struct script_source *s = (struct script_source *)src;
	*got = 0;
	if (s->stage == 0) {
		*got = take(s->head, &s->at, out, len);
		if (*got > 0)
			return ERR_OK;
		s->stage = s->rows != NULL ? 1 : 2;
		s->at = 0;
	}
	if (s->stage == 1) {
		if (s->rows->ops->read(s->rows, out, len, got, err))
			return err->code;
		if (*got > 0)
			return ERR_OK;
		s->stage = 2;
	}
	*got = take(s->tail, &s->at, out, len);
	return ERR_OK;
}

static void
script_close(struct dump_source *src)
{
	struct script_source *s = (struct script_source *)src;
	if (s->rows != NULL)
		s->rows->ops->close(s->rows);
}

static const struct dump_source_ops script_ops = {
	.open = script_open,
	.read = script_read,
	.close = script_close,
};

static enum err_code
run_script(struct postgres *p, const char *database, struct dump_source *rows,
    const struct buf *head, const struct buf *tail, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	struct run_spec spec;
	struct script_source s = { { &script_ops }, head, rows, tail, 0, 0 };
	/* As for questions: what is put back must reach the disk before it is told. */
	if (pg_client(p, database, PG_FOR_QUESTIONS, &argv, &env, &spec, err))
		return err->code;
	return dump_feed(p->base.t, &s.base, "the table", &spec, SCRIPT_END, err);
}

/* --- questions --- */

/* The server's answer, one text a line, each in hexadecimal. */
static enum err_code
ask_texts(struct session *s, const char *sql, struct strv *out, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s, sql, &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	char *text = (char *)answer.data;
	char *row[1];
	while (session_row(&text, row, 1)) {
		AUTO(str) char *one = NULL;
		if (session_unhex(&one, row[0], err) || strv_add(out, one, err))
			return err->code;
	}
	return ERR_OK;
}

#define HEX(x) "SELECT pg_catalog.encode(pg_catalog.convert_to(" x ", 'UTF8'), 'hex') "

/* Ask with the table's 'name'::regclass in each %1$s. */
static enum err_code
ask_of_table(struct session *s, const char *format_sql, const char *table, struct strv *out,
    struct err *err)
{
	AUTO(bufv) struct buf class = BUF_INIT;
	AUTO(bufv) struct buf sql = BUF_INIT;
	if (put_literal(&class, table, err))
		return err->code;
	const char *c = buf_cstr(&class);
	if (c == NULL)
		return err_nomem(err);
	for (const char *p = format_sql; *p != '\0'; p++)
		if (*p == '@' ? buf_str(&sql, c, err) : buf_u8(&sql, (uint8_t)*p, err))
			return err->code;
	const char *text = buf_cstr(&sql);
	return text != NULL ? ask_texts(s, text, out, err) : err_nomem(err);
}

static const char exists_sql[] = HEX("c.relkind::text") "FROM pg_catalog.pg_class c WHERE "
							"c.oid = pg_catalog.to_regclass(@);";
static const char columns_sql[] =
    HEX("attname::text") "FROM pg_catalog.pg_attribute WHERE "
			 "attrelid = pg_catalog.to_regclass(@) AND attnum > 0 AND NOT "
			 "attisdropped AND "
			 "attgenerated = '' ORDER BY attnum;";
static const char partial_keys_sql[] = HEX(
    "conname::text") "FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conparentid <> 0 "
		     "AND (conrelid = pg_catalog.to_regclass(@) OR confrelid = "
		     "pg_catalog.to_regclass(@));";
static const char dependants_sql[] =
    HEX("'foreign key ' || conname || CASE WHEN conrelid = pg_catalog.to_regclass(@) THEN ' to "
	"' || "
	"confrelid::pg_catalog.regclass ELSE ' of ' || conrelid::pg_catalog.regclass END || "
	"' is checked again'") "FROM pg_catalog.pg_constraint WHERE contype = 'f' AND "
			       "(conrelid = pg_catalog.to_regclass(@) OR "
			       "confrelid = pg_catalog.to_regclass(@)) UNION ALL " HEX(
				   "CASE v.relkind WHEN 'm' THEN 'materialised view ' || "
				   "v.oid::pg_catalog.regclass || "
				   "' keeps what it has until it is refreshed' ELSE 'view ' || "
				   "v.oid::pg_catalog.regclass || "
				   "' shows the other rows' END") "FROM (SELECT DISTINCT "
								  "r.ev_class FROM "
								  "pg_catalog.pg_depend d JOIN "
								  "pg_catalog.pg_rewrite r ON "
								  "r.oid = d.objid WHERE "
								  "d.classid = "
								  "'pg_catalog.pg_rewrite'::pg_"
								  "catalog.regclass AND "
								  "d.refobjid = "
								  "pg_catalog.to_regclass(@) "
								  "AND r.ev_class <> "
								  "d.refobjid) x JOIN "
								  "pg_catalog.pg_class v ON "
								  "v.oid = x.ev_class UNION "
								  "ALL " HEX("'trigger ' || "
									     "tgname || ' is "
									     "not run for "
									     "them'") "FROM "
										      "pg_"
										      "catalog."
										      "pg_"
										      "trigger "
										      "WHERE "
										      "tgrelid "
										      "= "
										      "pg_"
										      "catalog."
										      "to_"
										      "regclass"
										      "(@) AND "
										      "NOT "
										      "tgisinte"
										      "rnal;";
static const char super_sql[] = HEX("rolsuper::text") "FROM pg_catalog.pg_roles WHERE "
						      "rolname = current_user;";

/* "a, b, c" */
static enum err_code
missing_of(struct buf *out, const struct strv *all, const struct strv *in, struct err *err)
{
	for (size_t i = 0; i < all->len; i++)
		if (!strv_has(in, all->items[i]) &&
		    buf_printf(out, err, "%s%s", out->len > 0 ? ", " : "", all->items[i]))
			return err->code;
	return ERR_OK;
}

static enum err_code
check_columns(struct session *s, const struct db_pick *pick, const char *table, struct err *err)
{
	AUTO(strv) struct strv live = STRV_INIT;
	AUTO(strv) struct strv stored = STRV_INIT;
	AUTO(bufv) struct buf gone = BUF_INIT;
	AUTO(bufv) struct buf fresh = BUF_INIT;
	for (size_t i = 0; i < pick->shape->column_count; i++)
		if (strv_add(&stored, pick->shape->columns[i].name, err))
			return err->code;
	if (ask_of_table(s, columns_sql, table, &live, err) ||
	    missing_of(&gone, &stored, &live, err) || missing_of(&fresh, &live, &stored, err))
		return err->code;
	if (gone.len == 0 && fresh.len == 0)
		return ERR_OK;
	const char *a = gone.len > 0 ? buf_cstr(&gone) : "none";
	const char *b = fresh.len > 0 ? buf_cstr(&fresh) : "none";
	return err_set(err, ERR_USAGE,
	    "%s has other columns now (no longer there: %s; new: %s): put the rows beside it "
	    "with "
	    "--into, and take from there what you need",
	    pick->table, a != NULL ? a : "?", b != NULL ? b : "?");
}

static enum err_code
look_in_place(struct session *s, const struct db_pick *pick, const char *table,
    struct strv *told, struct err *err)
{
	AUTO(strv) struct strv kind = STRV_INIT;
	AUTO(strv) struct strv super = STRV_INIT;
	AUTO(strv) struct strv keys = STRV_INIT;
	if (ask_of_table(s, exists_sql, table, &kind, err) ||
	    ask_texts(s, super_sql, &super, err))
		return err->code;
	if (kind.len == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "there is no table %s any more: put its rows beside the others with --into",
		    pick->table);
	if (strcmp(kind.items[0], "r") != 0)
		return err_set(err, ERR_USAGE, "%s is no plain table any more", pick->table);
	if (super.len == 0 || strcmp(super.items[0], "true") != 0)
		return err_set(err, ERR_DENIED,
		    "only a superuser may exchange rows without firing triggers: use --into");
	if (ask_of_table(s, partial_keys_sql, table, &keys, err))
		return err->code;
	if (keys.len > 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s is a part of a partitioned table with foreign keys (%s), which cannot "
		    "be "
		    "checked for it alone: use --into",
		    pick->table, keys.items[0]);
	if (check_columns(s, pick, table, err))
		return err->code;
	return ask_of_table(s, dependants_sql, table, told, err);
}

static enum err_code
look_beside(struct session *s, const char *table, struct strv *told, struct err *err)
{
	AUTO(strv) struct strv kind = STRV_INIT;
	if (ask_of_table(s, exists_sql, table, &kind, err))
		return err->code;
	if (kind.len > 0)
		return err_set(
		    err, ERR_EXISTS, "there is a table %s already: give another --into", table);
	return strv_addf(told, err,
	    "%s gets columns, rows and key alone: no defaults, indexes, foreign keys, triggers "
	    "or "
	    "grants",
	    table);
}

static enum err_code
look(struct postgres *p, const struct db_pick *pick, const char *table, struct strv *told,
    struct err *err)
{
	AUTO(session) struct session *s = NULL;
	if (pg_session(p, pick->database, &s, err))
		return err->code;
	return pick->into != NULL ? look_beside(s, table, told, err)
				  : look_in_place(s, pick, table, told, err);
}

/* --- what was replaced --- */

/* The table of ours that keeps a table's old rows: names may be too long to be joined. */
static void
side_name(char out[32], const char *table)
{
	snprintf(out, 32, "rows_%016" PRIx64, checksum_of(table, strlen(table), 0));
}

/* "stacksnap_old_1a2b3c4d"."rows_…", the newest that there is. */
static enum err_code
find_side(struct postgres *p, const struct db_pick *pick, struct buf *schema, struct buf *side,
    struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(strv) struct strv found = STRV_INIT;
	char name[32];
	side_name(name, pick->table);
	if (pg_session(p, pick->database, &s, err) ||
	    ask_of_table(s,
		HEX("n.nspname::text") "FROM pg_catalog.pg_class c JOIN "
				       "pg_catalog.pg_namespace n ON "
				       "n.oid = c.relnamespace WHERE c.relname = @ AND "
				       "n.nspname ~ '^" OLD_SCHEMA
				       "[0-9a-f]{8}$' ORDER BY c.oid DESC LIMIT 1;",
		name, &found, err))
		return err->code;
	if (found.len == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "no rows of %s in database %s were replaced, or this is settled already",
		    pick->table, pick->database);
	if (pg_quote(schema, found.items[0], err) || pg_quote(side, found.items[0], err) ||
	    buf_printf(side, err, ".\"%s\"", name) || buf_cstr(schema) == NULL ||
	    buf_cstr(side) == NULL)
		return err->code != ERR_OK ? err->code : err_nomem(err);
	return ERR_OK;
}

/* The schema goes with its last table. */
static enum err_code
put_drop(struct buf *out, const char *schema, const char *side, struct err *err)
{
	if (buf_printf(out, err,
		"DROP TABLE %s;\n"
		"SELECT pg_catalog.format('DROP SCHEMA %%s', n.oid::pg_catalog.regnamespace) "
		"FROM "
		"pg_catalog.pg_namespace n WHERE n.oid = ",
		side) ||
	    put_literal(out, schema, err))
		return err->code;
	return buf_str(out,
	    "::pg_catalog.regnamespace AND NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE "
	    "relnamespace = n.oid)\\gexec\n",
	    err);
}

/* All columns but those that are made of others. */
static enum err_code
put_back(struct buf *out, const char *table, const char *side, struct err *err)
{
	if (buf_str(out,
		"SELECT pg_catalog.format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT "
		"%s FROM "
		"%s', ",
		err) ||
	    put_literal(out, table, err) || buf_str(out, ", x.columns, x.columns, ", err) ||
	    put_literal(out, side, err) ||
	    buf_str(out,
		") FROM (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' "
		"ORDER "
		"BY attnum) AS columns FROM pg_catalog.pg_attribute WHERE attrelid = ",
		err) ||
	    put_regclass(out, table, err))
		return err->code;
	return buf_str(
	    out, " AND attnum > 0 AND NOT attisdropped AND attgenerated = '') x\\gexec\n", err);
}

static enum err_code
settle(struct postgres *p, const struct db_pick *pick, const char *table, struct err *err)
{
	AUTO(bufv) struct buf schema = BUF_INIT;
	AUTO(bufv) struct buf side = BUF_INIT;
	AUTO(bufv) struct buf sql = BUF_INIT;
	static const struct buf nothing = BUF_INIT;
	if (find_side(p, pick, &schema, &side, err))
		return err->code;
	const char *s = buf_cstr(&side);
	if (buf_str(&sql, begin_sql, err))
		return err->code;
	if (pick->verb == PICK_UNDO &&
	    (buf_printf(&sql, err, "LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE;\n", table) ||
		put_emptying(&sql, table, err) || put_back(&sql, table, s, err) ||
		put_checks(&sql, table, err)))
		return err->code;
	if (put_drop(&sql, buf_cstr(&schema), s, err) || put_end(&sql, err))
		return err->code;
	return run_script(p, pick->database, NULL, &sql, &nothing, err);
}

static enum err_code
put(struct postgres *p, const struct db_pick *pick, struct err *err)
{
	AUTO(bufv) struct buf head = BUF_INIT;
	AUTO(bufv) struct buf tail = BUF_INIT;
	AUTO(str) char *side = NULL;
	char name[32];
	side_name(name, pick->table);
	if (str_printf(&side, err, "\"" OLD_SCHEMA "%s\".\"%s\"", pick->tag, name) ||
	    pg_pick_script(pick, side, &head, &tail, err))
		return err->code;
	return run_script(p, pick->database, pick->source, &head, &tail, err);
}

enum err_code
postgres_pick(
    struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(session) struct session *first = NULL;
	AUTO(bufv) struct buf name = BUF_INIT;
	if (pg_find_login(p, err) || pg_first_session(p, &first, err))
		return err->code;
	AUTO(str) char *version = NULL;
	if (session_ask_line(first, "SHOW server_version_num;", &version, err))
		return err->code;
	if (strtol(version, NULL, 10) < OLDEST)
		return err_set(err, ERR_UNSUPPORTED,
		    "single tables can be put back into PostgreSQL 12 and later");
	if (put_name(&name, pick->table, pick->verb <= PICK_PUT ? pick->into : NULL, err))
		return err->code;
	const char *table = buf_cstr(&name);
	if (table == NULL)
		return err_nomem(err);
	switch (pick->verb) {
	case PICK_LOOK:
		return look(p, pick, table, told, err);
	case PICK_PUT:
		return put(p, pick, err);
	default:
		return settle(p, pick, table, err);
	}
}
