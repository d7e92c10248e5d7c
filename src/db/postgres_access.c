/*
 * What an account may do on a PostgreSQL server: asked of the server's own
 * has_..._privilege functions, database by database.
 */
#include "db/postgres_impl.h"

#include <string.h>

#define OF_USERS                                                                  \
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "          \
	"WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> " \
	"'information_schema' "
#define NAME(what, text) "encode(convert_to(format('" what "', " text "), 'UTF8'), 'hex')"

/*
 * pg_dump reads tables and sequences, and large objects.  Row security that
 * holds for the account makes it fail.  What belongs to extensions is theirs.
 */
static const char unreadable_sql[] = "SELECT " NAME("%s %s.%s",
    "CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, "
    "n.nspname, c.relname") " " OF_USERS "AND c.relkind IN ('r', 'p', 'S') AND NOT EXISTS "
			    "(SELECT 1 FROM pg_depend d WHERE "
			    "d.classid = 'pg_class'::regclass AND d.objid = c.oid AND "
			    "d.deptype = 'e') "
			    "AND (NOT has_schema_privilege(n.oid, 'USAGE') OR NOT CASE WHEN "
			    "c.relkind = 'S' THEN "
			    "has_sequence_privilege(c.oid, 'SELECT') ELSE "
			    "has_table_privilege(c.oid, 'SELECT') END) "
			    "ORDER BY n.nspname, c.relname;\n"
			    "SELECT " NAME("rows of table %s.%s, which row security hides,",
				"n.nspname, c.relname") " " OF_USERS
							"AND c.relkind IN ('r', 'p') AND CASE "
							"WHEN has_schema_privilege(n.oid, "
							"'USAGE') THEN "
							"row_security_active(c.oid) ELSE false "
							"END ORDER BY n.nspname, c.relname;\n"
							"SELECT " NAME("large object %s",
							    "oid") " FROM "
								   "pg_largeobject_metadata "
								   "WHERE NOT "
								   "pg_has_role(lomowner, "
								   "'USAGE') AND NOT (SELECT "
								   "rolsuper FROM pg_roles "
								   "WHERE rolname = "
								   "current_user) AND NOT "
								   "EXISTS (SELECT 1 FROM "
								   "aclexplode(lomacl) a WHERE "
								   "a.privilege_type = "
								   "'SELECT' AND (a.grantee = "
								   "0 OR "
								   "pg_has_role(a.grantee, "
								   "'USAGE')));";

static const char writable_sql[] = "SELECT count(*), " NAME("%s",
    "coalesce(min(format('%s.%s', n.nspname, c.relname)), "
    "'')") " " OF_USERS
	   "AND c.relkind IN ('r', 'p') AND has_schema_privilege(n.oid, 'USAGE') AND "
	   "has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE');";

static enum err_code
note_unreadable(
    struct session *s, const struct pg_database *d, struct db_access *out, struct err *err)
{
	AUTO(strv) struct strv all = STRV_INIT;
	if (session_ask_texts(s, unreadable_sql, &all, err))
		return err->code;
	out->fatal_count += all.len;
	for (size_t i = 0; i < all.len; i++)
		if (db_access_unreadable(out, err, "%s of database %s", all.items[i], d->name))
			return err->code;
	return ERR_OK;
}

static enum err_code
note_writable(
    struct session *s, const struct pg_database *d, struct db_access *out, struct err *err)
{
	AUTO(str) char *line = NULL;
	AUTO(str) char *first = NULL;
	char *row[2];
	if (session_ask_line(s, writable_sql, &line, err))
		return err->code;
	char *text = line;
	if (!session_row(&text, row, 2))
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer to the question for privileges");
	if (strcmp(row[0], "0") == 0)
		return ERR_OK;
	if (session_unhex(&first, row[1], err))
		return err->code;
	bool is_one = strcmp(row[0], "1") == 0;
	return db_access_writes(out, err, "may write to %s table%s of database %s%s%s", row[0],
	    is_one ? "" : "s", d->name, is_one ? ": " : ", among them ", first);
}

static enum err_code
look_at_database(const struct postgres *p, const struct pg_database *d, struct db_access *out,
    struct err *err)
{
	AUTO(session) struct session *s = NULL;
	if (pg_session(p, d->name, &s, err) || note_unreadable(s, d, out, err))
		return err_wrap(err, "database %s", d->name);
	/* What a superuser may is known. */
	if (out->may_write)
		return ERR_OK;
	return note_writable(s, d, out, err);
}

