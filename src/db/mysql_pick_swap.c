/*
 * Two tables, or their rows, exchanged (mysql_pick_impl.h).
 *
 * A table that nothing is tied to goes by RENAME, which takes all of its names in
 * one step.  Foreign keys would follow the old table, and triggers, too: then rows go,
 * in one transaction.
 */
#include "db/mysql_pick_impl.h"

#include "base/counted.h"

#include <inttypes.h>
#include <string.h>

/* --- foreign keys --- */

struct key {
	char *name;
	char *table; /* items */
	char *child; /* `shop`.`items` */
	struct buf on; /* c.`a` = p.`b` AND ... */
	struct buf given; /* AND c.`a` IS NOT NULL ... */
	struct buf missing; /* p.`b` IS NULL */
	char *parent;
};

#define KEY_INIT                                                     \
	{                                                            \
		NULL, NULL, NULL, BUF_INIT, BUF_INIT, BUF_INIT, NULL \
	}

static void
key_auto(struct key *k)
{
	free(k->name);
	free(k->table);
	free(k->child);
	free(k->parent);
	buf_release(&k->on);
	buf_release(&k->given);
	buf_release(&k->missing);
}

static enum err_code
check_key(struct my_pick *p, struct key *k, struct err *err)
{
	AUTO(str) char *sql = NULL;
	char rows[COUNTED_MAX];
	uint64_t n;
	const char *on = buf_cstr(&k->on);
	const char *given = buf_cstr(&k->given);
	const char *missing = buf_cstr(&k->missing);
	if (on == NULL || given == NULL || missing == NULL)
		return err_nomem(err);
	/* A locking read sees what others have written meanwhile, and keeps them from more. */
	if (str_printf(&sql, err,
		"SELECT COUNT(*) FROM %s c LEFT JOIN %s p ON %s WHERE %s%s LOCK IN SHARE MODE;",
		k->child, k->parent, on, missing, given) ||
	    my_ask_number(p, sql, &n, err))
		return err->code;
	if (n == 0)
		return ERR_OK;
	return err_set(err, ERR_UNSUPPORTED,
	    "foreign key %s: %s of %s would refer to rows of %s that are not "
	    "there: nothing was changed; use --into, and copy what you need",
	    k->name, counted(rows, n, "row"), k->child, k->parent);
}

/* name|child schema|child|column|parent schema|parent|column, in hexadecimal */
#define KEY_FIELDS 7

static enum err_code
add_pair(struct key *k, char *const f[KEY_FIELDS], struct err *err)
{
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	if (mysql_quote(&a, f[3], err) || mysql_quote(&b, f[6], err))
		return err->code;
	const char *child = buf_cstr(&a);
	const char *parent = buf_cstr(&b);
	if (child == NULL || parent == NULL)
		return err_nomem(err);
	bool is_first = k->on.len == 0;
	if (buf_printf(&k->on, err, "%sc.%s = p.%s", is_first ? "" : " AND ", child, parent) ||
	    buf_printf(&k->given, err, " AND c.%s IS NOT NULL", child))
		return err->code;
	return is_first ? buf_printf(&k->missing, err, "p.%s IS NULL", parent) : ERR_OK;
}

static enum err_code
begin_key(struct key *k, char *const f[KEY_FIELDS], struct err *err)
{
	AUTO(bufv) struct buf child = BUF_INIT;
	AUTO(bufv) struct buf parent = BUF_INIT;
	if (mysql_quote(&child, f[1], err) || buf_u8(&child, '.', err) ||
	    mysql_quote(&child, f[2], err) || mysql_quote(&parent, f[4], err) ||
	    buf_u8(&parent, '.', err) || mysql_quote(&parent, f[5], err))
		return err->code;
	if (buf_cstr(&child) == NULL || buf_cstr(&parent) == NULL)
		return err_nomem(err);
	if (str_dup(&k->name, f[0], err) || str_dup(&k->table, f[2], err) ||
	    str_dup(&k->child, buf_cstr(&child), err))
		return err->code;
	return str_dup(&k->parent, buf_cstr(&parent), err);
}

static enum err_code
unhex_all(char *f[KEY_FIELDS], char *const hex[KEY_FIELDS], struct err *err)
{
	for (size_t i = 0; i < KEY_FIELDS; i++)
		if (session_unhex(&f[i], hex[i], err))
			return err->code;
	return ERR_OK;
}

