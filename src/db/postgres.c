#include "db/postgres_impl.h"

#include "base/room.h"
#include "db/site.h"
#include "db/target.h"
#include "db/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OLDEST_VERSION 100000
#define PREPARE_TRIES 3

/* Relations whose rows a dump reads, and that a LOCK TABLE may name. */
#define TABLES_OF_USERS                                                  \
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace " \
	"WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' "     \
	"AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "

/* Members of an extension come with CREATE EXTENSION, not with CREATE TABLE. */
#define NOT_OF_EXTENSIONS                                                                   \
	"AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass " \
	"AND d.objid = c.oid AND d.deptype = 'e') "                                         \
	"AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = "                      \
	"'pg_namespace'::regclass "                                                         \
	"AND d.objid = n.oid AND d.deptype = 'e') "

static const char count_sql[] = "SELECT count(*) " TABLES_OF_USERS NOT_OF_EXTENSIONS ";";

struct postgres *
postgres_of(struct connector *c)
{
	return (struct postgres *)c;
}

static enum err_code
find_tools(struct postgres *p, struct err *err)
{
	AUTO(str) char *psql = NULL;
	if (p->pg_dump_version != NULL)
		return ERR_OK;
	free(TAKE(p->pg_dumpall_version));
	if (tool_version(&psql, p->base.t, "psql", err) ||
	    tool_version(&p->pg_dumpall_version, p->base.t, "pg_dumpall", err))
		return err->code;
	return tool_version(&p->pg_dump_version, p->base.t, "pg_dump", err);
}

/* The line that begins with prefix, if there is one. */
static enum err_code
find_line(char **out, const char *text, const char *prefix, struct err *err)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		if (str_starts(text, prefix))
			return str_dupn(out, text, len, err);
		text += len + (text[len] == '\n');
	}
	return ERR_OK;
}

/* The same by psql: a program started by it costs a hundredth of one that the engine starts. */
static enum err_code
ask_tools(struct postgres *p, struct session *s, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s, "\\! pg_dump --version\n\\! pg_dumpall --version", &answer, err))
		return err->code;
	const char *text = buf_cstr(&answer);
	if (text == NULL)
		return err_nomem(err);
	free(TAKE(p->pg_dumpall_version));
	return find_line(&p->pg_dumpall_version, text, "pg_dumpall (", err)
		   ? err->code
		   : find_line(&p->pg_dump_version, text, "pg_dump (", err);
}

/* A session, and tools that are there. */
static enum err_code
open_first(struct postgres *p, struct session **out, struct err *err)
{
	struct err scratch;
	/* On this host a program starts at once. */
	if (p->base.t->site != NULL && find_tools(p, err))
		return err->code;
	if (pg_first_session(p, out, err)) {
		struct err refused = *err;
		/* Is it that there is no psql? */
		if (p->pg_dump_version != NULL || find_tools(p, err) != ERR_USAGE)
			*err = refused;
		return err->code;
	}
	if (p->pg_dump_version != NULL)
		return ERR_OK;
	/* Without a shell to ask by, the session may have ended. */
	if (ask_tools(p, *out, &scratch) == ERR_OK && p->pg_dump_version != NULL &&
	    p->pg_dumpall_version != NULL)
		return ERR_OK;
	free(TAKE(p->pg_dump_version));
	session_close(TAKE(*out));
	return find_tools(p, err) ? err->code : pg_first_session(p, out, err);
}

/* A pg_dump refuses servers that are newer than itself; in a container it is the server's own.
 */
static enum err_code
check_tool_version(const struct postgres *p, struct err *err)
{
	const char *digits = strpbrk(p->pg_dump_version, "0123456789");
	unsigned long mine = digits != NULL ? strtoul(digits, NULL, 10) : 0;
	unsigned theirs = p->version / 10000;
	if (p->base.t->site == NULL || mine == 0 || mine >= theirs)
		return ERR_OK;
	return err_set(err, ERR_USAGE,
	    "the server is PostgreSQL %s, and this host's pg_dump is of version %lu, which "
	    "cannot "
	    "read newer servers: install the package postgresql-client-%u (Debian and Ubuntu: "
	    "it "
	    "may have to come from apt.postgresql.org)",
	    p->base.report.info.version, mine, theirs);
}

