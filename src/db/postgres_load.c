#include "db/postgres_impl.h"

#include "db/target.h"

#include <string.h>

#define GLOBALS_MAX ((size_t)256 << 20)

/*
 * While an image's entrypoint sets a new server up, it runs one without a
 * network address and then stops it: what is loaded by then would be cut off.
 */
enum err_code
postgres_ready(struct connector *c, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(session) struct session *s = NULL;
	AUTO(str) char *addresses = NULL;
	AUTO(strv) struct strv words = STRV_INIT;
	if (target_words(&words, c->t, err))
		return err->code;
	if (pg_first_session(p, &s, err) ||
	    session_ask_line(s, "SHOW listen_addresses;", &addresses, err)) {
		/* Also a refused account: the entrypoint has not made it yet. */
		if (err->code == ERR_DENIED || err->code == ERR_IO)
			err->code = ERR_TRANSIENT;
		return err->code;
	}
	if (addresses[0] != '\0' || words_setting(&words, "listen_addresses") != NULL)
		return ERR_OK;
	return err_set(err, ERR_TRANSIENT, "the image's entrypoint is still setting it up");
}

static enum err_code
run_sql(const struct postgres *p, const char *database, const char *sql, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (pg_session(p, database, &s, err))
		return err->code;
	return session_ask(s, sql, &nothing, err);
}

/* DROP DATABASE ... WITH (FORCE) came with version 13. */
static enum err_code
put_drop_database(struct buf *sql, const char *name, struct err *err)
{
	AUTO(bufv) struct buf quoted = BUF_INIT;
	if (pg_quote(&quoted, name, err))
		return err->code;
	const char *q = (const char *)quoted.data;
	return buf_printf(sql, err,
	    "ALTER DATABASE %s WITH IS_TEMPLATE false ALLOW_CONNECTIONS false;\n"
	    "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_database d "
	    "ON d.oid = a.datid WHERE NOT d.datallowconn AND d.datname <> 'template0';\n"
	    "DROP DATABASE %s;\n",
	    q, q);
}

/* All databases but template0 and the one that the session is on. */
static enum err_code
drop_databases(const struct postgres *p, const char *from, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (pg_session(p, from, &s, err) ||
	    session_ask_texts(s,
		"SELECT encode(convert_to(datname, 'UTF8'), 'hex') FROM pg_database "
		"WHERE datname NOT IN ('template0', current_database());",
		&names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++)
		if (put_drop_database(&sql, names.items[i], err))
			return err->code;
	if (sql.len == 0)
		return ERR_OK;
	return session_ask(s, (const char *)sql.data, &nothing, err);
}

/*
 * Roles and tablespaces that the image's set-up made.  Only template1 is left
 * by now, so that little can belong to them.  The account that is logged in
 * stays, without what a dump mentions only when it is set.
 */
static const char drop_roles_sql[] =
    "SELECT format('DROP TABLESPACE %I;', spcname) FROM pg_tablespace WHERE spcname !~ '^pg_' "
    "\\gexec\n"
    "SELECT format('DROP OWNED BY %I CASCADE;', rolname) FROM pg_roles "
    "WHERE rolname !~ '^pg_' AND rolname <> current_user AND oid <> 10 \\gexec\n"
    "SELECT format('DROP ROLE %I;', rolname) FROM pg_roles "
    "WHERE rolname !~ '^pg_' AND rolname <> current_user AND oid <> 10 \\gexec\n"
    "SELECT format('ALTER ROLE %I PASSWORD NULL;', current_user) \\gexec\n"
    "SELECT format('ALTER ROLE %I RESET ALL;', current_user) \\gexec\n";

/* The account that restores is there already: its CREATE ROLE is left out. */
static enum err_code
leave_out_role(struct buf *sql, const char *role, struct err *err)
{
	AUTO(bufv) struct buf quoted = BUF_INIT;
	AUTO(bufv) struct buf line = BUF_INIT;
	if (pg_quote(&quoted, role, err))
		return err->code;
	const char *forms[] = { role, (const char *)quoted.data };
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		line.len = 0;
		if (buf_printf(&line, err, "\nCREATE ROLE %s;\n", forms[i]))
			return err->code;
		uint8_t *at = memmem(sql->data, sql->len, line.data, line.len);
		if (at == NULL)
			continue;
		/* A comment of the same length: the rest need not move. */
		memcpy(at + 1, "--", 2);
		return ERR_OK;
	}
	return ERR_OK;
}

