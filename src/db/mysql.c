#include "db/mysql_impl.h"

#include "db/site.h"
#include "db/sql_name.h"
#include "db/target.h"
#include "db/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Written behind START TRANSACTION WITH CONSISTENT SNAPSHOT, never before. */
#define SNAPSHOT_MARK "\n-- Current Database: "
#define FIRST_MAX ((size_t)16 << 20)
/* A sink that stalls for a while must not cost the dump its connection. */
#define DUMP_WRITE_TIMEOUT_S "86400"

struct mysql *
mysql_of(struct connector *c)
{
	return (struct mysql *)c;
}

enum err_code
mysql_quote(struct buf *out, const char *name, struct err *err)
{
	return sql_quote(out, name, '`', err);
}

/* The first of two programs that is there, and its version; ERR_USAGE when neither is. */
static enum err_code
find_tool(char **name, char **version, const struct db_target *t, const char *const *names,
    struct err *err)
{
	for (size_t i = 0; names[i] != NULL; i++) {
		enum err_code rc = tool_version(version, t, names[i], err);
		if (rc == ERR_OK)
			return str_dup(name, names[i], err);
		if (rc != ERR_USAGE)
			return rc;
	}
	if (t->site != NULL)
		return tool_is_missing(t, names[0], err);
	return err_set(err, ERR_USAGE,
	    "the container has neither %s nor %s, which is needed to read its database",
	    names[0], names[1]);
}

static enum err_code
find_tools(struct mysql *m, struct err *err)
{
	static const char *const maria[][3] = { { "mariadb-dump", "mysqldump" },
		{ "mariadb", "mysql" } };
	static const char *const oracle[][3] = { { "mysqldump", "mariadb-dump" },
		{ "mysql", "mariadb" } };
	const char *const(*names)[3] = m->base.report.info.kind == DB_MYSQL ? oracle : maria;
	const struct db_target *t = m->base.t;
	AUTO(str) char *client_version = NULL;
	if (m->dumper != NULL)
		return ERR_OK;
	free(TAKE(m->client));
	if (find_tool(&m->client, &client_version, t, names[1], err) ||
	    find_tool(&m->dumper, &m->dumper_version, t, names[0], err))
		return err->code;
	m->dumper_is_maria = strstr(m->dumper_version, "MariaDB") != NULL;
	m->client_is_maria = strstr(client_version, "MariaDB") != NULL;
	return ERR_OK;
}

/* root when its password is known or said to be empty, else the application's account. */
static enum err_code
choose_account(struct mysql *m, char **password, struct err *err)
{
	static const char *const root_names[] = { "MARIADB_ROOT_PASSWORD",
		"MYSQL_ROOT_PASSWORD", NULL };
	static const char *const app_names[] = { "MARIADB_PASSWORD", "MYSQL_PASSWORD", NULL };
	static const char *const user_names[] = { "MARIADB_USER", "MYSQL_USER", NULL };
	static const char *const admin_names[] = { "MARIADB_ROOT_USER", "MYSQL_ROOT_USER",
		NULL };
	const struct db_target *t = m->base.t;
	if (t->password != NULL) {
		if (str_dup(password, t->password, err))
			return err->code;
	} else if (target_secret(password, t, root_names, err)) {
		return err->code;
	}
	const char *user = t->user;
	if (user == NULL)
		user = target_env_any(t, admin_names);
	if (user == NULL && *password == NULL && target_env_any(t, user_names) != NULL) {
		static const char *const empty[] = { "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
			"MYSQL_ALLOW_EMPTY_PASSWORD", "ALLOW_EMPTY_PASSWORD", NULL };
		if (target_env_any(t, empty) == NULL) {
			user = target_env_any(t, user_names);
			if (target_secret(password, t, app_names, err))
				return err->code;
		}
	}
	return str_dup(&m->user, user != NULL ? user : "root", err);
}

static enum err_code
add_all(struct strv *to, const struct strv *from, struct err *err)
{
	for (size_t i = 0; i < from->len; i++)
		if (strv_add(to, from->items[i], err))
			return err->code;
	return ERR_OK;
}