static enum err_code
ask_server(struct postgres *p, struct session *s, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s,
		"SELECT current_setting('server_version_num'), rolsuper::int, "
		"pg_is_in_recovery()::int,"
		" current_setting('server_version') FROM pg_roles WHERE rolname = "
		"current_user;",
		&answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	char *text = (char *)answer.data;
	char *row[4];
	if (!session_row(&text, row, 4))
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer to the question for a version");
	p->version = (unsigned)strtoul(row[0], NULL, 10);
	p->is_superuser = row[1][0] == '1';
	struct db_info *info = &p->base.report.info;
	free(TAKE(info->version));
	if (str_dup(&info->version, row[3], err))
		return err->code;
	if (check_tool_version(p, err))
		return err->code;
	if (p->version < OLDEST_VERSION)
		return err_set(err, ERR_UNSUPPORTED,
		    "PostgreSQL %s is too old: 10 is the oldest that "
		    "can be captured",
		    info->version);
	if (p->version < 110000 &&
	    strv_add(&info->warnings,
		"PostgreSQL 10 does not dump rights on databases and their "
		"settings: they are not captured",
		err))
		return err->code;
	if (!p->is_superuser && strv_addf(&info->warnings, err,
				    "user \"%s\" is no superuser: passwords of roles are "
				    "not captured",
				    p->user))
		return err->code;
	if (row[2][0] == '1' && strv_add(&info->warnings,
				    "the server is a standby: its state may be behind its "
				    "primary's",
				    err))
		return err->code;
	return ERR_OK;
}

static enum err_code
add_database(struct postgres *p, const char *name, bool is_template, struct err *err)
{
	if (ROOM_SHORT(p->databases, p->database_count, err))
		return err->code;
	p->databases[p->database_count] = (struct pg_database){ .is_template = is_template };
	if (str_dup(&p->databases[p->database_count].name, name, err))
		return err->code;
	p->database_count++;
	return ERR_OK;
}

static void
release_databases(struct postgres *p)
{
	for (size_t i = 0; i < p->database_count; i++) {
		run_free(p->databases[i].dump);
		strv_release(&p->databases[i].dump_argv);
		session_close(p->databases[i].session);
		free(p->databases[i].name);
		free(p->databases[i].snapshot);
		objects_release(&p->databases[i].objects);
	}
	free(p->databases);
	p->databases = NULL;
	p->database_count = 0;
}

/* All databases but template0, which never changes.  Columns: name, template?, connectable?,
 * size; of a site also: may this account? */
#define DATABASES(more)                                                               \
	"SELECT encode(convert_to(datname, 'UTF8'), 'hex'), datistemplate::int, "     \
	"datallowconn::int, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN "   \
	"pg_database_size(oid) ELSE 0 END" more " FROM pg_database WHERE datname <> " \
	"'template0' "
#define MAY_CONNECT ", has_database_privilege(oid, 'CONNECT')::int"

static const char *
databases_sql(const struct db_site *site)
{
	if (site == NULL)
		return DATABASES("") "ORDER BY datname;";
	if (site->database == NULL)
		return DATABASES(MAY_CONNECT) "ORDER BY datname;";
	return DATABASES(MAY_CONNECT) "AND datname = current_database();";
}

