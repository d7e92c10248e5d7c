#include "db/site.h"

#include "base/buf.h"
#include "base/percent.h"

#include <string.h>

static const struct scheme {
	const char *name;
	enum db_kind kind;
	unsigned port;
	bool by_tls;
	const char *refusal; /* NULL: it is known */
} schemes[] = {
	{ "postgres", DB_POSTGRES, 5432, false, NULL },
	{ "postgresql", DB_POSTGRES, 5432, false, NULL },
	{ "mysql", DB_MYSQL, 3306, false, NULL },
	{ "mariadb", DB_MARIADB, 3306, false, NULL },
	{ "redis", DB_REDIS, 6379, false, NULL },
	{ "valkey", DB_VALKEY, 6379, false, NULL },
	{ "rediss", DB_REDIS, 6379, true, NULL },
	{ "valkeys", DB_VALKEY, 6379, true, NULL },
	{ "mongodb", DB_MONGODB, 27017, false, NULL },
	{ "mongodb+srv", DB_NONE, 0, false,
	    "addresses of mongodb+srv are not looked up: name one server of the replica set as "
	    "mongodb://HOST" },
};

void
db_site_release(struct db_site *s)
{
	if (s->password != NULL)
		explicit_bzero(s->password, strlen(s->password));
	free(s->path);
	free(s->host);
	free(s->socket);
	free(s->user);
	free(s->password);
	free(s->database);
	free(s->sslmode);
	free(s->sslrootcert);
	free(s->sslcert);
	free(s->sslkey);
	*s = (struct db_site)DB_SITE_INIT;
}

const char *
db_site_kind_word(const struct db_site *s)
{
	return s->path != NULL ? "sqlite" : db_kind_word(s->kind);
}

const char *
db_site_kind_title(const struct db_site *s)
{
	return s->path != NULL ? "SQLite" : db_kind_title(s->kind);
}

enum err_code
db_site_set_password(struct db_site *s, const void *password, size_t len, struct err *err)
{
	char *copy = NULL;
	if (password != NULL && memchr(password, '\0', len) != NULL)
		return err_set(err, ERR_USAGE, "the password holds a NUL byte");
	if (password != NULL && str_dupn(&copy, password, len, err))
		return err->code;
	if (s->password != NULL)
		explicit_bzero(s->password, strlen(s->password));
	free(s->password);
	s->password = copy;
	return ERR_OK;
}

/* --- reading --- */

/* Text with %XX as what it means; what names it in errors. */
static enum err_code
decode(char **out, const char *text, size_t len, const char *what, struct err *err)
{
	AUTO(str) char *to = calloc(1, len + 1);
	size_t n = 0;
	if (to == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '%') {
			int value = percent_value(text + i + 1, len - i - 1);
			if (value <= 0)
				return err_set(err, ERR_USAGE,
				    "the address's %s: behind a '%%' two hexadecimal digits "
				    "are "
				    "expected (write %%25 for a '%%' itself)",
				    what);
			c = (char)value;
			i += 2;
		}
		to[n++] = c;
	}
	free(*out);
	*out = TAKE(to);
	return ERR_OK;
}

static enum err_code
parse_port(unsigned *out, const char *text, size_t len, struct err *err)
{
	unsigned long port = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || port > 65535)
			return err_set(err, ERR_USAGE,
			    "the address's port is no number (is there a '/', '?' or '#' in "
			    "the "
			    "password? Write it as %%2F, %%3F, %%23)");
		port = port * 10 + (unsigned long)(text[i] - '0');
	}
	if (port == 0 || port > 65535)
		return err_set(err, ERR_USAGE, "the address's port must be 1 to 65535");
	*out = (unsigned)port;
	return ERR_OK;
}