static enum err_code
add_list(struct strv *to, const char *const *words, struct err *err)
{
	for (; *words != NULL; words++)
		if (strv_add(to, *words, err))
			return err->code;
	return ERR_OK;
}

/* Options of the two families of clients differ.  MariaDB's has no word for "prefer", which is
 * what it does by itself, and cannot insist on TLS unless it checks the certificate, too. */
static enum err_code
add_tls(struct strv *to, const struct db_site *s, bool is_maria, struct err *err)
{
	static const struct {
		const char *mode;
		const char *maria[3];
		const char *oracle;
	} modes[] = {
		{ "disable", { "--skip-ssl", NULL }, "--ssl-mode=DISABLED" },
		{ "prefer", { NULL }, "--ssl-mode=PREFERRED" },
		{ "require", { NULL }, "--ssl-mode=REQUIRED" },
		{ "verify-ca", { "--ssl", "--ssl-verify-server-cert", NULL },
		    "--ssl-mode=VERIFY_CA" },
		{ "verify-full", { "--ssl", "--ssl-verify-server-cert", NULL },
		    "--ssl-mode=VERIFY_IDENTITY" },
	};
	if (is_maria && s->sslmode != NULL && strcmp(s->sslmode, "require") == 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "MariaDB's client cannot insist on TLS without checking the server's "
		    "certificate: say sslmode=verify-full, with sslrootcert=FILE where its "
		    "authority is one of your own");
	for (size_t i = 0; s->sslmode != NULL && i < ARRAY_LEN(modes); i++) {
		if (strcmp(modes[i].mode, s->sslmode) != 0)
			continue;
		if (is_maria ? add_list(to, modes[i].maria, err)
			     : strv_add(to, modes[i].oracle, err))
			return err->code;
	}
	if (s->sslrootcert == NULL)
		return ERR_OK;
	return strv_addf(to, err, "--ssl-ca=%s", s->sslrootcert);
}

/* Option files of this host are not read: they may name another server. */
static enum err_code
add_site(struct mysql *m, struct strv *to, bool is_maria, struct err *err)
{
	const struct db_site *s = m->base.t->site;
	if (strv_add(to, "--no-defaults", err) || strv_addf(to, err, "--user=%s", m->user))
		return err->code;
	if (s->socket != NULL)
		return strv_addf(to, err, "--socket=%s", s->socket);
	if (strv_add(to, "--protocol=TCP", err) || strv_addf(to, err, "--host=%s", s->host) ||
	    strv_addf(to, err, "--port=%u", s->port))
		return err->code;
	return add_tls(to, s, is_maria, err);
}

enum err_code
mysql_find_login(struct mysql *m, struct err *err)
{
	if (m->login.len > 0)
		return find_tools(m, err);
	const struct db_target *t = m->base.t;
	AUTO(str) char *password = NULL;
	AUTO(strv) struct strv words = STRV_INIT;
	free(TAKE(m->user));
	strv_release(&m->env);
	if (find_tools(m, err) || choose_account(m, &password, err) ||
	    target_words(&words, t, err))
		return err->code;
	if (password != NULL && strv_addf(&m->env, err, "MYSQL_PWD=%s", password))
		return err->code;
	if (t->site != NULL)
		return add_site(m, &m->dump_login, m->dumper_is_maria, err)
			   ? err->code
			   : add_site(m, &m->login, m->client_is_maria, err);
	if (strv_addf(&m->login, err, "--user=%s", m->user))
		return err->code;
	const char *path = words_option(&words, "socket");
	if (path != NULL && strv_addf(&m->login, err, "--socket=%s", path))
		return err->code;
	return ERR_OK;
}

enum err_code
mysql_client_argv(const struct mysql *m, struct strv *argv, struct err *err)
{
	static const char *const options[] = { "--batch", "--raw", "--skip-column-names",
		"--connect-timeout=10", "--default-character-set=utf8mb4",
		"--max-allowed-packet=1G", NULL };
	const struct db_site *site = m->base.t->site;
	if (strv_add(argv, m->client, err) || add_all(argv, &m->login, err))
		return err->code;
	if (site != NULL && site->database != NULL &&
	    strv_addf(argv, err, "--database=%s", site->database))
		return err->code;
	return add_list(argv, options, err);
}