static enum err_code
check_rows(struct my_pick *p, char *text, struct err *err)
{
	AUTO(key) struct key k = KEY_INIT;
	char *hex[KEY_FIELDS];
	enum err_code rc = ERR_OK;
	while (rc == ERR_OK && session_row(&text, hex, KEY_FIELDS)) {
		char *f[KEY_FIELDS] = { NULL };
		rc = unhex_all(f, hex, err);
		bool is_next = rc == ERR_OK && k.name != NULL &&
			       (strcmp(k.name, f[0]) != 0 || strcmp(k.table, f[2]) != 0);
		if (is_next) {
			rc = check_key(p, &k, err);
			key_auto(&k);
			k = (struct key)KEY_INIT;
		}
		if (rc == ERR_OK && k.name == NULL)
			rc = begin_key(&k, f, err);
		if (rc == ERR_OK)
			rc = add_pair(&k, f, err);
		for (size_t i = 0; i < KEY_FIELDS; i++)
			free(f[i]);
	}
	if (rc == ERR_OK && k.name != NULL)
		rc = check_key(p, &k, err);
	return rc;
}

/* Each key from the table and to it: does every row of the one have its partner? */
static enum err_code
check_keys(struct my_pick *p, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (my_put(&sql, p,
		"SELECT CONCAT_WS('|', " MY_HEX("CONSTRAINT_NAME") ", " MY_HEX("TABLE_SCHEMA") ", " MY_HEX("TABLE_NAME") ", " MY_HEX("COLUMN_NAME") ", " MY_HEX(
		    "REFERENCED_TABLE_"
		    "SCHEMA") ", " MY_HEX("REFERENC"
					  "ED_"
					  "TABLE_"
					  "NAME") ", " MY_HEX("REFERENCED_"
							      "COLUMN_NAME") ") FROM "
									     "information_"
									     "schema.KEY_"
									     "COLUMN_USAGE "
									     "WHERE "
									     "REFERENCED_TABLE_"
									     "NAME IS NOT NULL "
									     "AND "
									     "((TABLE_SCHEMA = "
									     "{d} AND "
									     "TABLE_NAME = "
									     "{n}) OR "
									     "(REFERENCED_"
									     "TABLE_SCHEMA = "
									     "{d} AND "
									     "REFERENCED_TABLE_"
									     "NAME = {n})) "
									     "ORDER BY "
									     "CONSTRAINT_"
									     "SCHEMA, "
									     "TABLE_NAME, "
									     "CONSTRAINT_NAME, "
									     "ORDINAL_"
									     "POSITION;",
		err))
		return err->code;
	const char *text = buf_cstr(&sql);
	if (text == NULL || session_ask(p->session, text, &answer, err))
		return text == NULL ? err_nomem(err) : err->code;
	return buf_cstr(&answer) != NULL ? check_rows(p, (char *)answer.data, err)
					 : err_nomem(err);
}

/* --- rows --- */

static enum err_code
exchange_in_transaction(struct my_pick *p, const char *keep, const char *take, struct err *err)
{
	if (my_do(p, "START TRANSACTION;\nSELECT COUNT(*) FROM {t} FOR UPDATE;", err) ||
	    my_do(p, keep, err) || my_do(p, "DELETE FROM {t};", err) || my_do(p, take, err) ||
	    check_keys(p, err))
		return err->code;
	return my_do(p, "COMMIT;", err);
}

static enum err_code
exchange_rows(struct my_pick *p, const char *keep, const char *take, struct err *err)
{
	struct err
	    scratch; /* a session that was refused something has ended, and rolled back */
	enum err_code rc = exchange_in_transaction(p, keep, take, err);
	if (rc && my_do(p, "ROLLBACK;", &scratch))
		return rc;
	return rc;
}

static enum err_code
put_rows(struct my_pick *p, struct err *err)
{
	if (my_set_columns(p, err) ||
	    my_do(p,
		"DROP TABLE IF EXISTS {m};\nDROP TABLE IF EXISTS {o};\n"
		"CREATE TABLE {m} (at datetime NOT NULL) ENGINE=InnoDB;\n"
		"CREATE TABLE {o} LIKE {t};",
		err))
		return err->code;
	return exchange_rows(p,
	    "INSERT INTO {o} ({c}) SELECT {c} FROM {t};\nINSERT INTO {m} VALUES "
	    "(UTC_TIMESTAMP());",
	    "INSERT INTO {t} ({c}) SELECT {c} FROM {s};", err);
}

/* --- tables --- */

/* The words of CREATE, without where its numbers go on: of two tables with one name. */
static enum err_code
definition(struct my_pick *p, const char *template, struct buf *out, struct err *err)
{
	static const char word[] = " AUTO_INCREMENT=";
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (my_put(&sql, p, template, err))
		return err->code;
	const char *text = buf_cstr(&sql);
	if (text == NULL || session_ask(p->session, text, &answer, err))
		return text == NULL ? err_nomem(err) : err->code;
	text = buf_cstr(&answer);
	if (text == NULL)
		return err_nomem(err);
	/* Found in a comment, it makes equal tables differ, or both lose as much. */
	const char *at = strstr(text, word);
	size_t n = at != NULL ? (size_t)(at - text) : strlen(text);
	if (at != NULL)
		at += strlen(word) + strspn(at + strlen(word), "0123456789");
	return buf_add(out, text, n, err) || (at != NULL && buf_str(out, at, err)) ? err->code
										   : ERR_OK;
}

