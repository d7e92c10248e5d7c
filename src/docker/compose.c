#include "docker/compose.h"

#include "sys/fs.h"
#include "sys/proc.h"

#include <stdio.h>
#include <string.h>

#define FIND_TIMEOUT_MS 30000
#define CHECK_TIMEOUT_MS 60000

struct compose {
	struct strv command; /* "docker" "compose", or "docker-compose" */
	char *version;
	char *env; /* "DOCKER_HOST=...", or NULL */
	const struct cancel *cancel;
};

void
compose_free(struct compose *c)
{
	if (c == NULL)
		return;
	strv_release(&c->command);
	free(c->version);
	free(c->env);
	free(c);
}

const char *
compose_version(const struct compose *c)
{
	return c->version;
}

bool
compose_is_v1(const struct compose *c)
{
	return str_starts(c->version, "1.");
}

/* What Compose reports as progress rather than as what went wrong. */
static bool
is_noise(const char *line)
{
	static const char *const starts[] = { "Container ", "Network ", "Volume ", "Image ",
		"time=", "Creating ", "Starting ", "Stopping ", "Removing " };
	line += strspn(line, " \t");
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(line, starts[i]) && strstr(line, "rror") == NULL)
			return true;
	return *line == '\0';
}

/* The last few lines that tell something, as one. */
static enum err_code
failure(const struct buf *said, const char *verb, int status, struct err *err)
{
	struct err scratch; /* then the status has to do */
	AUTO(strv) struct strv lines = STRV_INIT;
	AUTO(str) char *text = NULL;
	char tail[380] = "";
	if (said->len > 0 &&
	    str_dupn(&text, (const char *)said->data, said->len, &scratch) == ERR_OK &&
	    strv_split(&lines, text, '\n', &scratch) == ERR_OK) {
		size_t first = lines.len;
		for (size_t told = 0; first > 0 && told < 3; first--)
			told += !is_noise(lines.items[first - 1]);
		size_t len = 0;
		for (size_t i = first; i < lines.len && len < sizeof tail; i++) {
			char *line = lines.items[i];
			if (is_noise(line))
				continue;
			line[strcspn(line, "\r")] = '\0';
			len += (size_t)snprintf(tail + len, sizeof tail - len, "%s%s",
			    len > 0 ? "; " : "", line + strspn(line, " \t"));
		}
	}
	if (tail[0] == '\0')
		return err_set(err, ERR_IO, "compose %s: exit status %d", verb, status);
	return err_set(err, ERR_IO, "compose %s: %s", verb, tail);
}

/* Run with argv behind the command; what it writes goes to out. */
static enum err_code
run(const struct compose *c, const struct strv *argv, const struct compose_project *p,
    int timeout_ms, struct buf *out, struct buf *said, int *status, struct err *err)
{
	static const char *const own_env[] = { "PATH", "HOME", "USER", "LOGNAME", "TMPDIR",
		"LANG", "LC_*", "XDG_*", "DOCKER_*", "SSH_AUTH_SOCK", "HTTP_PROXY",
		"HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", NULL };
	const char *env[] = { c->env, NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = (const char *const *)argv->items;
	opt.env = env;
	if (p != NULL) {
		opt.cwd = p->dir;
		opt.keep_env = p->has_own_env ? own_env : NULL;
	}
	return proc_run(&opt, NULL, timeout_ms, c->cancel, out, said, status, err);
}

/* Is this command a Compose?  Then c is filled in. */
static enum err_code
try_command(struct compose *c, const char *word, const char *word2, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(bufv) struct buf said = BUF_INIT;
	if (strv_add(&argv, word, err) || (word2 != NULL && strv_add(&argv, word2, err)) ||
	    strv_add(&argv, "version", err) || strv_add(&argv, "--short", err))
		return err->code;
	int status;
	if (run(c, &argv, NULL, FIND_TIMEOUT_MS, &out, &said, &status, err))
		return err->code;
	const char *text = buf_cstr(&out);
	if (text == NULL)
		return err_nomem(err);
	text += *text == 'v';
	if (status != 0 || *text < '0' || *text > '9')
		return err_set(err, ERR_NOT_FOUND, "%s is no Compose", word);
	if (str_dupn(&c->version, text, strcspn(text, "\r\n"), err) ||
	    strv_add(&c->command, word, err))
		return err->code;
	return word2 != NULL ? strv_add(&c->command, word2, err) : ERR_OK;
}

enum err_code
compose_find(
    struct compose **out, const char *host, const struct cancel *cancel, struct err *err)
{
	AUTO(compose) struct compose *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_nomem(err);
	c->cancel = cancel;
	if (host != NULL && str_printf(&c->env, err, "DOCKER_HOST=%s", host))
		return err->code;
	enum err_code rc = try_command(c, "docker", "compose", err);
	if (rc == ERR_NOT_FOUND)
		rc = try_command(c, "docker-compose", NULL, err);
	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_UNSUPPORTED,
		    "Docker Compose is not installed: neither 'docker compose' nor "
		    "'docker-compose' works here; install the docker-compose-plugin (or "
		    "docker-compose) package");
	if (rc != ERR_OK)
		return rc;
	*out = TAKE(c);
	return ERR_OK;
}

