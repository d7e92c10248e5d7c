/* Which tools there are, as whom they log in, and how the server is reached. */
#include "db/mysql_impl.h"

#include "db/site.h"
#include "db/target.h"
#include "db/tool.h"

#include <string.h>

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
		if (is_maria ? strv_add_words(to, modes[i].maria, err)
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
	if (strv_add(argv, m->client, err) || strv_add_all(argv, &m->login, err))
		return err->code;
	if (site != NULL && site->database != NULL &&
	    strv_addf(argv, err, "--database=%s", site->database))
		return err->code;
	return strv_add_words(argv, options, err);
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