static enum err_code
parse_host(struct db_site *s, const char *text, size_t len, struct err *err)
{
	const char *end = text + len;
	const char *host = text;
	const char *host_end;
	if (memchr(text, ',', len) != NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the address names several hosts: give the one to be read from");
	if (len > 0 && text[0] == '[') {
		host++;
		host_end = memchr(text, ']', len);
		if (host_end == NULL || (host_end + 1 < end && host_end[1] != ':'))
			return err_set(
			    err, ERR_USAGE, "the address's '[' is not closed by a ']'");
		text = host_end + 1;
	} else {
		host_end = memchr(text, ':', len);
		if (host_end == NULL)
			host_end = end;
		text = host_end;
	}
	if (text < end && parse_port(&s->port, text + 1, (size_t)(end - text - 1), err))
		return err->code;
	if (host_end == host)
		return ERR_OK;
	return decode(&s->host, host, (size_t)(host_end - host), "host", err);
}

static enum err_code
parse_login(struct db_site *s, const char *text, size_t len, struct err *err)
{
	const char *colon = memchr(text, ':', len);
	size_t user = colon != NULL ? (size_t)(colon - text) : len;
	if (user > 0 && decode(&s->user, text, user, "user", err))
		return err->code;
	if (colon == NULL || colon + 1 == text + len)
		return ERR_OK;
	return decode(&s->password, colon + 1, len - user - 1, "password", err);
}

/* Those that are read by a tool of theirs. */
static bool
has_tool(const struct db_site *s)
{
	return s->kind == DB_POSTGRES || s->kind == DB_MARIADB || s->kind == DB_MYSQL;
}

static enum err_code
check_sslmode(const struct db_site *s, struct err *err)
{
	/* A tool may try without; we do, or we do not. */
	static const char *const modes[] = { "require", "verify-ca", "verify-full", "disable",
		"prefer" };
	size_t n = has_tool(s) ? ARRAY_LEN(modes) : 3;
	for (size_t i = 0; i < n; i++)
		if (strcmp(modes[i], s->sslmode) == 0)
			return ERR_OK;
	return err_set(err, ERR_USAGE, "sslmode is one of: %srequire verify-ca verify-full",
	    has_tool(s) ? "disable prefer " : "");
}

/* tls=true, or rediss:// */
static enum err_code
want_tls(struct db_site *s, struct err *err)
{
	return s->sslmode != NULL ? ERR_OK : str_dup(&s->sslmode, "verify-full", err);
}

enum option_of { OF_ALL, OF_TOOLS_TOO, OF_OURS, OF_MONGODB };

static bool
is_option_of(const struct db_site *s, enum option_of of)
{
	return of <= OF_TOOLS_TOO || (of == OF_OURS && !has_tool(s)) ||
	       (of == OF_MONGODB && s->kind == DB_MONGODB);
}

static enum err_code
unknown_option(const struct db_site *s, const char *text, size_t n, struct err *err)
{
	const char *there = has_tool(s) ? "sslmode=, sslrootcert= and socket="
			    : s->kind == DB_MONGODB
				? "tls=true, tlsCAFile=, tlsCertificateKeyFile=, sslmode=, "
				  "sslrootcert=, sslcert=, sslkey= and socket="
				: "sslmode=, sslrootcert=, sslcert=, sslkey= and socket=";
	return err_set(err, ERR_USAGE,
	    "the address's option '%.*s' is not known here: there are %s", (int)min_size(n, 60),
	    text, there);
}

static enum err_code
parse_tls(struct db_site *s, const char *value, size_t len, struct err *err)
{
	if (len == 4 && memcmp(value, "true", 4) == 0)
		return want_tls(s, err);
	if (len == 5 && memcmp(value, "false", 5) == 0)
		return ERR_OK;
	return err_set(err, ERR_USAGE, "tls= is true or false");
}

static enum err_code
parse_option(struct db_site *s, const char *text, size_t len, struct err *err)
{
	const char *eq = memchr(text, '=', len);
	size_t n = eq != NULL ? (size_t)(eq - text) : len;
	const struct {
		const char *name;
		enum option_of of;
		char **field;
		char **also;
	} known[] = {
		{ "sslmode", OF_TOOLS_TOO, &s->sslmode, NULL },
		{ "sslrootcert", OF_TOOLS_TOO, &s->sslrootcert, NULL },
		{ "socket", OF_ALL, &s->socket, NULL },
		{ "sslcert", OF_OURS, &s->sslcert, NULL },
		{ "sslkey", OF_OURS, &s->sslkey, NULL },
		{ "tlsCAFile", OF_MONGODB, &s->sslrootcert, NULL },
		{ "tlsCertificateKeyFile", OF_MONGODB, &s->sslcert, &s->sslkey },
		{ "tls", OF_MONGODB, NULL, NULL },
		{ "ssl", OF_MONGODB, NULL, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *name = known[i].name;
		if (strlen(name) != n || memcmp(name, text, n) != 0)
			continue;
		if (eq == NULL || eq + 1 == text + len || !is_option_of(s, known[i].of))
			break;
		size_t left = len - n - 1;
		if (known[i].field == NULL)
			return parse_tls(s, eq + 1, left, err);
		if (decode(known[i].field, eq + 1, left, name, err) ||
		    (known[i].also != NULL && decode(known[i].also, eq + 1, left, name, err)))
			return err->code;
		return i == 0 ? check_sslmode(s, err) : ERR_OK;
	}
	return unknown_option(s, text, n, err);
}

/* What belongs to TLS, without TLS, would be passed over. */
static enum err_code
check_tls(const struct db_site *s, struct err *err)
{
	bool is_ours = !has_tool(s);
	bool has_files = s->sslrootcert != NULL || s->sslcert != NULL || s->sslkey != NULL;
	if (is_ours && s->sslmode == NULL && has_files)
		return err_set(err, ERR_USAGE,
		    "the address has certificates, but not that TLS is to be spoken: %s",
		    s->kind == DB_MONGODB ? "give tls=true"
					  : "let it begin with rediss:// (or valkeys://)");
	if (is_ours && s->sslmode != NULL && s->socket != NULL)
		return err_set(err, ERR_USAGE, "TLS is not spoken on a socket of this host");
	if ((s->sslcert == NULL) != (s->sslkey == NULL))
		return err_set(err, ERR_USAGE,
		    "sslcert= and sslkey= belong together (one file may have both)");
	return ERR_OK;
}

static enum err_code
parse_options(struct db_site *s, const char *text, struct err *err)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "&");
		if (len > 0 && parse_option(s, text, len, err))
			return err->code;
		text += len;
		text += *text == '&';
	}
	if (s->socket != NULL && s->socket[0] != '/')
		return err_set(err, ERR_USAGE, "socket= takes an absolute path");
	return check_tls(s, err);
}

