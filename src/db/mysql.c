#include "db/mysql_impl.h"

#include "db/site.h"
#include "db/sql_name.h"
#include "db/tool.h"

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
	if (strv_add(argv, m->dumper, err) || strv_add_all(argv, login, err))
		return err->code;
	m->dump_file_at = argv->len;
	if (strv_add_words(argv, options, err))
		return err->code;
	if (!m->dumper_is_maria && strv_add_words(argv, oracle, err))
		return err->code;
	if (strv_add(argv, "--databases", err) || strv_add(argv, "--", err))
		return err->code;
	return strv_add_all(argv, &m->databases, err);
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