enum err_code
mysql_session(const struct mysql *m, struct session **out, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	if (mysql_client_argv(m, &argv, err) || strv_add(&argv, "--unbuffered", err))
		return err->code;
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = (const char *const *)argv.items;
	spec.env = (const char *const *)m->env.items;
	AUTO(session) struct session *s = NULL;
	if (session_open(&s, m->base.t, &spec, SESSION_MYSQL, err))
		return err->code;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (session_ask(s, "SET SESSION wait_timeout = 604800;", &nothing, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

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

static enum err_code
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

enum err_code
mysql_list_databases(struct session *s, struct strv *names, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s,
		"SELECT HEX(CONVERT(SCHEMA_NAME USING utf8mb4)) FROM "
		"information_schema.SCHEMATA "
		"WHERE " MYSQL_IS_WANTED("SCHEMA_NAME") " ORDER BY SCHEMA_NAME;",
		&answer, err))
		return err->code;
	char *text = buf_cstr(&answer) != NULL ? (char *)answer.data : NULL;
	if (text == NULL)
		return err_nomem(err);
	char *row[1];
	while (session_row(&text, row, 1)) {
		AUTO(str) char *name = NULL;
		if (session_unhex(&name, row[0], err) || strv_add(names, name, err))
			return err->code;
	}
	return ERR_OK;
}

/*
 * No dates, so that the same data gives the same bytes.  GTID_PURGED would make a restore into
 * a server with a binary log fail, and the position is in the fence.
 */
static enum err_code
build_dump_argv(struct mysql *m, struct err *err)
{
	static const char *const options[] = { "--single-transaction", "--quick", "--routines",
		"--triggers", "--events", "--hex-blob", "--default-character-set=utf8mb4",
		"--skip-dump-date", "--no-tablespaces", "--max-allowed-packet=1G", NULL };
	static const char *const oracle[] = { "--set-gtid-purged=OFF", "--column-statistics=0",
		NULL };
	struct strv *argv = &m->dump_argv;
	strv_release(argv);
	const struct strv *login = m->base.t->site != NULL ? &m->dump_login : &m->login;
	if (strv_add(argv, m->dumper, err) || add_all(argv, login, err))
		return err->code;
	m->dump_file_at = argv->len;
	if (add_list(argv, options, err))
		return err->code;
	if (!m->dumper_is_maria && add_list(argv, oracle, err))
		return err->code;
	if (strv_add(argv, "--databases", err) || strv_add(argv, "--", err))
		return err->code;
	return add_all(argv, &m->databases, err);
}

static enum err_code
mysql_prepare(struct connector *c, struct err *err)
{
	struct mysql *m = mysql_of(c);
	if (mysql_session(m, &m->session, err) ||
	    mysql_list_databases(m->session, &m->databases, err) ||
	    mysql_list_objects(m->session, &m->objects, err))
		return err->code;
	return build_dump_argv(m, err);
}

/* What the server says of its binary log: "binlog.000002:1337 GTID 0-1-42". */
static enum err_code
ask_position(struct mysql *m, char **out, struct err *err)
{
	if (!m->has_binlog || !m->is_admin)
		return str_dup(out, "", err);
	const char *sql =
	    m->is_maria ? "SHOW MASTER STATUS;\nSELECT @@global.gtid_current_pos;"
	    : m->version >= 80200
		? "SHOW BINARY LOG STATUS;\nSELECT REPLACE(@@global.gtid_executed, '\\n', '');"
		: "SHOW MASTER STATUS;\nSELECT REPLACE(@@global.gtid_executed, '\\n', '');";
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(m->session, sql, &answer, err))
		return err->code;
	char *text = buf_cstr(&answer) != NULL ? (char *)answer.data : NULL;
	if (text == NULL)
		return err_nomem(err);
	char *line[2] = { text, text };
	char *first[1];
	char *second[1];
	if (!session_row(&text, first, 1))
		return str_dup(out, "", err);
	line[0] = first[0];
	line[1] = session_row(&text, second, 1) ? second[0] : NULL;
	int file = (int)strcspn(line[0], "\t");
	const char *at = line[0][file] == '\t' ? line[0] + file + 1 : "";
	int pos = (int)strcspn(at, "\t");
	bool gtid = line[1] != NULL && line[1][0] != '\0';
	return str_printf(out, err, "%.*s:%.*s%s%s", file, line[0], pos, at,
	    gtid ? " GTID " : "", gtid ? line[1] : "");
}