static enum err_code
parse_database(struct db_site *s, const char *text, size_t len, struct err *err)
{
	if (len == 0)
		return ERR_OK;
	if (!has_tool(s))
		return err_set(err, ERR_USAGE,
		    "a server's databases are saved together: leave '/%.*s' out of the address",
		    (int)min_size(len, 60), text);
	return decode(&s->database, text, len, "database", err);
}

/* What stands behind "scheme://". */
static enum err_code
parse_rest(struct db_site *s, const char *rest, struct err *err)
{
	size_t place = strcspn(rest, "/?#");
	const char *at = memrchr(rest, '@', place);
	const char *host = at != NULL ? at + 1 : rest;
	const char *path = rest + place;
	if (strchr(rest, '#') != NULL)
		return err_set(
		    err, ERR_USAGE, "the address holds a '#': write %%23 if it is meant");
	if (at != NULL && parse_login(s, rest, (size_t)(at - rest), err))
		return err->code;
	if (parse_host(s, host, (size_t)(path - host), err))
		return err->code;
	path += *path == '/';
	size_t database = strcspn(path, "?");
	if (parse_database(s, path, database, err))
		return err->code;
	if (path[database] == '?' && parse_options(s, path + database + 1, err))
		return err->code;
	if (s->host != NULL && s->socket != NULL)
		return err_set(
		    err, ERR_USAGE, "the address has a host and a socket: give only one");
	if (s->host == NULL && s->socket == NULL)
		return str_dup(&s->host, "127.0.0.1", err);
	return ERR_OK;
}