static enum err_code
add_each(struct strv *argv, const char *flag, const struct strv *values, struct err *err)
{
	for (size_t i = 0; values != NULL && i < values->len; i++)
		if ((flag != NULL && strv_add(argv, flag, err)) ||
		    strv_add(argv, values->items[i], err))
			return err->code;
	return ERR_OK;
}

/* The command and the options that tell the project, up to the verb, which may be NULL. */
static enum err_code
begin(struct strv *argv, const struct compose *c, const struct compose_project *p,
    const char *verb, struct err *err)
{
	if (!fs_is_dir(p->dir))
		return err_set(err, ERR_NOT_FOUND, "compose %s: there is no project folder %s",
		    verb != NULL ? verb : "config", p->dir);
	if (add_each(argv, NULL, &c->command, err) || strv_add(argv, "--ansi", err) ||
	    strv_add(argv, "never", err) ||
	    (p->name != NULL &&
		(strv_add(argv, "--project-name", err) || strv_add(argv, p->name, err))) ||
	    strv_add(argv, "--project-directory", err) || strv_add(argv, p->dir, err) ||
	    add_each(argv, "--file", p->files, err) ||
	    add_each(argv, "--env-file", p->env_files, err))
		return err->code;
	return verb != NULL ? strv_add(argv, verb, err) : ERR_OK;
}

static enum err_code
finish(const struct compose *c, const struct compose_project *p, const struct strv *argv,
    const char *verb, int timeout_ms, struct err *err)
{
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(bufv) struct buf said = BUF_INIT;
	int status;
	if (run(c, argv, p, timeout_ms, &out, &said, &status, err))
		return err_wrap(err, "compose %s", verb);
	if (status != 0)
		return failure(&said, verb, status, err);
	return ERR_OK;
}

/* docker-compose 1.x knows no --wait and no --pull, and pulls only what is not there. */
static enum err_code
add_up_options(struct strv *argv, const struct compose *c, const struct compose_up_options *opt,
    bool should_start, struct err *err)
{
	if (strv_add(argv, should_start ? "-d" : "--no-start", err))
		return err->code;
	if (!compose_is_v1(c)) {
		if (should_start && opt->should_wait && strv_add(argv, "--wait", err))
			return err->code;
		if (!opt->should_pull &&
		    (strv_add(argv, "--pull", err) || strv_add(argv, "never", err)))
			return err->code;
	}
	if (opt->is_exact &&
	    (strv_add(argv, "--no-deps", err) || strv_add(argv, "--no-build", err)))
		return err->code;
	if (add_each(argv, "--scale", opt->scale, err))
		return err->code;
	return add_each(argv, NULL, opt->services, err);
}

static enum err_code
up(const struct compose *c, const struct compose_project *p,
    const struct compose_up_options *opt, bool should_start, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	if (begin(&argv, c, p, "up", err) ||
	    (opt->is_exact && strv_add(&argv, "--no-recreate", err)) ||
	    add_up_options(&argv, c, opt, should_start, err))
		return err->code;
	return finish(c, p, &argv, "up", opt->timeout_ms, err);
}

/* " DRY-RUN MODE -  Container shop-app-1  Recreate" */
static enum err_code
note_replaced(struct strv *names, char *line, struct err *err)
{
	static const char before[] = "Container ";
	static const char behind[] = " Recreate";
	line[strcspn(line, "\r")] = '\0';
	char *name = strstr(line, before);
	if (name == NULL || !str_ends(line, behind))
		return ERR_OK;
	name += sizeof before - 1;
	name += strspn(name, " ");
	name[strcspn(name, " ")] = '\0';
	return strv_has(names, name) ? ERR_OK : strv_add(names, name, err);
}

