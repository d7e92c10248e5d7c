/*
 * What a PostgreSQL database has, asked in the transaction whose snapshot
 * pg_dump takes over: a table that is made or dropped meanwhile makes no
 * difference.  Asked for is what pg_dump writes by name, in every version from
 * 10 on; what belongs to an extension comes with CREATE EXTENSION.
 */
#include "db/postgres_impl.h"

#include <string.h>

/* Tables up to this size are counted, the smallest first, as long as all of them are below the
 * second; of larger ones it is asked whether they hold a row.  pg_dump reads the same pages. */
#define COUNTED_TABLE "16777216"
#define COUNTED_TABLES "1073741824"

#define HEX(x) "encode(convert_to(" x "::text, 'UTF8'), 'hex')"
#define SCHEMA HEX("n.nspname")

/* Not part of an extension, nor made by the server for something else. */
#define OWN(catalogue, alias)                                                      \
	" AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = '" catalogue \
	"'::regclass AND d.objid = " alias ".oid AND d.deptype = 'e')"
#define NOT_INTERNAL(catalogue, alias)                                             \
	" AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = '" catalogue \
	"'::regclass AND d.objid = " alias ".oid AND d.deptype = 'i')"
#define IN_OWN_SCHEMA                                                         \
	" AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'" OWN( \
	    "pg_namespace", "n")
#define JOIN_TABLE(on)                                                       \
	" JOIN pg_class c ON c.oid = " on " JOIN pg_namespace n ON n.oid = " \
	"c.relnamespace WHERE c.relpersistence <> 't'" IN_OWN_SCHEMA OWN("pg_class", "c")

static const char *const questions[] = {
	"SELECT 'DATABASE|1|||' || " HEX("current_database()") ";",
	"SELECT 'SCHEMA|1|||' || " SCHEMA
	" FROM pg_namespace n WHERE n.nspname <> 'public'" IN_OWN_SCHEMA ";",
	"SELECT CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' "
	"THEN "
	"'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END || '|1||' || " SCHEMA
	" || '|' || " HEX("c.relname") " FROM pg_class c JOIN pg_namespace n ON n.oid = "
				       "c.relnamespace WHERE c.relkind IN ('r', 'p', 'f', 'v', "
				       "'m', 'S') AND c.relpersistence "
				       "<> 't'" IN_OWN_SCHEMA OWN("pg_class", "c") ";",
	"SELECT 'FUNCTION|1||' || " SCHEMA " || '|' || " HEX(
	    "p.proname") " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE "
			 "true" IN_OWN_SCHEMA OWN("pg_proc", "p")
			     NOT_INTERNAL("pg_proc", "p") " %s;",
	"SELECT 'TYPE|1||' || " SCHEMA " || '|' || " HEX(
	    "t.typname") " FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT "
			 "JOIN pg_class c ON "
			 "c.oid = t.typrelid WHERE t.typisdefined AND (t.typtype IN ('e', 'd', "
			 "'r') OR (t.typtype = "
			 "'c' AND c.relkind = 'c') OR (t.typtype = 'b' AND NOT EXISTS (SELECT "
			 "1 FROM pg_type e "
			 "WHERE e.typarray = t.oid)))" IN_OWN_SCHEMA OWN("pg_type", "t") ";",
	"SELECT 'TRIGGER|1|' || " HEX(
	    "t.tgname") " || '|' || " SCHEMA
			" || '|' || " HEX("c.relname") " FROM pg_trigger t" JOIN_TABLE(
			    "t.tgrelid") " AND NOT t.tgisinternal AND NOT EXISTS (SELECT 1 "
					 "FROM pg_depend d WHERE d.classid = "
					 "'pg_trigger'::regclass AND d.objid = t.oid AND "
					 "(d.refclassid = 'pg_trigger'::regclass OR "
					 "d.deptype = 'e'));",
	"SELECT 'INDEX|1||' || " SCHEMA " || '|' || " HEX(
	    "ci.relname") " FROM pg_index i JOIN pg_class ci ON ci.oid = "
			  "i.indexrelid" JOIN_TABLE(
			      "i.indrelid") " AND c.relkind IN ('r', 'm', 'p') "
					    "AND (i.indisvalid OR c.relkind = "
					    "'p') AND i.indisready "
					    "AND NOT EXISTS (SELECT 1 FROM "
					    "pg_constraint k WHERE k.conindid = "
					    "ci.oid AND k.contype IN "
					    "('p', 'u', 'x'))" OWN("pg_class", "ci") ";",
	"SELECT 'CONSTRAINT|1|' || " HEX(
	    "k.conname") " || '|' || " SCHEMA
			 " || '|' || " HEX("c.relname") " FROM pg_constraint k" JOIN_TABLE(
			     "k.conrelid") " AND k.contype IN ('p', 'u', 'x', 'f') AND "
					   "c.relkind IN ('r', 'p') AND k.conislocal AND "
					   "NOT EXISTS (SELECT 1 FROM pg_depend d WHERE "
					   "d.classid = 'pg_constraint'::regclass AND "
					   "d.objid = k.oid AND (d.refclassid = "
					   "'pg_constraint'::regclass OR d.deptype = 'e')) AND "
					   "NOT EXISTS (SELECT 1 FROM pg_index i WHERE "
					   "i.indexrelid = k.conindid AND k.contype <> "
					   "'f' AND NOT i.indisvalid);",
	"SELECT 'POLICY|1|' || " HEX("p.polname") " || '|' || " SCHEMA " || '|' || " HEX(
	    "c.relname") " FROM pg_policy p" JOIN_TABLE("p.polrelid") ";",
	"SELECT 'RULE|1|' || " HEX(
	    "r.rulename") " || '|' || " SCHEMA
			  " || '|' || " HEX("c.relname") " FROM pg_rewrite r" JOIN_TABLE(
			      "r.ev_class") " AND r.rulename <> '_RETURN'" OWN("pg_rewrite",
			      "r") ";",
	/* 16384 is the first number that a server gives to what its users make. */
	"SELECT 'EXTENSION|1|||' || " HEX(
	    "e.extname") " FROM pg_extension e WHERE e.oid >= 16384;",
	"SELECT 'EVENT TRIGGER|1|||' || " HEX(
	    "t.evtname") " FROM pg_event_trigger t WHERE true" OWN("pg_event_trigger", "t") ";",
	"SELECT 'PUBLICATION|1|||' || " HEX(
	    "p.pubname") " FROM pg_publication p WHERE true" OWN("pg_publication", "p") ";",
	"SELECT 'SERVER|1|||' || " HEX("s.srvname") " FROM pg_foreign_server s WHERE true" OWN(
	    "pg_foreign_server", "s") ";",
	"SELECT 'COLLATION|1||' || " SCHEMA " || '|' || " HEX(
	    "k.collname") " FROM pg_collation k JOIN pg_namespace n ON n.oid = k.collnamespace "
			  "WHERE true" IN_OWN_SCHEMA OWN("pg_collation", "k") ";",
	"SELECT 'LARGE OBJECTS|' || count(*) || '|||' FROM pg_largeobject_metadata;",
};

