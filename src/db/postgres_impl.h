/*
 * postgres_impl.h: what the parts of the PostgreSQL connector share.
 *
 * postgres_login.c  account, password, sessions
 * postgres_tools.c  the programs that a dump needs
 * postgres_check.c  preflight
 * postgres.c        fence
 * postgres_drain.c  the dumps
 * postgres_catalogue.c  what a database has
 * postgres_access.c  what the account may do
 * postgres_conf.c   its configuration files
 * postgres_load.c   restore
 * postgres_pick.c   one table of a server that runs
 *
 * The dump is globals.sql (roles, memberships, tablespaces, by pg_dumpall) and
 * one plain pg_dump --create for each database, template1 included, in a file
 * called after it.
 */
#ifndef DB_POSTGRES_IMPL_H
#define DB_POSTGRES_IMPL_H

#include "db/connector_impl.h"
#include "db/dump.h"
#include "db/dump_name.h"
#include "db/objects.h"
#include "db/pick.h"
#include "db/session.h"

#define PG_DUMP_END "-- PostgreSQL database dump complete"
#define PG_GLOBALS_END "-- PostgreSQL database cluster dump complete"

/* What a connection is for, which decides what it sets when it logs in. */
enum pg_use {
	PG_FOR_QUESTIONS, /* names without a schema are the server's own */
	PG_FOR_DUMPING, /* no time limits */
	PG_FOR_LOADING, /* likewise; commits need not reach the disk one by one */
};

struct pg_database {
	char *name;
	bool is_template;
	struct objects objects; /* that its dump must have */
	struct session *session; /* holds the snapshot; NULL for templates */
	char *snapshot;
	struct run *dump; /* pg_dump, when it has been started */
	struct strv dump_argv;
};

struct postgres {
	struct connector base;
	char *user;
	char *maintenance; /* a database that can be connected to */
	char *os_user; /* NULL: the container's default */
	struct strv login; /* --username, --host, --port */
	struct strv env; /* the password and how to connect */
	char *pg_dump_version;
	char *pg_dumpall_version;
	unsigned version; /* 150008 is 15.8 */
	bool is_superuser;
	struct session
	    *asker; /* check's, kept for what is asked behind the fence; NULL: none */
	struct pg_database *databases;
	size_t database_count;
	struct objects roles; /* and tablespaces, when the globals were about to be dumped */
};

struct postgres *postgres_of(struct connector *c);
void pg_release_databases(struct postgres *p);
/* A session on a template keeps others from creating databases; a name that is not known counts
 * as one. */
bool pg_is_template(const struct postgres *p, const char *database);

/* Relations whose rows a dump reads, and that a LOCK TABLE may name. */
#define PG_TABLES_OF_USERS                                               \
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace " \
	"WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' "     \
	"AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "

/* "dbname='...'", which a tool takes for a connection string and never for an option. */
MUST_CHECK enum err_code pg_conninfo(char **out, const char *database, struct err *err);
/* "name", with quotes doubled. */
MUST_CHECK enum err_code pg_quote(struct buf *out, const char *name, struct err *err);
/* Find account and password. */
MUST_CHECK enum err_code pg_find_login(struct postgres *p, struct err *err);
/* The environment of a tool: the password, and the settings above. */
MUST_CHECK enum err_code pg_env(
    const struct postgres *p, enum pg_use use, struct strv *env, struct err *err);
/* psql, logged in to a database, reading statements until the first error.  argv and env own
 * what spec points to. */
MUST_CHECK enum err_code pg_client(const struct postgres *p, const char *database,
    enum pg_use use, struct strv *argv, struct strv *env, struct run_spec *spec,
    struct err *err);
MUST_CHECK enum err_code pg_session(
    const struct postgres *p, const char *database, struct session **out, struct err *err);
/* p->asker is a session then, if it was none. */
MUST_CHECK enum err_code pg_open_asker(struct postgres *p, struct err *err);
/* Let a session go on to another database. */
MUST_CHECK enum err_code pg_move_session(
    struct session *s, const char *database, struct err *err);
/* Likewise, and ask there: one line, as session_ask_line. */
MUST_CHECK enum err_code pg_ask_in(
    struct session *s, const char *database, const char *sql, char **out, struct err *err);
/* A session on whatever database accepts one; sets p->maintenance and p->os_user. */
MUST_CHECK enum err_code pg_first_session(
    struct postgres *p, struct session **out, struct err *err);

/* The same, and the versions of the tools that a dump needs; ERR_USAGE when one is missing. */
MUST_CHECK enum err_code pg_open_first(
    struct postgres *p, struct session **out, struct err *err);
/* A pg_dump refuses servers that are newer than itself; in a container it is the server's own.
 */
MUST_CHECK enum err_code pg_check_tool_version(const struct postgres *p, struct err *err);

/* What there is by name, as the session's transaction sees it; sorted. */
MUST_CHECK enum err_code pg_list_objects(
    const struct postgres *p, struct session *s, struct objects *out, struct err *err);
MUST_CHECK enum err_code pg_list_roles(struct session *s, struct objects *out, struct err *err);
/* Count rows while something else is done: nothing else may be asked in between. */
MUST_CHECK enum err_code pg_begin_count(struct session *s, struct err *err);
MUST_CHECK enum err_code pg_end_count(struct session *s, struct objects *out, struct err *err);

/* Is it the name of a configuration file that is kept beside the dumps? */
bool pg_is_conf(const char *name);
/* By a session on any database, which is closed when it cannot answer. */
MUST_CHECK enum err_code pg_save_conf(
    struct postgres *p, struct session **s, const struct dump_out *out, struct err *err);
/* Put back those of the stored names that the server can live with; database can be connected
 * to. */
MUST_CHECK enum err_code pg_load_conf(struct postgres *p, const char *database,
    struct dump_source *src, const struct strv *stored, struct err *err);

MUST_CHECK enum err_code postgres_drain(
    struct connector *c, struct dump_sink *sink, struct err *err);
MUST_CHECK enum err_code postgres_check(struct connector *c, struct err *err);
MUST_CHECK enum err_code postgres_access(
    struct connector *c, struct db_access *out, struct err *err);
MUST_CHECK enum err_code postgres_ready(struct connector *c, struct err *err);
MUST_CHECK enum err_code postgres_load(
    struct connector *c, struct dump_source *src, struct err *err);
MUST_CHECK enum err_code postgres_pick(
    struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err);
MUST_CHECK enum err_code postgres_aside(
    struct connector *c, const struct db_aside *aside, struct strv *told, struct err *err);
/* What psql is given before and behind the rows; for tests.  side is the table of ours that
 * keeps the old ones, quoted. */
MUST_CHECK enum err_code pg_pick_script(const struct db_pick *pick, const char *side,
    struct buf *head, struct buf *tail, struct err *err);

#endif