enum err_code
compose_would_replace(struct strv *names, const struct compose *c,
    const struct compose_project *p, const struct compose_up_options *opt, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv lines = STRV_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(bufv) struct buf said = BUF_INIT;
	int status;
	if (begin(&argv, c, p, "--dry-run", err) || strv_add(&argv, "up", err) ||
	    add_up_options(&argv, c, opt, false, err) ||
	    run(c, &argv, p, CHECK_TIMEOUT_MS, &out, &said, &status, err))
		return err->code;
	if (status != 0 && failure(&said, "up --dry-run", status, err)) {
		if (strstr(err->msg, "unknown flag") != NULL || compose_is_v1(c))
			return err_set(err, ERR_UNSUPPORTED,
			    "Compose %s cannot tell what it would do (--dry-run): it is too "
			    "old",
			    c->version);
		return err->code;
	}
	const char *text = buf_cstr(&said);
	if (text == NULL)
		return err_nomem(err);
	if (strv_split(&lines, text, '\n', err))
		return err->code;
	for (size_t i = 0; i < lines.len; i++)
		if (note_replaced(names, lines.items[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
compose_up(const struct compose *c, const struct compose_project *p,
    const struct compose_up_options *opt, struct err *err)
{
	return up(c, p, opt, true, err);
}

enum err_code
compose_create(const struct compose *c, const struct compose_project *p,
    const struct compose_up_options *opt, struct err *err)
{
	return up(c, p, opt, false, err);
}

enum err_code
compose_down(
    const struct compose *c, const struct compose_project *p, int timeout_ms, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	if (begin(&argv, c, p, "down", err))
		return err->code;
	return finish(c, p, &argv, "down", timeout_ms, err);
}

enum err_code
compose_down_with_volumes(
    const struct compose *c, const struct compose_project *p, int timeout_ms, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	if (begin(&argv, c, p, "down", err) || strv_add(&argv, "--volumes", err))
		return err->code;
	return finish(c, p, &argv, "down", timeout_ms, err);
}

void
compose_reading_release(struct compose_reading *r)
{
	json_decref(r->config);
	strv_release(&r->unset);
	free(r->fault);
}

/* 'The "PORT" variable is not set', which 2.x writes with backslashes, and 1.x without quotes.
 */
static enum err_code
find_unset(struct strv *out, const char *said, struct err *err)
{
	static const char end[] = "variable is not set";
	for (const char *p = said; (p = strstr(p, "The ")) != NULL;) {
		p += strlen("The ");
		const char *name = p + strspn(p, "\\\"");
		size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					  "0123456789_");
		const char *rest = name + len;
		rest += strspn(rest, "\\\" ");
		AUTO(str) char *variable = NULL;
		if (len == 0 || strncmp(rest, end, strlen(end)) != 0)
			continue;
		if (str_dupn(&variable, name, len, err) ||
		    (!strv_has(out, variable) && strv_add(out, variable, err)))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
compose_read(const struct compose *c, const struct compose_project *p,
    struct compose_reading *out, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf said = BUF_INIT;
	int status;
	bool is_v1 = compose_is_v1(c);
	if (begin(&argv, c, p, NULL, err) ||
	    (!is_v1 && (strv_add(&argv, "--profile", err) || strv_add(&argv, "*", err))) ||
	    strv_add(&argv, "config", err) ||
	    strv_add(&argv, is_v1 ? "--quiet" : "--format=json", err))
		return err->code;
	if (run(c, &argv, p, CHECK_TIMEOUT_MS, &text, &said, &status, err))
		return err_wrap(err, "compose config");
	const char *words = buf_cstr(&said);
	if (words == NULL)
		return err_nomem(err);
	if (said.len > 0 && find_unset(&out->unset, words, err))
		return err->code;
	if (status != 0) {
		struct err why;
		failure(&said, "config", status, &why);
		return str_dup(&out->fault, why.msg, err);
	}
	return is_v1 ? ERR_OK
		     : json_parse(&out->config, text.data, text.len, "compose config", err);
}
