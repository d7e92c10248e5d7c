/*
 * mysql_impl.h: what the parts of the MariaDB and MySQL connector share.
 *
 * mysql.c         fence, drain
 * mysql_check.c   preflight
 * mysql_login.c   tools, account, password, sessions
 * mysql_catalogue.c  what the server has
 * mysql_accounts.c  users, roles and grants as SQL
 * mysql_access.c  what the account may do
 * mysql_load.c    restore
 * mysql_aside.c   one database under another name (pick.h)
 * mysql_pick.c    one table (mysql_pick_impl.h)
 * mysql_healthcheck.c  the file that the image's health check logs in with
 *
 * The dump is three files, to be loaded in this order: users.sql (accounts,
 * and what they may do on whole databases, which definers need), databases.sql
 * (one mariadb-dump of all databases, thus one snapshot), grants.sql (rights
 * on tables, columns and routines, which exist only then).
 */
#ifndef DB_MYSQL_IMPL_H
#define DB_MYSQL_IMPL_H

#include "db/connector_impl.h"
#include "db/dump.h"
#include "db/objects.h"
#include "db/session.h"

#define MYSQL_USERS "users.sql"
#define MYSQL_DATABASES "databases.sql"
#define MYSQL_GRANTS "grants.sql"
#define MYSQL_HEALTHCHECK "healthcheck.cnf"
#define MYSQL_END_MARK "-- Dump completed"

struct mysql {
	struct connector base;
	bool is_maria; /* the server, once it was asked */
	char *client; /* mariadb or mysql */
	char *dumper; /* mariadb-dump or mysqldump */
	char *dumper_version;
	bool dumper_is_maria;
	bool client_is_maria;
	char *user;
	struct strv env; /* the password */
	struct strv login; /* --user, --socket, --port */
	struct strv dump_login; /* of a site: the same for the dumper */
	bool is_admin; /* may see accounts and set global variables */
	unsigned version; /* 100500 is 10.5.0 */
	bool has_binlog;
	struct session *session;
	struct strv databases;
	struct objects objects; /* that the dump must have: there before the fence, and still */
	char *net_write_timeout; /* what to put back; NULL when it was not changed */
	struct run *dump; /* runs since the fence */
	struct strv dump_argv;
	size_t dump_file_at; /* where in it an option for a file may stand */
	struct buf dump_first; /* what it wrote until the snapshot was known to be open */
};

struct mysql *mysql_of(struct connector *c);

/* A client that reads statements from its standard input. */
MUST_CHECK enum err_code mysql_client_argv(
    const struct mysql *m, struct strv *argv, struct err *err);
MUST_CHECK enum err_code mysql_session(
    const struct mysql *m, struct session **out, struct err *err);
/* Find tools, account and password, and how the server was told to be reached. */
MUST_CHECK enum err_code mysql_find_login(struct mysql *m, struct err *err);
/* The names of all databases but the server's own. */
MUST_CHECK enum err_code mysql_list_databases(
    struct session *s, struct strv *names, struct err *err);
/* `name`, with backticks doubled. */
MUST_CHECK enum err_code mysql_quote(struct buf *out, const char *name, struct err *err);

#define MYSQL_SYSTEM_SCHEMAS \
	"('mysql', 'information_schema', 'performance_schema', 'sys', 'ndbinfo')"

/* Is it a database that is captured?  A session that has chosen one (site.h) sees that alone.
 */
#define MYSQL_IS_WANTED(column)                               \
	column " NOT IN " MYSQL_SYSTEM_SCHEMAS " AND " column \
	       " = COALESCE(DATABASE(), " column ")"

/* What there is by name; sorted. */
MUST_CHECK enum err_code mysql_list_objects(
    struct session *s, struct objects *out, struct err *err);
/* Fix what the session sees; then, once, ask which tables have rows. */
MUST_CHECK enum err_code mysql_open_view(struct session *s, struct err *err);
MUST_CHECK enum err_code mysql_ask_rows(
    struct session *s, struct objects *out, struct err *err);

/* Let rows be as large as the source allowed, until mysql_packets_back; an account that may not
 * does without, and *before stays NULL. */
void mysql_allow_packets(const struct mysql *m, char **before);
MUST_CHECK enum err_code mysql_packets_back(
    const struct mysql *m, const char *before, struct err *err);

/* Accounts as SQL: the text of users.sql and grants.sql. */
MUST_CHECK enum err_code mysql_accounts(
    struct mysql *m, struct buf *users, struct buf *grants, struct err *err);
/* Is this GRANT (as SHOW GRANTS prints it) about something inside a database? */
bool mysql_grant_needs_object(const char *grant);
/* A row of (user, host) in hexadecimal that is not the server's own and not this session's. */
#define MYSQL_OWN_ACCOUNTS \
	"'mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema', 'PUBLIC'"

/* Dump the image's health check file, if there is one; and put it back, src having it. */
/* Begin to read that file, and save it in the end; run is NULL where nothing can be read. */
MUST_CHECK enum err_code mysql_start_healthcheck(
    const struct mysql *m, struct run **out, struct err *err);
MUST_CHECK enum err_code mysql_save_healthcheck(
    struct mysql *m, struct run *run, const struct dump_out *d, struct err *err);
MUST_CHECK enum err_code mysql_load_healthcheck(
    struct mysql *m, struct dump_source *src, struct err *err);

MUST_CHECK enum err_code mysql_check(struct connector *c, struct err *err);
MUST_CHECK enum err_code mysql_access(
    struct connector *c, struct db_access *out, struct err *err);
MUST_CHECK enum err_code mysql_ready(struct connector *c, struct err *err);
MUST_CHECK enum err_code mysql_load(
    struct connector *c, struct dump_source *src, struct err *err);
MUST_CHECK enum err_code mysql_pick(
    struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err);
MUST_CHECK enum err_code mysql_aside(
    struct connector *c, const struct db_aside *aside, struct strv *told, struct err *err);

#endif