/* The rows of {s} in a table that is made as {t} is, so that what was done to it since (an
 * index, a longer column) stays. */
static enum err_code
adapt(struct my_pick *p, struct err *err)
{
	AUTO(bufv) struct buf live = BUF_INIT;
	AUTO(bufv) struct buf stored = BUF_INIT;
	if (definition(p, "SHOW CREATE TABLE {t};", &live, err) ||
	    definition(p, "SHOW CREATE TABLE {s};", &stored, err))
		return err->code;
	if (live.len == stored.len && memcmp(live.data, stored.data, live.len) == 0)
		return ERR_OK;
	if (my_set_columns(p, err))
		return err->code;
	return my_do(p,
	    "CREATE TABLE {b}.stacksnap_like LIKE {t};\n"
	    "INSERT INTO {b}.stacksnap_like ({c}) SELECT {c} FROM {s};\n"
	    "DROP TABLE {s};\nRENAME TABLE {b}.stacksnap_like TO {s};",
	    err);
}

/* No number is given a second time. */
static enum err_code
raise_numbers(struct my_pick *p, const char *template, struct err *err)
{
	AUTO(str) char *sql = NULL;
	uint64_t next;
	if (my_ask_number(p,
		"SELECT COALESCE(MAX(AUTO_INCREMENT), 0) FROM information_schema.TABLES WHERE "
		"TABLE_SCHEMA = {d} AND TABLE_NAME = {n};",
		&next, err))
		return err->code;
	if (next == 0)
		return ERR_OK;
	if (str_printf(
		&sql, err, "ALTER TABLE %s AUTO_INCREMENT = %" PRIu64 ";", template, next))
		return err->code;
	return my_do(p, sql, err);
}

static enum err_code
put_table(struct my_pick *p, struct err *err)
{
	if (adapt(p, err) || raise_numbers(p, "{s}", err) ||
	    my_do(p, "DROP TABLE IF EXISTS {m};\nDROP TABLE IF EXISTS {o};", err))
		return err->code;
	return my_do_whole(p, "RENAME TABLE {t} TO {o}, {s} TO {t}", err);
}

enum err_code
my_put_in_place(struct my_pick *p, struct err *err)
{
	struct my_ties ties;
	if (my_ask_ties(p, &ties, err) || my_check_ties(p, &ties, err) ||
	    my_do(p, "CREATE DATABASE IF NOT EXISTS {p} CHARACTER SET utf8mb4;", err))
		return err->code;
	return ties.foreign_keys > 0 || ties.triggers > 0 ? put_rows(p, err)
							  : put_table(p, err);
}

/* --- back --- */

static enum err_code
put_table_back(struct my_pick *p, bool exists, struct err *err)
{
	if (!exists)
		return my_do(p, "DROP TABLE IF EXISTS {m};\nRENAME TABLE {o} TO {t};", err);
	if (raise_numbers(p, "{o}", err) ||
	    my_do(p,
		"DROP TABLE IF EXISTS {m};\nDROP DATABASE IF EXISTS {b};\nCREATE DATABASE {b};",
		err))
		return err->code;
	return my_do_whole(p, "RENAME TABLE {t} TO {s}, {o} TO {t}", err);
}

/* The mark goes with the rows, so that they are not put back twice. */
static enum err_code
put_rows_back(struct my_pick *p, struct err *err)
{
	if (my_set_columns(p, err) ||
	    my_do(p,
		"CREATE TABLE IF NOT EXISTS {m} ENGINE=InnoDB AS SELECT UTC_TIMESTAMP() AS at;",
		err))
		return err->code;
	return exchange_rows(
	    p, "DELETE FROM {m};", "INSERT INTO {t} ({c}) SELECT {c} FROM {o};", err);
}

enum err_code
my_put_back(struct my_pick *p, struct err *err)
{
	struct my_ties ties;
	bool exists;
	if (my_exists(p, &exists, err))
		return err->code;
	if (!exists)
		return put_table_back(p, exists, err);
	if (my_ask_ties(p, &ties, err) || my_check_ties(p, &ties, err))
		return err->code;
	return ties.foreign_keys > 0 || ties.triggers > 0 ? put_rows_back(p, err)
							  : put_table_back(p, exists, err);
}