/* What a provider keeps on every server for itself. */
static bool
is_of_provider(const char *name)
{
	static const char *const names[] = { "rdsadmin", "cloudsqladmin", "azure_maintenance",
		"azure_sys", "alloydbadmin", "_dodb" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* *skip: it is none to be captured; why not is told. */
static enum err_code
look_at_database(
    struct postgres *p, const char *name, char *const *row, bool *skip, struct err *err)
{
	struct db_info *info = &p->base.report.info;
	*skip = row[2][0] != '1';
	if (*skip)
		return strv_addf(&info->warnings, err,
		    "database \"%s\" accepts no connections: it is not captured", name);
	*skip = p->base.t->site != NULL && row[4][0] != '1';
	if (!*skip || is_of_provider(name))
		return ERR_OK;
	return strv_addf(&info->missing, err,
	    "database \"%s\" is not captured: user \"%s\" may not connect to it (name one "
	    "database in the address, if it is not wanted)",
	    name, p->user);
}

static enum err_code
ask_databases(struct postgres *p, struct session *s, uint64_t **sizes, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	const struct db_site *site = p->base.t->site;
	if (session_ask(s, databases_sql(site), &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	char *text = (char *)answer.data;
	char *row[5];
	release_databases(p);
	while (session_row(&text, row, site != NULL ? 5 : 4)) {
		AUTO(str) char *name = NULL;
		bool skip;
		if (session_unhex(&name, row[0], err) ||
		    look_at_database(p, name, row, &skip, err))
			return err->code;
		if (skip)
			continue;
		if (ROOM_SHORT(*sizes, p->database_count, err))
			return err->code;
		(*sizes)[p->database_count] = strtoull(row[3], NULL, 10);
		if (add_database(p, name, row[1][0] == '1', err))
			return err->code;
	}
	return ERR_OK;
}

/* The session goes from one to the next. */
static enum err_code
describe_databases(
    struct postgres *p, struct session *s, const uint64_t *sizes, struct err *err)
{
	for (size_t i = 0; i < p->database_count; i++) {
		const struct pg_database *d = &p->databases[i];
		AUTO(str) char *text = NULL;
		if (d->is_template)
			continue;
		if (pg_ask_in(s, d->name, count_sql, &text, err))
			return err_wrap(err, "database %s", d->name);
		if (info_add_database(
			&p->base.report.info, d->name, sizes[i], strtoull(text, NULL, 10), err))
			return err->code;
	}
	return ERR_OK;
}

/* Files that the configuration includes are not followed. */
static enum err_code
warn_of_settings(struct postgres *p, struct session *s, struct err *err)
{
	AUTO(str) char *files = NULL;
	if (!p->is_superuser || p->base.t->site != NULL)
		return ERR_OK;
	if (session_ask_line(s,
		"SELECT string_agg(DISTINCT sourcefile, ', ') FROM pg_file_settings WHERE "
		"sourcefile <> current_setting('config_file') AND sourcefile NOT LIKE "
		"'%/postgresql.auto.conf' AND sourcefile LIKE "
		"current_setting('data_directory') "
		"|| '/%';",
		&files, err))
		return err->code;
	if (files[0] == '\0')
		return ERR_OK;
	return strv_addf(&p->base.report.info.warnings, err,
	    "settings in %.300s, inside the data folder, are not captured", files);
}

/* A session on a template would keep others from creating databases. */
static bool
is_template(const struct postgres *p, const char *database)
{
	for (size_t i = 0; i < p->database_count; i++)
		if (strcmp(p->databases[i].name, database) == 0)
			return p->databases[i].is_template;
	return true;
}

/* For prepare, which may come much later: where nobody is in its way, and nothing ends it.  Of
 * a site, whose network may forget a silent connection, another is opened then. */
static enum err_code
keep_session(struct postgres *p, struct session **s, struct err *err)
{
	AUTO(str) char *nothing = NULL;
	if (p->base.t->site != NULL || is_template(p, p->maintenance))
		return ERR_OK;
	if (pg_ask_in(*s, p->maintenance,
		p->version >= 140000 ? "SET idle_session_timeout = 0;" : "", &nothing, err))
		return err->code;
	p->asker = TAKE(*s);
	return ERR_OK;
}

static enum err_code
postgres_check(struct connector *c, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(session) struct session *s = NULL;
	AUTO(mem) uint64_t *sizes = NULL;
	session_close(TAKE(p->asker));
	if (open_first(p, &s, err) || ask_server(p, s, err) ||
	    ask_databases(p, s, &sizes, err) || warn_of_settings(p, s, err) ||
	    describe_databases(p, s, sizes, err))
		return err->code;
	return keep_session(p, &s, err);
}

/*
 * A transaction that has no snapshot yet, but a lock on every table: TRUNCATE
 * and ALTER do not respect snapshots, and would otherwise come between the
 * fence and the dump's own locks.
 */
static enum err_code
lock_tables(struct session *s, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (buf_str(
		&sql, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;\n", err) ||
	    session_ask(s,
		"SELECT format('LOCK TABLE ONLY %I.%I IN ACCESS SHARE MODE;', n.nspname, "
		"c.relname) " TABLES_OF_USERS "AND has_table_privilege(c.oid, 'SELECT');",
		&sql, err))
		return err->code;
	const char *text = buf_cstr(&sql);
	return text != NULL ? session_ask(s, text, &nothing, err) : err_nomem(err);
}

static enum err_code
open_transaction(const struct postgres *p, struct pg_database *d, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	if (pg_session(p, d->name, &s, err) || lock_tables(s, err))
		return err->code;
	d->session = TAKE(s);
	return ERR_OK;
}

static enum err_code
open_asker(struct postgres *p, struct err *err)
{
	return p->asker != NULL ? ERR_OK : pg_session(p, p->maintenance, &p->asker, err);
}

/* The server may have been started again since. */
static void
drop_dead_asker(struct postgres *p)
{
	AUTO(str) char *one = NULL;
	struct err scratch; /* another is opened */
	if (p->asker != NULL && session_ask_line(p->asker, "SELECT 1;", &one, &scratch))
		session_close(TAKE(p->asker));
}

static enum err_code
postgres_prepare(struct connector *c, struct err *err)
{
	struct postgres *p = postgres_of(c);
	drop_dead_asker(p);
	/* Here it costs no time behind the fence. */
	if (!is_template(p, p->maintenance) && open_asker(p, err))
		return err->code;
	for (size_t i = 0; i < p->database_count; i++) {
		struct pg_database *d = &p->databases[i];
		enum err_code rc = ERR_OK;
		if (d->is_template)
			continue;
		/* A table may be dropped between the list and the lock. */
		for (int try = 0; try < PREPARE_TRIES; try++) {
			rc = open_transaction(p, d, err);
			if (rc != ERR_IO)
				break;
		}
		if (rc)
			return err_wrap(err, "database %s", d->name);
	}
	return ERR_OK;
}

static const char fence_sql[] =
    "SELECT pg_export_snapshot(), CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
    "ELSE pg_current_wal_lsn() END;";

static enum err_code
read_snapshot(struct pg_database *d, char **lsn, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_reply(d->session, &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	char *text = (char *)answer.data;
	char *row[2];
	if (!session_row(&text, row, 2) || row[0][0] == '\0')
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer to the wish for a snapshot");
	if (str_dup(&d->snapshot, row[0], err))
		return err->code;
	return str_dup(lsn, row[1], err);
}

/* All sessions are asked before the first answer is read, so that their instants lie together.
 */
static enum err_code
postgres_fence(struct connector *c, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(str) char *first = NULL;
	AUTO(str) char *last = NULL;
	for (size_t i = 0; i < p->database_count; i++) {
		struct pg_database *d = &p->databases[i];
		if (d->session != NULL && session_send(d->session, fence_sql, err))
			return err_wrap(err, "database %s", d->name);
	}
	for (size_t i = 0; i < p->database_count; i++) {
		struct pg_database *d = &p->databases[i];
		char *lsn = NULL;
		if (d->session == NULL)
			continue;
		if (read_snapshot(d, &lsn, err))
			return err_wrap(err, "database %s", d->name);
		if (first == NULL && str_dup(&first, lsn, err)) {
			free(lsn);
			return err->code;
		}
		free(last);
		last = lsn;
	}
	if (first == NULL)
		return ERR_OK;
	bool moved = strcmp(first, last) != 0;
	snprintf(c->report.fence.position, sizeof c->report.fence.position, "LSN %s%s%s", first,
	    moved ? " to " : "", moved ? last : "");
	return ERR_OK;
}

/* The databases that the snapshot sees are those that have one. */
static enum err_code
check_list(struct postgres *p, const struct pg_database *seen_by, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	/* Of a site, those that may be connected to; one that was named stands alone. */
	const struct db_site *site = p->base.t->site;
	if (site != NULL && site->database != NULL)
		return ERR_OK;
	if (session_ask_texts(seen_by->session,
		site == NULL ? "SELECT encode(convert_to(datname, 'UTF8'), 'hex') FROM "
			       "pg_database WHERE datallowconn AND NOT datistemplate;"
			     : "SELECT encode(convert_to(datname, 'UTF8'), 'hex') FROM "
			       "pg_database WHERE datallowconn AND NOT datistemplate AND "
			       "has_database_privilege(oid, 'CONNECT');",
		&names, err))
		return err->code;
	for (size_t k = 0; k < names.len; k++) {
		bool known = false;
		for (size_t i = 0; i < p->database_count; i++)
			known = known || strcmp(p->databases[i].name, names.items[k]) == 0;
		if (!known)
			return err_set(err, ERR_TRANSIENT,
			    "database \"%s\" was created while the backup was prepared; try "
			    "again",
			    names.items[k]);
	}
	return ERR_OK;
}

static enum err_code
tool_argv(const struct postgres *p, const char *const *options, const char *database,
    struct strv *argv, struct err *err)
{
	AUTO(str) char *conninfo = NULL;
	for (; *options != NULL; options++)
		if (strv_add(argv, *options, err))
			return err->code;
	for (size_t i = 0; i < p->login.len; i++)
		if (strv_add(argv, p->login.items[i], err))
			return err->code;
	if (pg_conninfo(&conninfo, database, err))
		return err->code;
	return strv_addf(argv, err, "--dbname=%s", conninfo);
}

static enum err_code
start_tool(const struct postgres *p, const struct strv *argv, const char *file_option,
    struct run **run, struct err *err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	if (pg_env(p, PG_FOR_DUMPING, &env, err))
		return err->code;
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = (const char *const *)argv->items;
	spec.env = (const char *const *)env.items;
	spec.user = p->os_user;
	spec.file_option = file_option;
	spec.file_option_at = 1;
	return runner_start(p->base.t->runner, &spec, run, err);
}

/* What the globals lack may have gone since it was listed. */
static enum err_code
check_globals(void *arg, const struct census *c, struct err *err)
{
	struct postgres *p = arg;
	AUTO(session) struct session *s = NULL;
	AUTO(objects) struct objects now = OBJECTS_INIT;
	enum err_code rc = objects_check(&p->roles, c, NULL, err);
	if (rc != ERR_INCOMPLETE)
		return rc;
	if (pg_session(p, p->maintenance, &s, err) || pg_list_roles(s, &now, err))
		return err->code;
	objects_keep_common(&p->roles, &now);
	return objects_check(&p->roles, c, NULL, err);
}

static enum err_code
start_globals(struct postgres *p, struct strv *argv, struct run **run, struct err *err)
{
	const char *options[] = { "pg_dumpall", "--globals-only",
		p->is_superuser ? NULL : "--no-role-passwords", NULL };
	if (pg_list_roles(p->asker, &p->roles, err) ||
	    tool_argv(p, options, p->maintenance, argv, err) ||
	    /* Small; and of a file it would ask that it be on the disk. */
	    start_tool(p, argv, NULL, run, err))
		return err_wrap(err, DUMP_GLOBALS);
	return ERR_OK;
}

static enum err_code
drain_globals(struct postgres *p, const struct strv *argv, struct run *run,
    const struct dump_out *out, struct err *err)
{
	struct dump_head head = { DUMP_GLOBALS, NULL, DUMP_POSTGRES, p->pg_dumpall_version,
		(const char *const *)argv->items, false };
	struct dump_proof proof = { PG_GLOBALS_END, NULL, check_globals, p };
	return dump_pump(out, &head, run, NULL, &proof, err);
}

struct database_check {
	struct postgres *p;
	struct pg_database *d;
};

static enum err_code
check_database(void *arg, const struct census *c, struct err *err)
{
	const struct database_check *k = arg;
	struct pg_database *d = k->d;
	if (d->session != NULL) {
		if (pg_end_count(d->session, &d->objects, err))
			return err_wrap(err, "count the rows of database %s", d->name);
		return objects_check(&d->objects, c, NULL, err);
	}
	enum err_code rc = objects_check(&d->objects, c, NULL, err);
	if (rc != ERR_INCOMPLETE)
		return rc;
	/* A template has no snapshot: what it lacks may have gone since it was listed. */
	AUTO(session) struct session *s = NULL;
	AUTO(objects) struct objects now = OBJECTS_INIT;
	if (pg_session(k->p, d->name, &s, err) || pg_list_objects(k->p, s, &now, err))
		return err->code;
	objects_keep_common(&d->objects, &now);
	return objects_check(&d->objects, c, NULL, err);
}

/* The catalogue's list, and the count of rows begun, in the transaction of the fence; of a
 * template, which has none, the list as it is now. */
static enum err_code
expect_database(struct postgres *p, struct pg_database *d, struct err *err)
{
	if (d->session != NULL)
		return pg_list_objects(p, d->session, &d->objects, err)
			   ? err->code
			   : pg_begin_count(d->session, err);
	if (p->asker == NULL)
		return pg_session(p, d->name, &p->asker, err)
			   ? err->code
			   : pg_list_objects(p, p->asker, &d->objects, err);
	return pg_move_session(p->asker, d->name, err)
		   ? err->code
		   : pg_list_objects(p, p->asker, &d->objects, err);
}

static enum err_code
start_dump(struct postgres *p, struct pg_database *d, struct err *err)
{
	/* A table that somebody waits to change would keep pg_dump waiting for us. */
	const char *options[] = { "pg_dump", "--format=plain", "--create",
		"--lock-wait-timeout=60s", NULL };
	if (tool_argv(p, options, d->name, &d->dump_argv, err))
		return err->code;
	if (d->snapshot != NULL && strv_addf(&d->dump_argv, err, "--snapshot=%s", d->snapshot))
		return err->code;
	if (expect_database(p, d, err))
		return err_wrap(err, "list what database %s has", d->name);
	if (start_tool(p, &d->dump_argv, "--file=", &d->dump, err))
		return err_wrap(err, "database %s", d->name);
	return ERR_OK;
}

static enum err_code
drain_database(
    struct postgres *p, struct pg_database *d, const struct dump_out *out, struct err *err)
{
	AUTO(str) char *name = NULL;
	if (dump_name_encode(&name, d->name, err) || (d->dump == NULL && start_dump(p, d, err)))
		return err->code;
	struct dump_head head = { name, d->name, DUMP_POSTGRES, p->pg_dump_version,
		(const char *const *)d->dump_argv.items, false };
	struct database_check check = { p, d };
	struct dump_proof proof = { PG_DUMP_END, p->base.report.info.version, check_database,
		&check };
	if (dump_pump(out, &head, d->dump, NULL, &proof, err))
		return err->code;
	run_free(TAKE(d->dump));
	/* The server may clean up behind the snapshot again. */
	session_close(TAKE(d->session));
	return ERR_OK;
}

static enum err_code
start_templates(struct postgres *p, struct err *err)
{
	for (size_t i = 0; i < p->database_count; i++)
		if (p->databases[i].is_template && start_dump(p, &p->databases[i], err))
			return err->code;
	session_close(TAKE(p->asker));
	return ERR_OK;
}

/* The first database with a snapshot; NULL: there is none. */
static struct pg_database *
first_database(const struct postgres *p)
{
	for (size_t i = 0; i < p->database_count; i++)
		if (p->databases[i].session != NULL)
			return &p->databases[i];
	return NULL;
}

/*
 * Starting a tool takes as long as dumping some ten megabytes, so the first ones are started
 * together: the first database's, which waits when its pipe is full, that of the globals and
 * those of templates.  These come first: they are small, and nobody can create databases
 * while they are being dumped.
 */
static enum err_code
postgres_drain(struct connector *c, struct dump_sink *sink, struct err *err)
{
	struct postgres *p = postgres_of(c);
	struct dump_out out = { c, sink };
	struct pg_database *first = first_database(p);
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(run) struct run *globals = NULL;
	if (first != NULL && (check_list(p, first, err) || start_dump(p, first, err)))
		return err->code;
	if (open_asker(p, err) || start_globals(p, &argv, &globals, err) ||
	    pg_save_conf(p, &p->asker, &out, err) || start_templates(p, err) ||
	    drain_globals(p, &argv, globals, &out, err))
		return err->code;
	for (size_t i = 0; i < p->database_count; i++)
		if (p->databases[i].is_template &&
		    drain_database(p, &p->databases[i], &out, err))
			return err->code;
	for (size_t i = 0; i < p->database_count; i++)
		if (!p->databases[i].is_template &&
		    drain_database(p, &p->databases[i], &out, err))
			return err->code;
	return ERR_OK;
}

static void
postgres_close(struct connector *c)
{
	struct postgres *p = postgres_of(c);
	release_databases(p);
	session_close(p->asker);
	free(p->user);
	free(p->maintenance);
	free(p->os_user);
	strv_release(&p->login);
	strv_release(&p->env);
	free(p->pg_dump_version);
	free(p->pg_dumpall_version);
	objects_release(&p->roles);
	free(p);
}

static const struct connector_ops postgres_ops = {
	.check = postgres_check,
	.access = postgres_access,
	.prepare = postgres_prepare,
	.fence = postgres_fence,
	.drain = postgres_drain,
	.ready = postgres_ready,
	.load = postgres_load,
	.pick = postgres_pick,
	.aside = postgres_aside,
	.close = postgres_close,
};

enum err_code
postgres_open(struct connector **out, const struct db_target *t, struct err *err)
{
	struct postgres *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->base.ops = &postgres_ops;
	p->base.t = t;
	*out = &p->base;
	return ERR_OK;
}