static enum err_code
note_role(const struct postgres *p, struct db_access *out, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(str) char *line = NULL;
	char *row[3];
	if (pg_session(p, p->maintenance, &s, err) ||
	    session_ask_line(s,
		"SELECT rolsuper::int, rolcreaterole::int, rolcreatedb::int FROM pg_roles "
		"WHERE rolname = current_user;",
		&line, err))
		return err->code;
	char *text = line;
	if (!session_row(&text, row, 3))
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer to the question for a role");
	if (row[0][0] == '1')
		return db_access_writes(out, err, "is a superuser");
	if (row[1][0] == '1')
		return db_access_writes(out, err, "may make roles");
	return row[2][0] == '1' ? db_access_writes(out, err, "may make databases") : ERR_OK;
}

/* --- how to make one that may only read --- */

/* Before pg_read_all_data (version 14) rights are given schema by schema. */
static enum err_code
add_grants(
    const struct postgres *p, const struct pg_database *d, struct strv *to, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(bufv) struct buf quoted = BUF_INIT;
	if (pg_quote(&quoted, d->name, err) ||
	    strv_addf(to, err, "\\connect %s", buf_cstr(&quoted)))
		return err->code;
	if (pg_session(p, d->name, &s, err) ||
	    session_ask_texts(s,
		"SELECT encode(convert_to(q.line, 'UTF8'), 'hex') FROM (SELECT n.nspname, 1 AS "
		"k, format('GRANT USAGE ON SCHEMA %I TO stacksnap;', n.nspname) AS line FROM "
		"pg_namespace n UNION ALL SELECT n.nspname, 2, format('GRANT SELECT ON ALL "
		"TABLES IN SCHEMA %I TO stacksnap;', n.nspname) FROM pg_namespace n UNION ALL "
		"SELECT n.nspname, 3, format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO "
		"stacksnap;', n.nspname) FROM pg_namespace n UNION ALL SELECT n.nspname, 4, "
		"format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO "
		"stacksnap;', n.nspname) FROM pg_namespace n) q WHERE q.nspname !~ '^pg_' AND "
		"q.nspname <> 'information_schema' ORDER BY q.nspname, q.k;",
		to, err))
		return err_wrap(err, "database %s", d->name);
	return ERR_OK;
}

static enum err_code
add_connect(const struct pg_database *d, struct strv *to, struct err *err)
{
	AUTO(bufv) struct buf quoted = BUF_INIT;
	if (pg_quote(&quoted, d->name, err))
		return err->code;
	return strv_addf(
	    to, err, "GRANT CONNECT ON DATABASE %s TO stacksnap;", buf_cstr(&quoted));
}

static enum err_code
advise(const struct postgres *p, struct strv *to, struct err *err)
{
	bool has_role = p->version >= 140000;
	if (strv_add(to, "CREATE ROLE stacksnap LOGIN PASSWORD 'NEW-PASSWORD';", err))
		return err->code;
	if (has_role && strv_add(to, "GRANT pg_read_all_data TO stacksnap;", err))
		return err->code;
	for (size_t i = 0; i < p->database_count; i++)
		if (!p->databases[i].is_template && add_connect(&p->databases[i], to, err))
			return err->code;
	for (size_t i = 0; i < p->database_count && !has_role; i++)
		if (!p->databases[i].is_template && add_grants(p, &p->databases[i], to, err))
			return err->code;
	return strv_add(
	    to, "ALTER ROLE stacksnap SET default_transaction_read_only = on;", err);
}

enum err_code
postgres_access(struct connector *c, struct db_access *out, struct err *err)
{
	const struct postgres *p = postgres_of(c);
	const struct strv *missing = &c->report.info.missing;
	if (str_dup(&out->user, p->user, err) || note_role(p, out, err))
		return err->code;
	for (size_t i = 0; i < missing->len; i++)
		if (db_access_unreadable(out, err, "%s", missing->items[i]))
			return err->code;
	for (size_t i = 0; i < p->database_count; i++)
		if (!p->databases[i].is_template &&
		    look_at_database(p, &p->databases[i], out, err))
			return err->code;
	return advise(p, &out->statements, err);
}
