#include "db/mysql_impl.h"

#include "db/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * The images' entrypoints set a new server up behind --skip-networking and then
 * stop it: what is loaded by then would be cut off.
 */
enum err_code
mysql_ready(struct connector *c, struct err *err)
{
	struct mysql *m = mysql_of(c);
	AUTO(strv) struct strv words = STRV_INIT;
	if (mysql_find_login(m, err) || target_words(&words, c->t, err))
		return err->code;
	AUTO(session) struct session *s = NULL;
	AUTO(str) char *off = NULL;
	if (mysql_session(m, &s, err) ||
	    session_ask_line(s, "SELECT IF(@@global.skip_networking, 1, 0);", &off, err)) {
		/* Also a refused password: the entrypoint has not set it yet. */
		if (err->code == ERR_IO)
			err->code = ERR_TRANSIENT;
		return err->code;
	}
	if (strcmp(off, "0") == 0 || strv_has(&words, "--skip-networking"))
		return ERR_OK;
	return err_set(err, ERR_TRANSIENT, "the image's entrypoint is still setting it up");
}

static enum err_code
drop_databases(struct session *s, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (mysql_list_databases(s, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		AUTO(bufv) struct buf sql = BUF_INIT;
		AUTO(bufv) struct buf nothing = BUF_INIT;
		if (buf_str(&sql, "DROP DATABASE ", err) ||
		    mysql_quote(&sql, names.items[i], err) || buf_str(&sql, ";", err) ||
		    session_ask(s, (const char *)sql.data, &nothing, err))
			return err_wrap(err, "drop database %s", names.items[i]);
	}
	return ERR_OK;
}

/* One DROP USER or DROP ROLE for each account but the server's own and this session's. */
static enum err_code
put_drops(const struct mysql *m, char *text, struct buf *sql, struct err *err)
{
	char *row[3];
	while (session_row(&text, row, 3)) {
		AUTO(str) char *user = NULL;
		AUTO(str) char *host = NULL;
		bool is_role = m->is_maria && row[2][0] == 'Y';
		if (session_unhex(&user, row[0], err) || session_unhex(&host, row[1], err) ||
		    buf_str(sql, is_role ? "DROP ROLE " : "DROP USER ", err) ||
		    mysql_quote(sql, user, err))
			return err->code;
		if (!is_role && (buf_str(sql, "@", err) || mysql_quote(sql, host, err)))
			return err->code;
		if (buf_str(sql, ";\n", err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
drop_accounts(const struct mysql *m, struct session *s, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	AUTO(str) char *question = NULL;
	if (str_printf(&question, err,
		"SELECT CONCAT_WS('|', HEX(CONVERT(User USING utf8mb4)), HEX(CONVERT(Host "
		"USING "
		"utf8mb4)), %s) FROM mysql.user WHERE User NOT IN (" MYSQL_OWN_ACCOUNTS ") AND "
		"CONCAT(User, '@', Host) <> CURRENT_USER();",
		m->is_maria ? "is_role" : "'N'") ||
	    session_ask(s, question, &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	if (put_drops(m, (char *)answer.data, &sql, err))
		return err->code;
	if (sql.len == 0)
		return ERR_OK;
	return session_ask(s, (const char *)sql.data, &nothing, err);
}

/* Global variables as they were, to be put back. */
struct globals {
	bool changed;
	unsigned long long packet;
	char scheduler[16];
};

/* Rows may be as large as the source allowed, and events must not run on half the data. */
static enum err_code
prepare_globals(struct session *s, struct globals *g, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s,
		"SELECT CONCAT_WS('|', @@global.max_allowed_packet, @@global.event_scheduler);",
		&answer, err))
		return err->code;
	char *text = buf_cstr(&answer) != NULL ? (char *)answer.data : NULL;
	if (text == NULL)
		return err_nomem(err);
	char *row[2];
	if (!session_row(&text, row, 2))
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer to the question for variables");
	g->packet = strtoull(row[0], NULL, 10);
	snprintf(g->scheduler, sizeof g->scheduler, "%s", row[1]);
	g->changed = true;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	return session_ask(s,
	    strcmp(g->scheduler, "DISABLED") == 0
		? "SET GLOBAL max_allowed_packet = 1073741824;"
		: "SET GLOBAL max_allowed_packet = 1073741824;\nSET GLOBAL event_scheduler = "
		  "OFF;",
	    &nothing, err);
}

static enum err_code
put_globals_back(struct session *s, const struct globals *g, struct err *err)
{
	AUTO(str) char *sql = NULL;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (!g->changed)
		return ERR_OK;
	const char *scheduler =
	    strcmp(g->scheduler, "ON") == 0 ? "SET GLOBAL event_scheduler = ON;" : "";
	if (str_printf(
		&sql, err, "SET GLOBAL max_allowed_packet = %llu;\n%s", g->packet, scheduler))
		return err->code;
	return session_ask(s, sql, &nothing, err);
}

static enum err_code
load_files(
    const struct mysql *m, struct dump_source *src, const struct strv *names, struct err *err)
{
	static const char *const order[] = { MYSQL_USERS, MYSQL_DATABASES, MYSQL_GRANTS };
	AUTO(strv) struct strv argv = STRV_INIT;
	if (mysql_client_argv(m, &argv, err))
		return err->code;
	struct run_spec client = RUN_SPEC_INIT;
	client.argv = (const char *const *)argv.items;
	client.env = (const char *const *)m->env.items;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (strv_has(names, order[i]) &&
		    dump_feed(m->base.t, src, order[i], &client, MYSQL_END_MARK, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
replace_all(const struct mysql *m, struct session *s, struct dump_source *src,
    const struct strv *names, struct err *err)
{
	struct globals g = { false, 0, "" };
	/* A dump without accounts was made by a login that may do nothing to the server itself:
	 * the application's own, where the image made up root's password. */
	bool is_admin = strv_has(names, MYSQL_USERS);
	enum err_code rc = is_admin ? prepare_globals(s, &g, err) : ERR_OK;
	if (rc == ERR_OK)
		rc = drop_databases(s, err);
	if (rc == ERR_OK && is_admin)
		rc = drop_accounts(m, s, err);
	if (rc == ERR_OK)
		rc = load_files(m, src, names, err);
	struct err later; /* the first failure is the one to tell */
	enum err_code back = put_globals_back(s, &g, &later);
	if (rc == ERR_OK && back)
		*err = later;
	return rc ? rc : back;
}

enum err_code
mysql_load(struct connector *c, struct dump_source *src, struct err *err)
{
	struct mysql *m = mysql_of(c);
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(session) struct session *s = NULL;
	if (mysql_find_login(m, err) || src->ops->list(src, &names, err))
		return err->code;
	if (!strv_has(&names, MYSQL_USERS) && !strv_has(&names, MYSQL_DATABASES))
		return err_set(
		    err, ERR_CORRUPT, "the dataset holds no dump of this kind of database");
	if (mysql_session(m, &s, err))
		return err->code;
	if (replace_all(m, s, src, &names, err))
		return err->code;
	if (strv_has(&names, MYSQL_HEALTHCHECK) && mysql_load_healthcheck(m, src, err))
		return err->code;
	if (!strv_has(&names, MYSQL_USERS))
		return ERR_OK;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	/* The set-up of a data folder writes root's PROXY right with an empty host, GRANT with
	 * '%': the same right, printed twice. */
	return session_ask(s,
	    "USE mysql;\nDELETE a FROM proxies_priv a JOIN proxies_priv b ON a.Host = b.Host "
	    "AND "
	    "a.User = b.User AND a.Proxied_user = b.Proxied_user WHERE a.Proxied_host = '%' "
	    "AND "
	    "b.Proxied_host = '';\nFLUSH PRIVILEGES;",
	    &nothing, err);
}
