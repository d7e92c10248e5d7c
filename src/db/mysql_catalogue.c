/*
 * What a MariaDB or MySQL server has.  Its catalogue knows no snapshots: it is
 * asked before the fence and once more when the dump has ended, and what was
 * there both times must be in the dump.  That a table had rows is asked in a
 * snapshot of our own, which opens right behind the dump's.
 */
#include "db/mysql_impl.h"

#define HEX(x) "HEX(CONVERT(" x " USING utf8mb4))"

static const char *const questions[] = {
	"SELECT CONCAT('DATABASE|1|||', " HEX(
	    "SCHEMA_NAME") ") FROM information_schema.SCHEMATA "
			   "WHERE " MYSQL_IS_WANTED("SCHEMA_NAME") ";",
	"SELECT CONCAT(CASE TABLE_TYPE WHEN 'VIEW' THEN 'VIEW' WHEN 'SEQUENCE' THEN 'SEQUENCE' "
	"ELSE 'TABLE' END, '|1||', " HEX("TABLE_SCHEMA") ", '|', " HEX(
	    "TABLE_NAME") ") FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', "
			  "'SYSTEM VERSIONED', "
			  "'VIEW', 'SEQUENCE') AND " MYSQL_IS_WANTED("TABLE_SCHEMA") ";",
	"SELECT CONCAT(ROUTINE_TYPE, '|1||', " HEX("ROUTINE_SCHEMA") ", '|', " HEX(
	    "ROUTINE_NAME") ") FROM "
			    "information_schema.ROUTINES "
			    "WHERE " MYSQL_IS_WANTED("ROUTINE_"
						     "SCHEMA") ";",
	"SELECT CONCAT('TRIGGER|1|', " HEX("TRIGGER_NAME") ", '|', " HEX(
	    "EVENT_OBJECT_SCHEMA") ", '|', " HEX("EVENT_OBJECT_TABLE") ") FROM "
								       "information_schema."
								       "TRIGGERS "
								       "WHERE " MYSQL_IS_WANTED(
									   "EVE"
									   "NT_"
									   "OBJ"
									   "ECT"
									   "_SC"
									   "HEM"
									   "A") ";",
	"SELECT CONCAT('EVENT|1||', " HEX("EVENT_SCHEMA") ", '|', " HEX(
	    "EVENT_NAME") ") FROM information_schema.EVENTS "
			  "WHERE " MYSQL_IS_WANTED("EVENT_SCHEMA") ";",
};

enum err_code
mysql_list_objects(struct session *s, struct objects *out, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		AUTO(bufv) struct buf answer = BUF_INIT;
		if (session_ask(s, questions[i], &answer, err))
			return err->code;
		if (buf_cstr(&answer) == NULL)
			return err_nomem(err);
		if (objects_add(out, (char *)answer.data, err))
			return err->code;
	}
	objects_sort(out);
	return ERR_OK;
}

/* "shop", "orders" from their hexadecimal forms, as a statement that gives one row. */
static enum err_code
put_question(struct buf *sql, char *const *row, struct err *err)
{
	AUTO(str) char *schema = NULL;
	AUTO(str) char *table = NULL;
	if (session_unhex(&schema, row[0], err) || session_unhex(&table, row[1], err) ||
	    buf_printf(sql, err,
		"SAVEPOINT one;\nSELECT CONCAT('0|', COUNT(*), '|%s|%s') FROM (SELECT 1 FROM ",
		row[0], row[1]) ||
	    mysql_quote(sql, schema, err) || buf_str(sql, ".", err) ||
	    mysql_quote(sql, table, err))
		return err->code;
	/* Back to the savepoint: no lock is kept that would make an ALTER wait. */
	return buf_str(sql, " LIMIT 1) q;\nROLLBACK TO SAVEPOINT one;\n", err);
}

enum err_code
mysql_open_view(struct session *s, struct err *err)
{
	AUTO(bufv) struct buf nothing = BUF_INIT;
	return session_ask(s,
	    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;\n"
	    "START TRANSACTION WITH CONSISTENT SNAPSHOT;",
	    &nothing, err);
}

enum err_code
mysql_ask_rows(struct session *s, struct objects *out, struct err *err)
{
	AUTO(bufv) struct buf tables = BUF_INIT;
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf answer = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (session_ask(s,
		"SELECT CONCAT(" HEX("TABLE_SCHEMA") ", '|', " HEX(
		    "TABLE_NAME") ") FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE "
				  "TABLE' AND ENGINE = "
				  "'InnoDB' AND " MYSQL_IS_WANTED("TABLE_SCHEMA") ";",
		&tables, err))
		return err->code;
	if (buf_cstr(&tables) == NULL)
		return err_nomem(err);
	char *text = (char *)tables.data;
	char *row[2];
	while (session_row(&text, row, 2))
		if (put_question(&sql, row, err))
			return err->code;
	if (sql.len > 0 && session_ask(s, (const char *)sql.data, &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	if (objects_add_rows(out, (char *)answer.data, err))
		return err->code;
	return session_ask(s, "ROLLBACK;", &nothing, err);
}

enum err_code
mysql_list_databases(struct session *s, struct strv *names, struct err *err)
{
	return session_ask_texts(s,
	    "SELECT HEX(CONVERT(SCHEMA_NAME USING utf8mb4)) FROM information_schema.SCHEMATA "
	    "WHERE " MYSQL_IS_WANTED("SCHEMA_NAME") " ORDER BY SCHEMA_NAME;",
	    names, err);
}