/* Procedures and aggregates are told apart since version 11. */
static const char only_functions[] = "AND p.prokind IN ('f', 'w', 'a')";
static const char procedures_sql[] =
    "SELECT 'PROCEDURE|1||' || " SCHEMA
    " || '|' || " HEX("p.proname") " FROM pg_proc p JOIN pg_namespace n ON n.oid = "
				   "p.pronamespace WHERE p.prokind = "
				   "'p'" IN_OWN_SCHEMA OWN("pg_proc", "p") ";";

static const char roles_sql[] = "SELECT 'ROLE|1|||' || " HEX(
    "rolname") " FROM pg_roles WHERE rolname !~ '^pg_';\n"
	       "SELECT 'TABLESPACE|1|||' || " HEX(
		   "spcname") " FROM pg_tablespace WHERE spcname !~ '^pg_';";

static enum err_code
ask(struct session *s, const char *sql, struct objects *out, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s, sql, &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	return objects_add(out, (char *)answer.data, err);
}

enum err_code
pg_list_objects(
    const struct postgres *p, struct session *s, struct objects *out, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		AUTO(str) char *sql = NULL;
		const char *hole = strstr(questions[i], "%s");
		const char *more = p->version >= 110000 ? only_functions : "";
		if (hole != NULL &&
		    str_printf(&sql, err, "%.*s%s%s", (int)(hole - questions[i]), questions[i],
			more, hole + 2))
			return err->code;
		if (ask(s, sql != NULL ? sql : questions[i], out, err))
			return err->code;
	}
	if (p->version >= 110000 && ask(s, procedures_sql, out, err))
		return err->code;
	objects_sort(out);
	return ERR_OK;
}

enum err_code
pg_list_roles(struct session *s, struct objects *out, struct err *err)
{
	if (ask(s, roles_sql, out, err))
		return err->code;
	objects_sort(out);
	return ERR_OK;
}

/* Each generated statement gives one line: exact?, count, schema, name. */
static const char rows_sql[] =
    "SET row_security = off;\n"
    "SELECT format('SELECT ''%s|'' || count(*) || ''|%s|%s'' FROM (SELECT 1 FROM ONLY %I.%I%s) "
    "q;', CASE WHEN t.is_counted THEN 1 ELSE 0 END, " HEX("t.nspname") ", " HEX(
	"t.relname") ", t.nspname, t.relname, CASE WHEN t.is_counted THEN '' ELSE ' LIMIT 1' "
		     "END) FROM (SELECT "
		     "n.nspname, c.relname, pg_relation_size(c.oid) <= " COUNTED_TABLE
		     " AND sum(pg_relation_size(c.oid)) OVER (ORDER BY "
		     "pg_relation_size(c.oid), c.oid) <= " COUNTED_TABLES
		     " AS is_counted FROM pg_class c JOIN pg_namespace n ON n.oid = "
		     "c.relnamespace WHERE "
		     "c.relkind = 'r' AND c.relpersistence = 'p'" IN_OWN_SCHEMA OWN("pg_class",
			 "c") " AND has_table_privilege(c.oid, 'SELECT')) t \\gexec";

enum err_code
pg_begin_count(struct session *s, struct err *err)
{
	return session_send(s, rows_sql, err);
}

enum err_code
pg_end_count(struct session *s, struct objects *out, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_reply(s, &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	return objects_add_rows(out, (char *)answer.data, err);
}
