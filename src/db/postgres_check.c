/* Preflight: is the server reached, what does it hold, and what of it will not be captured? */
#include "db/postgres_impl.h"

#include "base/room.h"
#include "db/site.h"

#include <string.h>

#define OLDEST_VERSION 100000

/* Members of an extension come with CREATE EXTENSION, not with CREATE TABLE. */
#define NOT_OF_EXTENSIONS                                                                   \
	"AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass " \
	"AND d.objid = c.oid AND d.deptype = 'e') "                                         \
	"AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = "                      \
	"'pg_namespace'::regclass "                                                         \
	"AND d.objid = n.oid AND d.deptype = 'e') "

static const char count_sql[] = "SELECT count(*) " PG_TABLES_OF_USERS NOT_OF_EXTENSIONS ";";

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
	if (pg_check_tool_version(p, err))
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
	pg_release_databases(p);
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

/* For prepare, which may come much later: where nobody is in its way, and nothing ends it.  Of
 * a site, whose network may forget a silent connection, another is opened then. */
static enum err_code
keep_session(struct postgres *p, struct session **s, struct err *err)
{
	AUTO(str) char *nothing = NULL;
	if (p->base.t->site != NULL || pg_is_template(p, p->maintenance))
		return ERR_OK;
	if (pg_ask_in(*s, p->maintenance,
		p->version >= 140000 ? "SET idle_session_timeout = 0;" : "", &nothing, err))
		return err->code;
	p->asker = TAKE(*s);
	return ERR_OK;
}

enum err_code
postgres_check(struct connector *c, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(session) struct session *s = NULL;
	AUTO(mem) uint64_t *sizes = NULL;
	session_close(TAKE(p->asker));
	if (pg_open_first(p, &s, err) || ask_server(p, s, err) ||
	    ask_databases(p, s, &sizes, err) || warn_of_settings(p, s, err) ||
	    describe_databases(p, s, sizes, err))
		return err->code;
	return keep_session(p, &s, err);
}
