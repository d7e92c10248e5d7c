/* Logging in to PostgreSQL inside its container: account, password, and what to say when it
 * fails. */
#include "db/postgres_impl.h"

#include "db/site.h"
#include "db/sql_name.h"
#include "db/target.h"

#include <string.h>

static const char *const user_names[] = { "POSTGRES_USER", "POSTGRESQL_USERNAME", NULL };
static const char *const database_names[] = { "POSTGRES_DB", "POSTGRESQL_DATABASE", NULL };
static const char *const password_names[] = { "POSTGRES_PASSWORD",
	"POSTGRESQL_POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD", NULL };
static const char *const app_password_names[] = { "POSTGRESQL_PASSWORD", NULL };

enum err_code
pg_conninfo(char **out, const char *database, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	if (buf_str(&b, "dbname='", err))
		return err->code;
	for (const char *p = database; *p != '\0'; p++) {
		bool quoted = *p == '\'' || *p == '\\';
		if ((quoted && buf_str(&b, "\\", err)) || buf_add(&b, p, 1, err))
			return err->code;
	}
	if (buf_str(&b, "'", err))
		return err->code;
	return str_dup(out, (const char *)b.data, err);
}

enum err_code
pg_quote(struct buf *out, const char *name, struct err *err)
{
	return sql_quote(out, name, '"', err);
}

/* Bitnami's images make "postgres" with a password of its own, and the account as a plain one.
 */
static enum err_code
choose_account(struct postgres *p, char **password, struct err *err)
{
	const struct db_target *t = p->base.t;
	const char *user = t->user;
	if (user == NULL && target_env(t, "POSTGRESQL_POSTGRES_PASSWORD") == NULL &&
	    target_env(t, "POSTGRESQL_POSTGRES_PASSWORD_FILE") == NULL)
		user = target_env_any(t, user_names);
	if (str_dup(&p->user, user != NULL ? user : "postgres", err))
		return err->code;
	if (t->password != NULL)
		return str_dup(password, t->password, err);
	bool is_app = user != NULL && target_env(t, "POSTGRESQL_USERNAME") != NULL;
	return target_secret(password, t, is_app ? app_password_names : password_names, err);
}

/* Where the command tells the server to listen, if it does. */
static enum err_code
add_place(struct postgres *p, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	if (target_words(&words, p->base.t, err))
		return err->code;
	const char *port = words_setting(&words, "port");
	for (size_t i = 0; port == NULL && i + 1 < words.len; i++)
		if (strcmp(words.items[i], "-p") == 0)
			port = words.items[i + 1];
	const char *folder = words_setting(&words, "unix_socket_directories");
	if (port != NULL && strv_addf(&p->login, err, "--port=%s", port))
		return err->code;
	if (folder == NULL || folder[0] != '/')
		return ERR_OK;
	return strv_addf(&p->login, err, "--host=%.*s", (int)strcspn(folder, ","), folder);
}

static enum err_code
add_site(struct postgres *p, const struct db_site *s, struct err *err)
{
	if (strv_addf(&p->login, err, "--host=%s", s->socket != NULL ? s->socket : s->host) ||
	    strv_addf(&p->login, err, "--port=%u", s->port))
		return err->code;
	if (s->sslmode != NULL && strv_addf(&p->env, err, "PGSSLMODE=%s", s->sslmode))
		return err->code;
	if (s->sslrootcert == NULL)
		return ERR_OK;
	return strv_addf(&p->env, err, "PGSSLROOTCERT=%s", s->sslrootcert);
}

enum err_code
pg_find_login(struct postgres *p, struct err *err)
{
	AUTO(str) char *password = NULL;
	if (p->login.len > 0)
		return ERR_OK;
	free(TAKE(p->user));
	strv_release(&p->env);
	if (choose_account(p, &password, err))
		return err->code;
	if (password != NULL && strv_addf(&p->env, err, "PGPASSWORD=%s", password))
		return err->code;
	if (strv_add(&p->env, "PGCONNECT_TIMEOUT=10", err) ||
	    strv_add(&p->env, "PGAPPNAME=stacksnap", err) ||
	    strv_addf(&p->login, err, "--username=%s", p->user) ||
	    strv_add(&p->login, "--no-password", err))
		return err->code;
	return p->base.t->site != NULL ? add_site(p, p->base.t->site, err) : add_place(p, err);
}

