/* The dumps: of roles and tablespaces, of templates, and of every database as its snapshot is.
 */
#include "db/postgres_impl.h"

#include "db/site.h"

#include <string.h>

/* The databases that the snapshot sees are those that have one. */
static enum err_code
check_list(struct postgres *p, const struct pg_database *seen_by, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	/* Of a site, those that may be connected to; one that was named stands alone. */
	const struct db_site *site = p->base.t->site;
	if (site != NULL && site->database != NULL)
		return ERR_OK;
	if (session_ask_texts(seen_by->session,
		site == NULL ? "SELECT encode(convert_to(datname, 'UTF8'), 'hex') FROM "
			       "pg_database WHERE datallowconn AND NOT datistemplate;"
			     : "SELECT encode(convert_to(datname, 'UTF8'), 'hex') FROM "
			       "pg_database WHERE datallowconn AND NOT datistemplate AND "
			       "has_database_privilege(oid, 'CONNECT');",
		&names, err))
		return err->code;
	for (size_t k = 0; k < names.len; k++) {
		bool known = false;
		for (size_t i = 0; i < p->database_count; i++)
			known = known || strcmp(p->databases[i].name, names.items[k]) == 0;
		if (!known)
			return err_set(err, ERR_TRANSIENT,
			    "database \"%s\" was created while the backup was prepared; try "
			    "again",
			    names.items[k]);
	}
	return ERR_OK;
}

static enum err_code
tool_argv(const struct postgres *p, const char *const *options, const char *database,
    struct strv *argv, struct err *err)
{
	AUTO(str) char *conninfo = NULL;
	if (strv_add_words(argv, options, err) || strv_add_all(argv, &p->login, err) ||
	    pg_conninfo(&conninfo, database, err))
		return err->code;
	return strv_addf(argv, err, "--dbname=%s", conninfo);
}

static enum err_code
start_tool(const struct postgres *p, const struct strv *argv, const char *file_option,
    struct run **run, struct err *err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	if (pg_env(p, PG_FOR_DUMPING, &env, err))
		return err->code;
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = (const char *const *)argv->items;
	spec.env = (const char *const *)env.items;
	spec.user = p->os_user;
	spec.file_option = file_option;
	spec.file_option_at = 1;
	return runner_start(p->base.t->runner, &spec, run, err);
}

/* What the globals lack may have gone since it was listed. */
static enum err_code
check_globals(void *arg, const struct census *c, struct err *err)
{
	struct postgres *p = arg;
	AUTO(session) struct session *s = NULL;
	AUTO(objects) struct objects now = OBJECTS_INIT;
	enum err_code rc = objects_check(&p->roles, c, NULL, err);
	if (rc != ERR_INCOMPLETE)
		return rc;
	if (pg_session(p, p->maintenance, &s, err) || pg_list_roles(s, &now, err))
		return err->code;
	objects_keep_common(&p->roles, &now);
	return objects_check(&p->roles, c, NULL, err);
}

static enum err_code
start_globals(struct postgres *p, struct strv *argv, struct run **run, struct err *err)
{
	const char *options[] = { "pg_dumpall", "--globals-only",
		p->is_superuser ? NULL : "--no-role-passwords", NULL };
	if (pg_list_roles(p->asker, &p->roles, err) ||
	    tool_argv(p, options, p->maintenance, argv, err) ||
	    /* Small; and of a file it would ask that it be on the disk. */
	    start_tool(p, argv, NULL, run, err))
		return err_wrap(err, DUMP_GLOBALS);
	return ERR_OK;
}

static enum err_code
drain_globals(struct postgres *p, const struct strv *argv, struct run *run,
    const struct dump_out *out, struct err *err)
{
	struct dump_head head = { DUMP_GLOBALS, NULL, DUMP_POSTGRES, p->pg_dumpall_version,
		(const char *const *)argv->items, false };
	struct dump_proof proof = { PG_GLOBALS_END, NULL, check_globals, p };
	return dump_pump(out, &head, run, NULL, &proof, err);
}

struct database_check {
	struct postgres *p;
	struct pg_database *d;
};

static enum err_code
check_database(void *arg, const struct census *c, struct err *err)
{
	const struct database_check *k = arg;
	struct pg_database *d = k->d;
	if (d->session != NULL) {
		if (pg_end_count(d->session, &d->objects, err))
			return err_wrap(err, "count the rows of database %s", d->name);
		return objects_check(&d->objects, c, NULL, err);
	}
	enum err_code rc = objects_check(&d->objects, c, NULL, err);
	if (rc != ERR_INCOMPLETE)
		return rc;
	/* A template has no snapshot: what it lacks may have gone since it was listed. */
	AUTO(session) struct session *s = NULL;
	AUTO(objects) struct objects now = OBJECTS_INIT;
	if (pg_session(k->p, d->name, &s, err) || pg_list_objects(k->p, s, &now, err))
		return err->code;
	objects_keep_common(&d->objects, &now);
	return objects_check(&d->objects, c, NULL, err);
}