/* A dump file that is in memory. */
struct memory_source {
	struct dump_source base;
	const struct buf *data;
	size_t at;
};

static enum err_code
memory_open(struct dump_source *src, const char *name, struct err *err)
{
	(void)name;
	(void)err;
	((struct memory_source *)src)->at = 0;
	return ERR_OK;
}

static enum err_code
memory_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	(void)err;
	struct memory_source *m = (struct memory_source *)src;
	*got = min_size(len, m->data->len - m->at);
	if (*got > 0)
		memcpy(out, m->data->data + m->at, *got);
	m->at += *got;
	return ERR_OK;
}

static void
memory_close(struct dump_source *src)
{
	(void)src;
}

static const struct dump_source_ops memory_ops = {
	.open = memory_open,
	.read = memory_read,
	.close = memory_close,
};

static enum err_code
feed(const struct postgres *p, struct dump_source *src, const char *name, const char *database,
    const char *end_mark, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	struct run_spec spec;
	if (pg_client(p, database, PG_FOR_LOADING, &argv, &env, &spec, err))
		return err->code;
	return dump_feed(p->base.t, src, name, &spec, end_mark, err);
}

static enum err_code
load_globals(const struct postgres *p, struct dump_source *src, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	if (dump_slurp(src, DUMP_GLOBALS, GLOBALS_MAX, &sql, err) ||
	    leave_out_role(&sql, p->user, err))
		return err->code;
	struct memory_source memory = { { &memory_ops }, &sql, 0 };
	return feed(p, &memory.base, DUMP_GLOBALS, "template1", PG_GLOBALS_END, err);
}

/* The dump of every database but template1, each from a session on template1; *other is one of
 * them, from which template1 can be replaced. */
static enum err_code
load_databases(const struct postgres *p, struct dump_source *src, const struct strv *names,
    char **other, struct err *err)
{
	for (size_t i = 0; i < names->len; i++) {
		const char *name = names->items[i];
		AUTO(str) char *database = NULL;
		if (strcmp(name, DUMP_GLOBALS) == 0 || pg_is_conf(name))
			continue;
		if (dump_name_decode(&database, name, err))
			return err->code;
		if (strcmp(database, "template1") == 0)
			continue;
		if (feed(p, src, name, "template1", PG_DUMP_END, err))
			return err->code;
		if (*other == NULL || strcmp(database, "postgres") == 0) {
			free(*other);
			*other = TAKE(database);
		}
	}
	return ERR_OK;
}

static enum err_code
load_template1(
    const struct postgres *p, struct dump_source *src, const char *from, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	if (put_drop_database(&sql, "template1", err) ||
	    run_sql(p, from, (const char *)sql.data, err))
		return err_wrap(err, "replace template1");
	return feed(p, src, "template1.sql", from, PG_DUMP_END, err);
}

/* Before anything is dropped. */
static enum err_code
check_names(const struct strv *names, struct err *err)
{
	if (!strv_has(names, DUMP_GLOBALS))
		return err_set(err, ERR_CORRUPT, "the dataset holds no %s", DUMP_GLOBALS);
	for (size_t i = 0; i < names->len; i++) {
		AUTO(str) char *database = NULL;
		if (strcmp(names->items[i], DUMP_GLOBALS) != 0 &&
		    !pg_is_conf(names->items[i]) &&
		    dump_name_decode(&database, names->items[i], err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
postgres_load(struct connector *c, struct dump_source *src, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) char *other = NULL;
	if (pg_find_login(p, err) || src->ops->list(src, &names, err) ||
	    check_names(&names, err))
		return err->code;
	if (drop_databases(p, "template1", err) || run_sql(p, "template1", drop_roles_sql, err))
		return err_wrap(err, "empty the server");
	if (load_globals(p, src, err) || load_databases(p, src, &names, &other, err))
		return err->code;
	if (other != NULL && strv_has(&names, "template1.sql") &&
	    load_template1(p, src, other, err))
		return err->code;
	const char *database = other != NULL ? other : "template1";
	if (run_sql(p, database, "CHECKPOINT;", err))
		return err->code;
	return pg_load_conf(p, database, src, &names, err);
}