/*
 * Settings of a role or database may limit how long a statement or an idle
 * transaction lasts, and may put a schema of somebody else first.
 * transaction_timeout came with version 17 and is unknown before.
 */
#define NO_LIMITS                                             \
	"PGOPTIONS=-c statement_timeout=0 -c lock_timeout=0 " \
	"-c idle_in_transaction_session_timeout=0"

enum err_code
pg_env(const struct postgres *p, enum pg_use use, struct strv *env, struct err *err)
{
	static const char *const more[] = {
		[PG_FOR_QUESTIONS] = " -c search_path=pg_catalog",
		[PG_FOR_DUMPING] = "",
		[PG_FOR_LOADING] =
		    " -c synchronous_commit=off -c default_transaction_read_only=off",
	};
	if (strv_addf(env, err, NO_LIMITS "%s%s",
		p->version >= 170000 ? " -c transaction_timeout=0" : "", more[use]))
		return err->code;
	for (size_t i = 0; i < p->env.len; i++)
		if (strv_add(env, p->env.items[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
pg_client(const struct postgres *p, const char *database, enum pg_use use, struct strv *argv,
    struct strv *env, struct run_spec *spec, struct err *err)
{
	static const char *const options[] = { "psql", "--no-psqlrc", "--quiet", "--no-align",
		"--tuples-only", "--field-separator=|", "--set=ON_ERROR_STOP=1" };
	AUTO(str) char *conninfo = NULL;
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strv_add(argv, options[i], err))
			return err->code;
	for (size_t i = 0; i < p->login.len; i++)
		if (strv_add(argv, p->login.items[i], err))
			return err->code;
	if (pg_conninfo(&conninfo, database, err) ||
	    strv_addf(argv, err, "--dbname=%s", conninfo))
		return err->code;
	if (pg_env(p, use, env, err))
		return err->code;
	*spec = (struct run_spec)RUN_SPEC_INIT;
	spec->argv = (const char *const *)argv->items;
	spec->env = (const char *const *)env->items;
	spec->user = p->os_user;
	return ERR_OK;
}

enum err_code
pg_session(
    const struct postgres *p, const char *database, struct session **out, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	struct run_spec spec;
	if (pg_client(p, database, PG_FOR_QUESTIONS, &argv, &env, &spec, err))
		return err->code;
	return session_open(out, p->base.t, &spec, SESSION_POSTGRES, err);
}

/* "\\connect", with quotes as psql reads them: it takes double ones out of the argument, also
 * of what stands between single ones, but leaves one of two inside a pair. */
static enum err_code
put_connect(struct buf *sql, const char *database, struct err *err)
{
	AUTO(str) char *conninfo = NULL;
	if (pg_conninfo(&conninfo, database, err) ||
	    buf_str(sql, "\\connect -reuse-previous=on '", err))
		return err->code;
	for (const char *c = conninfo; *c != '\0'; c++)
		if ((*c == '\'' && buf_str(sql, "'", err)) ||
		    (*c == '\\' && buf_str(sql, "\\", err)) ||
		    (*c == '"' && buf_str(sql, "\"\"\"", err)) || buf_add(sql, c, 1, err))
			return err->code;
	return buf_str(sql, "'", err);
}

enum err_code
pg_open_asker(struct postgres *p, struct err *err)
{
	return p->asker != NULL ? ERR_OK : pg_session(p, p->maintenance, &p->asker, err);
}

enum err_code
pg_move_session(struct session *s, const char *database, struct err *err)
{
	AUTO(str) char *nothing = NULL;
	return pg_ask_in(s, database, "", &nothing, err);
}

enum err_code
pg_ask_in(struct session *s, const char *database, const char *sql, char **out, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (put_connect(&text, database, err) || buf_str(&text, "\n", err) ||
	    buf_str(&text, sql, err))
		return err->code;
	return buf_cstr(&text) != NULL ? session_ask_line(s, buf_cstr(&text), out, err)
				       : err_nomem(err);
}

/* The same of a database that is no stack's. */
static enum err_code
explain_site(const struct postgres *p, struct err *err)
{
	static const char *const logins[] = { "authentication failed", "no password supplied",
		"role \"", "no pg_hba.conf entry", "is not permitted to log in" };
	struct err said = *err;
	if (said.code != ERR_IO)
		return said.code;
	if (strstr(said.msg, "database \"") != NULL &&
	    strstr(said.msg, "does not exist") != NULL)
		return err_set(
		    err, ERR_NOT_FOUND, "PostgreSQL has no such database: %.400s", said.msg);
	for (size_t i = 0; i < ARRAY_LEN(logins); i++)
		if (strstr(said.msg, logins[i]) != NULL)
			return err_set(err, ERR_DENIED,
			    "PostgreSQL does not let user \"%s\" in%s: %.350s", p->user,
			    p->base.t->password != NULL ? "" : ", and no password was given",
			    said.msg);
	return err_set(err, ERR_TRANSIENT, "PostgreSQL does not answer: %.400s", said.msg);
}

/* Turns psql's words into what the user can do about it. */
static enum err_code
explain_refusal(const struct postgres *p, struct err *err)
{
	struct err said = *err;
	if (p->base.t->site != NULL)
		return explain_site(p, err);
	if (strstr(said.msg, "password authentication failed") != NULL ||
	    strstr(said.msg, "no password supplied") != NULL ||
	    strstr(said.msg, "authentication failed") != NULL)
		return err_set(err, ERR_DENIED,
		    "PostgreSQL refuses user \"%s\": %.300s; give the "
		    "password now in use as POSTGRES_PASSWORD (or _FILE) in the service's "
		    "environment",
		    p->user, said.msg);
	if (strstr(said.msg, "role \"") != NULL && strstr(said.msg, "does not exist") != NULL)
		return err_set(err, ERR_DENIED,
		    "PostgreSQL has no user \"%s\": %.300s; give the "
		    "superuser that its data was made with as POSTGRES_USER in the service's "
		    "environment",
		    p->user, said.msg);
	if (said.code == ERR_IO)
		return err_set(
		    err, ERR_TRANSIENT, "PostgreSQL does not answer: %.400s", said.msg);
	return said.code;
}

static enum err_code
try_session(
    const struct postgres *p, const char *database, struct session **out, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(str) char *one = NULL;
	if (pg_session(p, database, &s, err) || session_ask_line(s, "SELECT 1;", &one, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

enum err_code
pg_first_session(struct postgres *p, struct session **out, struct err *err)
{
	struct err first = ERR_INIT;
	if (pg_find_login(p, err))
		return err->code;
	const struct db_site *site = p->base.t->site;
	const char *candidates[] = { "postgres", target_env_any(p->base.t, database_names),
		p->user, "template1" };
	if (site != NULL && site->database != NULL) {
		candidates[0] = site->database;
		candidates[1] = candidates[2] = candidates[3] = NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		if (candidates[i] == NULL)
			continue;
		enum err_code rc = try_session(p, candidates[i], out, err);
		/* Images of others let an account in only when the system's user has its name.
		 */
		if (rc && p->os_user == NULL && site == NULL &&
		    strstr(err->msg, "Peer authentication failed") != NULL) {
			if (str_dup(&p->os_user, "postgres", err))
				return err->code;
			rc = try_session(p, candidates[i], out, err);
		}
		if (rc == ERR_OK) {
			free(TAKE(p->maintenance));
			return str_dup(&p->maintenance, candidates[i], err);
		}
		bool is_other_database = strstr(err->msg, "database \"") != NULL &&
					 strstr(err->msg, "role \"") == NULL;
		first = *err;
		if (!is_other_database)
			break;
	}
	*err = first;
	return explain_refusal(p, err);
}
