#include "db/redis_link.h"

#include "db/site.h"
#include "db/target.h"
#include "db/tool.h"

#include <string.h>

#define ANSWER_MAX ((size_t)4 << 20)
#define CONFIG_FILE_MAX ((size_t)1 << 20)

struct link {
	const struct redis_login *login;
	struct resp *resp; /* NULL: redis-cli */
};

/* The configuration file that the command names, as text; "" when it names none. */
static enum err_code
read_config_file(
    char **out, const struct db_target *t, const struct strv *words, struct err *err)
{
	for (size_t i = 0; i < words->len && t->runner != NULL; i++) {
		if (!str_ends(words->items[i], ".conf"))
			continue;
		AUTO(bufv) struct buf text = BUF_INIT;
		if (tool_cat(t, words->items[i], CONFIG_FILE_MAX, &text, err))
			return err_wrap(err, "read %s inside the container", words->items[i]);
		const char *s = buf_cstr(&text);
		return s != NULL ? str_dup(out, s, err) : err_nomem(err);
	}
	return str_dup(out, "", err);
}

/* The last "name value" line; quotes around the value are taken off. */
static enum err_code
config_line(char **out, const char *text, const char *name, struct err *err)
{
	size_t n = strlen(name);
	const char *found = NULL;
	for (const char *line = text; *line != '\0';) {
		line += strspn(line, " \t");
		if (strncasecmp(line, name, n) == 0 && (line[n] == ' ' || line[n] == '\t'))
			found = line + n;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	*out = NULL;
	if (found == NULL)
		return ERR_OK;
	found += strspn(found, " \t");
	size_t len = strcspn(found, "\r\n");
	while (len > 0 && (found[len - 1] == ' ' || found[len - 1] == '\t'))
		len--;
	if (len >= 2 && (found[0] == '"' || found[0] == '\'') && found[len - 1] == found[0]) {
		found++;
		len -= 2;
	}
	return str_dupn(out, found, len, err);
}

enum err_code
redis_option(char **out, const struct db_target *t, const char *name, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	if (target_words(&words, t, err))
		return err->code;
	const char *extra = target_env(t, "REDIS_ARGS");
	if (extra != NULL && strv_split(&words, extra, ' ', err))
		return err->code;
	const char *given = words_option(&words, name);
	if (given != NULL)
		return target_secret_value(out, t, given, err);
	AUTO(str) char *file = NULL;
	if (read_config_file(&file, t, &words, err))
		return err->code;
	return config_line(out, file, name, err);
}

static enum err_code
find_password(struct redis_login *l, const struct db_target *t, struct err *err)
{
	static const char *const names[] = { "REDIS_PASSWORD", "VALKEY_PASSWORD",
		"REDISCLI_AUTH", "VALKEYCLI_AUTH", NULL };
	if (t->password != NULL)
		return str_dup(&l->password, t->password, err);
	if (redis_option(&l->password, t, "requirepass", err))
		return err->code;
	if (l->password != NULL && l->password[0] != '\0')
		return ERR_OK;
	free(TAKE(l->password));
	return target_secret(&l->password, t, names, err);
}

static enum err_code
find_address(struct redis_login *l, const struct db_target *t, struct err *err)
{
	AUTO(str) char *port = NULL;
	AUTO(str) char *path = NULL;
	const struct db_site *site = t->site;
	if (site != NULL && site->socket != NULL)
		return str_printf(&l->address, err, "unix:%s", site->socket);
	if (site != NULL)
		return str_printf(&l->address, err, "tcp:%u", site->port);
	if (redis_option(&port, t, "port", err) || redis_option(&path, t, "unixsocket", err))
		return err->code;
	if (port == NULL && target_env(t, "REDIS_PORT_NUMBER") != NULL &&
	    str_dup(&port, target_env(t, "REDIS_PORT_NUMBER"), err))
		return err->code;
	if (port != NULL && strcmp(port, "0") == 0 && path == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the server listens with TLS only; add a unixsocket to its configuration");
	if (str_dup(&l->port, port != NULL ? port : "6379", err))
		return err->code;
	if (strcmp(l->port, "0") == 0)
		return str_printf(&l->address, err, "unix:%s", path);
	return str_printf(&l->address, err, "tcp:%s", l->port);
}

enum err_code
redis_login_find(
    struct redis_login *l, const struct db_target *t, enum db_kind kind, struct err *err)
{
	redis_login_release(l);
	l->t = t;
	l->kind = kind;
	if (t->user != NULL && str_dup(&l->user, t->user, err))
		return err->code;
	return find_password(l, t, err) ? err->code : find_address(l, t, err);
}

void
redis_login_release(struct redis_login *l)
{
	free(l->address);
	free(l->port);
	free(l->user);
	free(l->password);
	*l = (struct redis_login){ 0 };
}

static enum err_code
refused(const struct redis_login *l, const char *said, struct err *err)
{
	const char *title = db_kind_title(l->kind);
	if (l->t->site != NULL)
		return err_set(err, ERR_DENIED, "%s does not let %s%s in%s: %.200s", title,
		    l->user != NULL ? "user " : "us", l->user != NULL ? l->user : "",
		    l->password != NULL ? "" : ", and no password was given", said);
	if (l->password == NULL)
		return err_set(err, ERR_DENIED,
		    "%s wants a password and none is known: %.200s; give it as --requirepass "
		    "in the "
		    "service's command or as REDIS_PASSWORD (or _FILE) in its environment",
		    title, said);
	return err_set(err, ERR_DENIED,
	    "%s refuses the password%s%s: %.200s; give the one now in use as --requirepass in "
	    "the "
	    "service's command or as REDIS_PASSWORD (or _FILE) in its environment",
	    title, l->user != NULL ? " of user " : "", l->user != NULL ? l->user : "", said);
}

static bool
is_login_error(const char *said)
{
	return str_starts(said, "NOAUTH") || str_starts(said, "WRONGPASS") ||
	       str_starts(said, "ERR invalid password") || strstr(said, "AUTH failed") != NULL;
}

/* A server without a password refuses AUTH, which is no reason to stop. */
static bool
has_no_password(const char *said)
{
	return strstr(said, "no password is set") != NULL ||
	       strstr(said, "without any password configured") != NULL;
}

static enum err_code
authenticate(struct link *k, struct err *err)
{
	const struct redis_login *l = k->login;
	const char *named[] = { "AUTH", l->user, l->password, NULL };
	const char *plain[] = { "AUTH", l->password, NULL };
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	if (l->password == NULL)
		return ERR_OK;
	if (resp_call(k->resp, l->user != NULL ? named : plain, &reply, err))
		return err->code;
	if (reply.type == RESP_ERROR && !has_no_password(reply.text))
		return refused(l, reply.text, err);
	return ERR_OK;
}

enum err_code
link_open(struct link **out, const struct redis_login *l, struct err *err)
{
	AUTO(link) struct link *k = calloc(1, sizeof *k);
	if (k == NULL)
		return err_nomem(err);
	k->login = l;
	int fd = -1;
	enum err_code rc = runner_dial(l->t->runner, l->address, &fd, err);
	if (rc == ERR_OK && resp_new(&k->resp, fd, l->t->cancel, err))
		return err->code;
	if (rc != ERR_OK && rc != ERR_UNSUPPORTED)
		return err_wrap(err, "%s does not answer", db_kind_title(l->kind));
	if (k->resp != NULL && authenticate(k, err))
		return err->code;
	const char *ping[] = { "PING", NULL };
	AUTO(str) char *pong = NULL;
	if (link_text(k, ping, &pong, err))
		return err->code;
	*out = TAKE(k);
	return ERR_OK;
}

void
link_close(struct link *k)
{
	if (k == NULL)
		return;
	resp_free(k->resp);
	free(k);
}

struct resp *
link_resp(struct link *k)
{
	return k->resp;
}

static enum err_code
cli_argv(const struct redis_login *l, struct strv *argv, struct err *err)
{
	if (strv_add(argv, l->kind == DB_VALKEY ? "valkey-cli" : "redis-cli", err))
		return err->code;
	if (str_starts(l->address, "unix:")) {
		if (strv_add(argv, "-s", err) ||
		    strv_add(argv, l->address + strlen("unix:"), err))
			return err->code;
	} else if (strv_add(argv, "-p", err) || strv_add(argv, l->port, err)) {
		return err->code;
	}
	if (l->user != NULL && (strv_add(argv, "--user", err) || strv_add(argv, l->user, err)))
		return err->code;
	return ERR_OK;
}

static enum err_code
cli_spec(const struct redis_login *l, const char *const *args, struct strv *argv,
    struct strv *env, struct run_spec *spec, struct err *err)
{
	if (cli_argv(l, argv, err) || strv_add_words(argv, args, err))
		return err->code;
	if (l->password != NULL && strv_addf(env, err, "REDISCLI_AUTH=%s", l->password))
		return err->code;
	*spec = (struct run_spec)RUN_SPEC_INIT;
	spec->argv = (const char *const *)argv->items;
	spec->env = (const char *const *)env->items;
	return ERR_OK;
}

enum err_code
link_cli(struct link *k, const char *const *args, struct run **out, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	struct run_spec spec;
	if (cli_spec(k->login, args, &argv, &env, &spec, err))
		return err->code;
	return runner_start(k->login->t->runner, &spec, out, err);
}

static enum err_code
refused_command(
    const struct link *k, const char *const *argv, const char *said, struct err *err)
{
	if (is_login_error(said))
		return refused(k->login, said, err);
	enum err_code code = str_starts(said, "LOADING") ? ERR_TRANSIENT : ERR_IO;
	return err_set(
	    err, code, "%s refuses %s: %.300s", db_kind_title(k->login->kind), argv[0], said);
}

/* redis-cli prints errors like answers: what begins with a word of capitals and a blank is one.
 */
static bool
looks_like_error(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	return n >= 3 && text[n] == ' ';
}

static enum err_code
cli_text(struct link *k, const char *const *argv, char **out, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct run_spec spec;
	struct tool_end end;
	if (cli_spec(k->login, argv, &words, &env, &spec, err) ||
	    tool_run(k->login->t, &spec, NULL, ANSWER_MAX, &text, &end, err))
		return err->code;
	const char *s = buf_cstr(&text);
	if (s == NULL)
		return err_nomem(err);
	if (strstr(end.said, "Could not connect") != NULL)
		return err_set(err, ERR_TRANSIENT, "%s does not answer: %s",
		    db_kind_title(k->login->kind), end.said);
	if (looks_like_error(s))
		return refused_command(k, argv, s, err);
	if (end.status != 0)
		return err_set(err, ERR_IO, "%s ended with status %d: %s", words.items[0],
		    end.status, end.said);
	return str_dup(out, s, err);
}

/* Strings of a flat array, one a line, as redis-cli prints them. */
static enum err_code
join_reply(const struct resp_reply *r, struct buf *text, struct err *err)
{
	if (r->text != NULL && buf_printf(text, err, "%s\n", r->text))
		return err->code;
	for (size_t i = 0; i < r->count; i++)
		if (join_reply(&r->items[i], text, err))
			return err->code;
	return ERR_OK;
}

enum err_code
link_text(struct link *k, const char *const *argv, char **out, struct err *err)
{
	if (k->resp == NULL)
		return cli_text(k, argv, out, err);
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	if (resp_call(k->resp, argv, &reply, err))
		return err_wrap(err, "%s", argv[0]);
	if (reply.type == RESP_ERROR)
		return refused_command(k, argv, reply.text, err);
	if (join_reply(&reply, &text, err))
		return err->code;
	const char *s = buf_cstr(&text);
	return s != NULL ? str_dup(out, s, err) : err_nomem(err);
}

enum err_code
link_config(struct link *k, const char *name, char **out, struct err *err)
{
	const char *argv[] = { "CONFIG", "GET", name, NULL };
	AUTO(str) char *text = NULL;
	if (link_text(k, argv, &text, err))
		return err->code;
	const char *value = strchr(text, '\n');
	value = value != NULL ? value + 1 : "";
	return str_dupn(out, value, strcspn(value, "\n"), err);
}

enum err_code
link_set_config(struct link *k, const char *name, const char *value, struct err *err)
{
	const char *argv[] = { "CONFIG", "SET", name, value, NULL };
	AUTO(str) char *text = NULL;
	return link_text(k, argv, &text, err);
}

enum err_code
info_value(char **out, const char *info, const char *name, struct err *err)
{
	size_t n = strlen(name);
	for (const char *line = info; *line != '\0';) {
		if (strncmp(line, name, n) == 0 && line[n] == ':') {
			line += n + 1;
			return str_dupn(out, line, strcspn(line, "\r\n"), err);
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return str_dup(out, "", err);
}