static enum err_code
lengthen_timeout(struct mysql *m, struct err *err)
{
	if (!m->is_admin)
		return ERR_OK;
	char *old;
	if (session_ask_line(m->session,
		"SELECT @@global.net_write_timeout;\n"
		"SET GLOBAL net_write_timeout = " DUMP_WRITE_TIMEOUT_S ";",
		&old, err))
		return err->code;
	m->net_write_timeout = old;
	return ERR_OK;
}

static enum err_code
put_timeout_back(struct mysql *m, struct err *err)
{
	if (m->net_write_timeout == NULL)
		return ERR_OK;
	AUTO(str) char *sql = NULL;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	unsigned long long old = strtoull(m->net_write_timeout, NULL, 10);
	free(TAKE(m->net_write_timeout));
	if (str_printf(&sql, err, "SET GLOBAL net_write_timeout = %llu;", old))
		return err->code;
	return session_ask(m->session, sql, &nothing, err);
}

/* The dump ended before it had begun to dump. */
static enum err_code
dump_ended(struct mysql *m, struct err *err)
{
	struct tool_end end;
	if (tool_finish(m->dump, &end, err))
		return err_wrap(err, "%s", m->dumper);
	return err_set(err, ERR_INCOMPLETE, "%s ended with status %d before its snapshot: %s",
	    m->dumper, end.status, end.said[0] != '\0' ? end.said : "it said nothing");
}

/* Start the dump and read until it shows that its snapshot is open. */
static enum err_code
open_snapshot(struct mysql *m, struct err *err)
{
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = (const char *const *)m->dump_argv.items;
	spec.env = (const char *const *)m->env.items;
	spec.file_option = "--result-file=";
	spec.file_option_at = m->dump_file_at;
	if (runner_start(m->base.t->runner, &spec, &m->dump, err))
		return err->code;
	struct buf *b = &m->dump_first;
	for (;;) {
		size_t got;
		if (buf_reserve(b, 65536, err) ||
		    run_read(m->dump, b->data + b->len, 65536, &got, err))
			return err->code;
		b->len += got;
		if (memmem(b->data, b->len, SNAPSHOT_MARK, strlen(SNAPSHOT_MARK)) != NULL)
			return ERR_OK;
		if (got == 0)
			return dump_ended(m, err);
		if (b->len > FIRST_MAX)
			return err_set(err, ERR_CORRUPT,
			    "%s wrote %zu bytes without naming a "
			    "database",
			    m->dumper, b->len);
	}
}

static enum err_code
mysql_fence(struct connector *c, struct err *err)
{
	struct mysql *m = mysql_of(c);
	AUTO(str) char *before = NULL;
	AUTO(str) char *after = NULL;
	if (m->databases.len == 0)
		return ERR_OK;
	if (lengthen_timeout(m, err) || ask_position(m, &before, err) ||
	    open_snapshot(m, err) || mysql_open_view(m->session, err) ||
	    put_timeout_back(m, err) || ask_position(m, &after, err))
		return err->code;
	bool moved = strcmp(before, after) != 0;
	snprintf(c->report.fence.position, sizeof c->report.fence.position, "%s%s%s", before,
	    moved ? " to " : "", moved ? after : "");
	return ERR_OK;
}

/* They are the whole server's. */
static bool
saves_accounts(const struct mysql *m)
{
	const struct db_site *site = m->base.t->site;
	return m->is_admin && (site == NULL || site->database == NULL);
}

