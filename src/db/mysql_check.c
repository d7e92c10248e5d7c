/* Preflight: is the server reached, what does it hold, and what of it will not be captured? */
#include "db/mysql_impl.h"

#include "db/site.h"

#include <stdio.h>
#include <string.h>

static enum err_code
explain_site(const struct mysql *m, const char *title, struct err *err)
{
	static const char *const away[] = { "Can't connect", "Unknown server host",
		"Unknown MySQL server host", "Lost connection", "TLS/SSL error",
		"SSL connection" };
	struct err said = *err;
	if (strstr(said.msg, "Unknown database") != NULL)
		return err_set(
		    err, ERR_NOT_FOUND, "%s has no such database: %.400s", title, said.msg);
	if (strstr(said.msg, "Access denied") != NULL)
		return err_set(err, ERR_DENIED, "%s does not let user \"%s\" in%s: %.350s",
		    title, m->user,
		    m->base.t->password != NULL ? "" : ", and no password was given", said.msg);
	for (size_t i = 0; i < ARRAY_LEN(away); i++)
		if (strstr(said.msg, away[i]) != NULL)
			return err_set(
			    err, ERR_TRANSIENT, "%s does not answer: %.400s", title, said.msg);
	return said.code;
}

/* Turns the client's words into what the user can do about it. */
static enum err_code
explain_refusal(const struct mysql *m, struct err *err)
{
	const char *title = db_kind_title(m->base.report.info.kind);
	struct err said = *err;
	if (m->base.t->site != NULL)
		return explain_site(m, title, err);
	if (strstr(said.msg, "Access denied") != NULL)
		return err_set(err, ERR_DENIED,
		    "%s refuses user \"%s\"%s: %.300s; give the "
		    "password now in use as MARIADB_ROOT_PASSWORD or MYSQL_ROOT_PASSWORD (or "
		    "_FILE) "
		    "in the service's environment",
		    title, m->user, m->env.len > 0 ? "" : " without a password", said.msg);
	if (strstr(said.msg, "Can't connect") != NULL)
		return err_set(
		    err, ERR_TRANSIENT, "%s does not answer: %.400s", title, said.msg);
	return said.code;
}

static enum err_code
ask_server(struct mysql *m, struct session *s, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s,
		"SELECT CONCAT_WS('|', IF(@@global.log_bin, 1, 0), VERSION());\n"
		"SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE "
		"IN "
		"('SUPER', 'SYSTEM_VARIABLES_ADMIN') AND GRANTEE = CONCAT('\\'', "
		"SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '\\'@\\'', "
		"SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '\\'');",
		&answer, err))
		return err->code;
	char *text = buf_cstr(&answer) != NULL ? (char *)answer.data : NULL;
	if (text == NULL)
		return err_nomem(err);
	char *row[2];
	char *admin[1];
	if (!session_row(&text, row, 2) || !session_row(&text, admin, 1))
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer to the question for a version");
	m->has_binlog = strcmp(row[0], "1") == 0;
	m->is_admin = strcmp(admin[0], "0") != 0;
	m->is_maria = strstr(row[1], "MariaDB") != NULL || strstr(row[1], "maria") != NULL;
	unsigned v[3] = { 0, 0, 0 };
	if (sscanf(row[1], "%u.%u.%u", &v[0], &v[1], &v[2]) < 2)
		return err_set(err, ERR_CORRUPT, "unexpected version: %.80s", row[1]);
	m->version = v[0] * 10000 + v[1] * 100 + v[2];
	free(TAKE(m->base.report.info.version));
	return str_dup(&m->base.report.info.version, row[1], err);
}

static enum err_code
ask_databases(struct mysql *m, struct session *s, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s,
		"SELECT CONCAT_WS('|', HEX(CONVERT(s.SCHEMA_NAME USING utf8mb4)), "
		"CAST(COALESCE(SUM(t.DATA_LENGTH), 0) AS UNSIGNED), COUNT(t.TABLE_NAME)) "
		"FROM information_schema.SCHEMATA s LEFT JOIN information_schema.TABLES t "
		"ON t.TABLE_SCHEMA = s.SCHEMA_NAME "
		"WHERE " MYSQL_IS_WANTED("s.SCHEMA_NAME") " GROUP BY s.SCHEMA_NAME "
							  "ORDER BY s.SCHEMA_NAME;",
		&answer, err))
		return err->code;
	char *text = buf_cstr(&answer) != NULL ? (char *)answer.data : NULL;
	if (text == NULL)
		return err_nomem(err);
	char *row[3];
	while (session_row(&text, row, 3)) {
		AUTO(str) char *name = NULL;
		if (session_unhex(&name, row[0], err) ||
		    info_add_database(&m->base.report.info, name, strtoull(row[1], NULL, 10),
			strtoull(row[2], NULL, 10), err))
			return err->code;
	}
	return ERR_OK;
}

/* Tables whose engine gives no snapshot are dumped as they are when their turn comes. */
static enum err_code
warn_of_tables(struct mysql *m, struct session *s, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s,
		"SELECT CONCAT_WS('|', HEX(CONVERT(CONCAT(t.TABLE_SCHEMA, '.', t.TABLE_NAME) "
		"USING "
		"utf8mb4)), t.ENGINE) FROM information_schema.TABLES t JOIN "
		"information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE " MYSQL_IS_WANTED(
		    "t.TABLE_SCHEMA") " AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') "
				      "AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES' ORDER BY 1;",
		&answer, err))
		return err->code;
	char *text = buf_cstr(&answer) != NULL ? (char *)answer.data : NULL;
	if (text == NULL)
		return err_nomem(err);
	char *row[2];
	while (session_row(&text, row, 2)) {
		AUTO(str) char *name = NULL;
		if (session_unhex(&name, row[0], err) ||
		    strv_addf(&m->base.report.info.warnings, err,
			"table %s uses %s, which has no transactions: it is read after the "
			"fence",
			name, row[1]))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
warn_of_rest(struct mysql *m, struct session *s, struct err *err)
{
	struct strv *warnings = &m->base.report.info.warnings;
	if (!m->is_admin)
		return strv_addf(warnings, err,
		    "logged in as \"%s\", who is no administrator: accounts, grants and "
		    "databases of "
		    "others are not captured",
		    m->user);
	AUTO(str) char *others = NULL;
	if (session_ask_line(s,
		"SELECT (SELECT COUNT(*) FROM mysql.func) + (SELECT COUNT(*) FROM "
		"mysql.servers);",
		&others, err))
		return err->code;
	if (strcmp(others, "0") == 0)
		return ERR_OK;
	return strv_add(
	    warnings, "loadable functions and CREATE SERVER entries are not captured", err);
}

enum err_code
mysql_check(struct connector *c, struct err *err)
{
	struct mysql *m = mysql_of(c);
	if (mysql_find_login(m, err))
		return err->code;
	AUTO(session) struct session *s = NULL;
	if (mysql_session(m, &s, err) || ask_server(m, s, err))
		return explain_refusal(m, err);
	if (ask_databases(m, s, err) || warn_of_tables(m, s, err))
		return err->code;
	return warn_of_rest(m, s, err);
}
