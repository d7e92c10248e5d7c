#include "engine/connect.h"

#include "db/sqlite.h"
#include "net/tls_runner.h"
#include "sys/fd.h"
#include "sys/host_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define TLS_TIMEOUT_MS 15000

/* Redis and MongoDB are spoken to by ourselves; other tools have TLS of their own. */
static bool
is_by_tls(const struct db_site *s)
{
	bool is_ours = s->kind == DB_REDIS || s->kind == DB_VALKEY || s->kind == DB_MONGODB;
	return is_ours && s->sslmode != NULL;
}

static enum err_code
put_tls_around(struct runner **runner, const struct db_site *s, const struct cancel *cancel,
    struct err *err)
{
	const struct tls_options opt = {
		.host = s->host,
		.verify = strcmp(s->sslmode, "require") != 0,
		.any_name = strcmp(s->sslmode, "verify-full") != 0,
		.ca_file = s->sslrootcert,
		.cert_file = s->sslcert,
		.key_file = s->sslkey,
		.timeout_ms = TLS_TIMEOUT_MS,
		.cancel = cancel,
	};
	return tls_runner_open(runner, TAKE(*runner), &opt, err);
}

enum err_code
connection_reach(struct live_server *out, const struct connection *c,
    const struct cancel *cancel, struct err *err)
{
	if (host_runner_open(&out->runner, c->site.host, cancel, err))
		return err_wrap(err, "database %s", c->name);
	if (is_by_tls(&c->site) && put_tls_around(&out->runner, &c->site, cancel, err))
		return err_wrap(err, "database %s", c->name);
	out->target = (struct db_target){
		.service = c->name,
		.site = &c->site,
		.user = c->site.user,
		.password = c->site.password,
		.runner = out->runner,
		.cancel = cancel,
	};
	return ERR_OK;
}

void
connection_test_release(struct connection_test *t)
{
	connector_close(t->connector);
	live_server_close(&t->server);
	free(t->version);
	free(t->file.name);
	strv_release(&t->warnings);
	db_access_release(&t->access);
	*t = (struct connection_test)CONNECTION_TEST_INIT;
}

static enum err_code
try_server(struct connection_test *t, const struct connection *c, const struct cancel *cancel,
    struct err *err)
{
	const struct db_info *info;
	if (connection_reach(&t->server, c, cancel, err) ||
	    connector_open(&t->connector, &t->server.target, c->site.kind, err) ||
	    connector_check(t->connector, &info, err) ||
	    connector_access(t->connector, &t->access, err) ||
	    str_dup(&t->version, info->version, err))
		return err->code;
	t->databases = info->databases;
	t->database_count = info->database_count;
	t->bytes = info->bytes;
	return strv_add_all(&t->warnings, &info->warnings, err);
}

/* The version of the library that wrote the file last: bytes 96 to 99. */
static enum err_code
writer_version(struct connection_test *t, const uint8_t *header, struct err *err)
{
	unsigned v = (unsigned)header[96] << 24 | (unsigned)header[97] << 16 |
		     (unsigned)header[98] << 8 | header[99];
	return str_printf(&t->version, err, "%u.%u.%u", v / 1000000, v / 1000 % 1000, v % 1000);
}

static enum err_code
try_file(struct connection_test *t, const struct connection *c, struct err *err)
{
	uint8_t header[SQLITE_HEADER_SIZE];
	const char *path = c->site.path;
	struct stat st;
	size_t got;
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is no file", path);
	if (fd_pread_full(fd, header, sizeof header, 0, &got, err))
		return err_wrap(err, "%s", path);
	if (!sqlite_has_header(header, got))
		return err_set(err, ERR_USAGE, "%s is no SQLite database", path);
	const char *slash = strrchr(path, '/');
	if (writer_version(t, header, err) || str_dup(&t->file.name, slash + 1, err))
		return err->code;
	t->file.bytes = t->bytes = (uint64_t)st.st_size;
	t->databases = &t->file;
	t->database_count = 1;
	return ERR_OK;
}

enum err_code
connection_try(struct connection_test *out, const struct connection *c,
    const struct cancel *cancel, struct err *err)
{
	out->connection = c;
	if (c->site.path == NULL)
		return try_server(out, c, cancel, err);
	if (try_file(out, c, err))
		return err_wrap(err, "database %s", c->name);
	return ERR_OK;
}