static enum err_code
drain_accounts(struct mysql *m, const struct dump_out *d, struct buf *grants, struct err *err)
{
	AUTO(bufv) struct buf users = BUF_INIT;
	if (!saves_accounts(m))
		return ERR_OK;
	if (mysql_accounts(m, &users, grants, err))
		return err_wrap(err, "read accounts");
	struct dump_head head = { MYSQL_USERS, NULL, DUMP_MYSQL, NULL, NULL, false };
	return dump_whole(d, &head, &users, err);
}

/* What was there before and is there after the fence was there at the fence. */
static enum err_code
check_dump(void *arg, const struct census *c, struct err *err)
{
	struct mysql *m = arg;
	AUTO(objects) struct objects now = OBJECTS_INIT;
	if (mysql_list_objects(m->session, &now, err))
		return err->code;
	objects_keep_common(&m->objects, &now);
	return objects_check(&m->objects, c, NULL, err);
}

static enum err_code
drain_databases(struct mysql *m, const struct dump_out *d, struct err *err)
{
	if (m->databases.len == 0)
		return ERR_OK;
	struct dump_proof proof = { MYSQL_END_MARK, m->base.report.info.version, check_dump,
		m };
	struct dump_head head = { MYSQL_DATABASES, NULL, DUMP_MYSQL, m->dumper_version,
		(const char *const *)m->dump_argv.items, false };
	return dump_pump(d, &head, m->dump, &m->dump_first, &proof, err);
}

static enum err_code
mysql_drain(struct connector *c, struct dump_sink *sink, struct err *err)
{
	struct mysql *m = mysql_of(c);
	struct dump_out d = { c, sink };
	AUTO(bufv) struct buf grants = BUF_INIT;
	AUTO(run) struct run *healthcheck = NULL;
	/* It starts while the dump flows. */
	if (saves_accounts(m) && c->t->site == NULL &&
	    mysql_start_healthcheck(m, &healthcheck, err))
		return err->code;
	/* Before the accounts: their tables know no savepoints. */
	if (m->databases.len > 0 && mysql_ask_rows(m->session, &m->objects, err))
		return err_wrap(err, "ask which tables have rows");
	if (drain_accounts(m, &d, &grants, err) || drain_databases(m, &d, err))
		return err->code;
	/* Without the accounts, the new server's own health check stays as it is. */
	if (!saves_accounts(m))
		return ERR_OK;
	if (mysql_save_healthcheck(m, healthcheck, &d, err))
		return err->code;
	struct dump_head head = { MYSQL_GRANTS, NULL, DUMP_MYSQL, NULL, NULL, false };
	return dump_whole(&d, &head, &grants, err);
}

static void
mysql_close(struct connector *c)
{
	struct mysql *m = mysql_of(c);
	struct err ignored; /* the server is then gone, and its variables with it */
	enum err_code rc = put_timeout_back(m, &ignored);
	(void)rc;
	run_free(m->dump);
	session_close(m->session);
	free(m->client);
	free(m->dumper);
	free(m->dumper_version);
	free(m->user);
	free(m->net_write_timeout);
	strv_release(&m->env);
	strv_release(&m->login);
	strv_release(&m->dump_login);
	strv_release(&m->databases);
	strv_release(&m->dump_argv);
	buf_release(&m->dump_first);
	objects_release(&m->objects);
	free(m);
}

static const struct connector_ops mysql_ops = {
	.check = mysql_check,
	.access = mysql_access,
	.prepare = mysql_prepare,
	.fence = mysql_fence,
	.drain = mysql_drain,
	.ready = mysql_ready,
	.load = mysql_load,
	.pick = mysql_pick,
	.aside = mysql_aside,
	.close = mysql_close,
};

enum err_code
mysql_open(
    struct connector **out, const struct db_target *t, enum db_kind kind, struct err *err)
{
	struct mysql *m = calloc(1, sizeof *m);
	if (m == NULL)
		return err_nomem(err);
	m->base.ops = &mysql_ops;
	m->base.t = t;
	m->is_maria = kind == DB_MARIADB;
	*out = &m->base;
	return ERR_OK;
}