/* The catalogue's list, and the count of rows begun, in the transaction of the fence; of a
 * template, which has none, the list as it is now. */
static enum err_code
expect_database(struct postgres *p, struct pg_database *d, struct err *err)
{
	if (d->session != NULL)
		return pg_list_objects(p, d->session, &d->objects, err)
			   ? err->code
			   : pg_begin_count(d->session, err);
	if (p->asker == NULL)
		return pg_session(p, d->name, &p->asker, err)
			   ? err->code
			   : pg_list_objects(p, p->asker, &d->objects, err);
	return pg_move_session(p->asker, d->name, err)
		   ? err->code
		   : pg_list_objects(p, p->asker, &d->objects, err);
}

static enum err_code
start_dump(struct postgres *p, struct pg_database *d, struct err *err)
{
	/* A table that somebody waits to change would keep pg_dump waiting for us. */
	const char *options[] = { "pg_dump", "--format=plain", "--create",
		"--lock-wait-timeout=60s", NULL };
	if (tool_argv(p, options, d->name, &d->dump_argv, err))
		return err->code;
	if (d->snapshot != NULL && strv_addf(&d->dump_argv, err, "--snapshot=%s", d->snapshot))
		return err->code;
	if (expect_database(p, d, err))
		return err_wrap(err, "list what database %s has", d->name);
	if (start_tool(p, &d->dump_argv, "--file=", &d->dump, err))
		return err_wrap(err, "database %s", d->name);
	return ERR_OK;
}

static enum err_code
drain_database(
    struct postgres *p, struct pg_database *d, const struct dump_out *out, struct err *err)
{
	AUTO(str) char *name = NULL;
	if (dump_name_encode(&name, d->name, err) || (d->dump == NULL && start_dump(p, d, err)))
		return err->code;
	struct dump_head head = { name, d->name, DUMP_POSTGRES, p->pg_dump_version,
		(const char *const *)d->dump_argv.items, false };
	struct database_check check = { p, d };
	struct dump_proof proof = { PG_DUMP_END, p->base.report.info.version, check_database,
		&check };
	if (dump_pump(out, &head, d->dump, NULL, &proof, err))
		return err->code;
	run_free(TAKE(d->dump));
	/* The server may clean up behind the snapshot again. */
	session_close(TAKE(d->session));
	return ERR_OK;
}

static enum err_code
start_templates(struct postgres *p, struct err *err)
{
	for (size_t i = 0; i < p->database_count; i++)
		if (p->databases[i].is_template && start_dump(p, &p->databases[i], err))
			return err->code;
	session_close(TAKE(p->asker));
	return ERR_OK;
}

/* The first database with a snapshot; NULL: there is none. */
static struct pg_database *
first_database(const struct postgres *p)
{
	for (size_t i = 0; i < p->database_count; i++)
		if (p->databases[i].session != NULL)
			return &p->databases[i];
	return NULL;
}

/*
 * Starting a tool takes as long as dumping some ten megabytes, so the first ones are started
 * together: the first database's, which waits when its pipe is full, that of the globals and
 * those of templates.  These come first: they are small, and nobody can create databases
 * while they are being dumped.
 */
enum err_code
postgres_drain(struct connector *c, struct dump_sink *sink, struct err *err)
{
	struct postgres *p = postgres_of(c);
	struct dump_out out = { c, sink };
	struct pg_database *first = first_database(p);
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(run) struct run *globals = NULL;
	if (first != NULL && (check_list(p, first, err) || start_dump(p, first, err)))
		return err->code;
	if (pg_open_asker(p, err) || start_globals(p, &argv, &globals, err) ||
	    pg_save_conf(p, &p->asker, &out, err) || start_templates(p, err) ||
	    drain_globals(p, &argv, globals, &out, err))
		return err->code;
	for (size_t i = 0; i < p->database_count; i++)
		if (p->databases[i].is_template &&
		    drain_database(p, &p->databases[i], &out, err))
			return err->code;
	for (size_t i = 0; i < p->database_count; i++)
		if (!p->databases[i].is_template &&
		    drain_database(p, &p->databases[i], &out, err))
			return err->code;
	return ERR_OK;
}