static enum err_code
parse_sqlite(struct db_site *s, const char *path, struct err *err)
{
	if (str_starts(path, "//"))
		path += 2;
	if (*path == '\0')
		return err_set(err, ERR_USAGE, "sqlite: what follows is the file's path");
	if (*path == '/')
		return str_dup(&s->path, path, err);
	AUTO(str) char *here = getcwd(NULL, 0);
	if (here == NULL)
		return err_sys(err, "ask for the current folder");
	return str_printf(&s->path, err, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
}

enum err_code
db_site_parse(struct db_site *out, const char *url, struct err *err)
{
	AUTO(db_site) struct db_site s = DB_SITE_INIT;
	if (str_starts(url, "sqlite:")) {
		if (parse_sqlite(&s, url + strlen("sqlite:"), err))
			return err->code;
		*out = s;
		s = (struct db_site)DB_SITE_INIT;
		return ERR_OK;
	}
	const char *sep = strstr(url, "://");
	for (size_t i = 0; sep != NULL && i < ARRAY_LEN(schemes); i++) {
		const struct scheme *known = &schemes[i];
		size_t n = (size_t)(sep - url);
		if (strlen(known->name) != n || strncmp(known->name, url, n) != 0)
			continue;
		if (known->refusal != NULL)
			return err_set(err, ERR_UNSUPPORTED, "%s", known->refusal);
		s.kind = known->kind;
		s.port = known->port;
		if ((known->by_tls && want_tls(&s, err)) || parse_rest(&s, sep + 3, err))
			return err->code;
		*out = s;
		s = (struct db_site)DB_SITE_INIT;
		return ERR_OK;
	}
	return err_set(err, ERR_USAGE,
	    "an address begins with postgres://, mysql://, mariadb://, redis://, rediss://, "
	    "valkey://, valkeys://, mongodb:// or sqlite:");
}

/* --- writing --- */

static enum err_code
put_options(struct buf *b, const struct db_site *s, struct err *err)
{
	const struct {
		const char *name;
		const char *value;
	} options[] = { { "sslmode", s->sslmode }, { "sslrootcert", s->sslrootcert },
		{ "sslcert", s->sslcert }, { "sslkey", s->sslkey }, { "socket", s->socket } };
	char sep = '?';
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].value == NULL)
			continue;
		if (buf_printf(b, err, "%c%s=", sep, options[i].name) ||
		    percent_encode(b, options[i].value, "/", err))
			return err->code;
		sep = '&';
	}
	return ERR_OK;
}

enum err_code
db_site_url(char **out, const struct db_site *s, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	if (s->path != NULL)
		return str_printf(out, err, "sqlite:%s", s->path);
	bool is_redis = s->kind == DB_REDIS || s->kind == DB_VALKEY;
	if (buf_printf(&b, err, "%s%s://", db_kind_word(s->kind),
		is_redis && s->sslmode != NULL ? "s" : "") ||
	    (s->user != NULL &&
		(percent_encode(&b, s->user, "", err) || buf_str(&b, "@", err))))
		return err->code;
	bool is_six = s->host != NULL && strchr(s->host, ':') != NULL;
	if (s->host != NULL &&
	    (buf_str(&b, is_six ? "[" : "", err) || percent_encode(&b, s->host, ":", err) ||
		buf_printf(&b, err, "%s:%u", is_six ? "]" : "", s->port)))
		return err->code;
	if (s->database != NULL &&
	    (buf_str(&b, "/", err) || percent_encode(&b, s->database, "", err)))
		return err->code;
	if (put_options(&b, s, err))
		return err->code;
	const char *text = buf_cstr(&b);
	return text != NULL ? str_dup(out, text, err) : err_nomem(err);
}
