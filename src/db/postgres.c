#include "db/postgres_impl.h"

#include "db/site.h"

#include <stdio.h>
#include <string.h>

#define PREPARE_TRIES 3

struct postgres *
postgres_of(struct connector *c)
{
	return (struct postgres *)c;
}

void
pg_release_databases(struct postgres *p)
{
	for (size_t i = 0; i < p->database_count; i++) {
		run_free(p->databases[i].dump);
		strv_release(&p->databases[i].dump_argv);
		session_close(p->databases[i].session);
		free(p->databases[i].name);
		free(p->databases[i].snapshot);
		objects_release(&p->databases[i].objects);
	}
	free(p->databases);
	p->databases = NULL;
	p->database_count = 0;
}

bool
pg_is_template(const struct postgres *p, const char *database)
{
	for (size_t i = 0; i < p->database_count; i++)
		if (strcmp(p->databases[i].name, database) == 0)
			return p->databases[i].is_template;
	return true;
}

/*
 * A transaction that has no snapshot yet, but a lock on every table: TRUNCATE
 * and ALTER do not respect snapshots, and would otherwise come between the
 * fence and the dump's own locks.
 */
static enum err_code
lock_tables(struct session *s, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (buf_str(
		&sql, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;\n", err) ||
	    session_ask(s,
		"SELECT format('LOCK TABLE ONLY %I.%I IN ACCESS SHARE MODE;', n.nspname, "
		"c.relname) " PG_TABLES_OF_USERS "AND has_table_privilege(c.oid, 'SELECT');",
		&sql, err))
		return err->code;
	const char *text = buf_cstr(&sql);
	return text != NULL ? session_ask(s, text, &nothing, err) : err_nomem(err);
}

static enum err_code
open_transaction(const struct postgres *p, struct pg_database *d, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	if (pg_session(p, d->name, &s, err) || lock_tables(s, err))
		return err->code;
	d->session = TAKE(s);
	return ERR_OK;
}

/* The server may have been started again since. */
static void
drop_dead_asker(struct postgres *p)
{
	AUTO(str) char *one = NULL;
	struct err scratch; /* another is opened */
	if (p->asker != NULL && session_ask_line(p->asker, "SELECT 1;", &one, &scratch))
		session_close(TAKE(p->asker));
}

static enum err_code
postgres_prepare(struct connector *c, struct err *err)
{
	struct postgres *p = postgres_of(c);
	drop_dead_asker(p);
	/* Here it costs no time behind the fence. */
	if (!pg_is_template(p, p->maintenance) && pg_open_asker(p, err))
		return err->code;
	for (size_t i = 0; i < p->database_count; i++) {
		struct pg_database *d = &p->databases[i];
		enum err_code rc = ERR_OK;
		if (d->is_template)
			continue;
		/* A table may be dropped between the list and the lock. */
		for (int try = 0; try < PREPARE_TRIES; try++) {
			rc = open_transaction(p, d, err);
			if (rc != ERR_IO)
				break;
		}
		if (rc)
			return err_wrap(err, "database %s", d->name);
	}
	return ERR_OK;
}

static const char fence_sql[] =
    "SELECT pg_export_snapshot(), CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
    "ELSE pg_current_wal_lsn() END;";

static enum err_code
read_snapshot(struct pg_database *d, char **lsn, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_reply(d->session, &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	char *text = (char *)answer.data;
	char *row[2];
	if (!session_row(&text, row, 2) || row[0][0] == '\0')
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer to the wish for a snapshot");
	if (str_dup(&d->snapshot, row[0], err))
		return err->code;
	return str_dup(lsn, row[1], err);
}

/* All sessions are asked before the first answer is read, so that their instants lie together.
 */
static enum err_code
postgres_fence(struct connector *c, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(str) char *first = NULL;
	AUTO(str) char *last = NULL;
	for (size_t i = 0; i < p->database_count; i++) {
		struct pg_database *d = &p->databases[i];
		if (d->session != NULL && session_send(d->session, fence_sql, err))
			return err_wrap(err, "database %s", d->name);
	}
	for (size_t i = 0; i < p->database_count; i++) {
		struct pg_database *d = &p->databases[i];
		char *lsn = NULL;
		if (d->session == NULL)
			continue;
		if (read_snapshot(d, &lsn, err))
			return err_wrap(err, "database %s", d->name);
		if (first == NULL && str_dup(&first, lsn, err)) {
			free(lsn);
			return err->code;
		}
		free(last);
		last = lsn;
	}
	if (first == NULL)
		return ERR_OK;
	bool moved = strcmp(first, last) != 0;
	snprintf(c->report.fence.position, sizeof c->report.fence.position, "LSN %s%s%s", first,
	    moved ? " to " : "", moved ? last : "");
	return ERR_OK;
}

static void
postgres_close(struct connector *c)
{
	struct postgres *p = postgres_of(c);
	pg_release_databases(p);
	session_close(p->asker);
	free(p->user);
	free(p->maintenance);
	free(p->os_user);
	strv_release(&p->login);
	strv_release(&p->env);
	free(p->pg_dump_version);
	free(p->pg_dumpall_version);
	objects_release(&p->roles);
	free(p);
}

static const struct connector_ops postgres_ops = {
	.check = postgres_check,
	.access = postgres_access,
	.prepare = postgres_prepare,
	.fence = postgres_fence,
	.drain = postgres_drain,
	.ready = postgres_ready,
	.load = postgres_load,
	.pick = postgres_pick,
	.aside = postgres_aside,
	.close = postgres_close,
};

enum err_code
postgres_open(struct connector **out, const struct db_target *t, struct err *err)
{
	struct postgres *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->base.ops = &postgres_ops;
	p->base.t = t;
	*out = &p->base;
	return ERR_OK;
}
