/*
 * One table of a server that runs (pick.h).
 *
 * All is one script for one psql, in one transaction, so that whatever ends it (an error, a
 * signal, the machine) leaves the server as it was.  Names are quoted, rows go through COPY;
 * nothing of either is ever part of a statement's words.
 */
#include "db/postgres_pick_impl.h"

#include <stdlib.h>

/* pg_attribute.attgenerated, and OVERRIDING for COPY's sake. */
#define OLDEST 120000

enum err_code
pg_pick_run(struct postgres *p, const char *database, struct dump_source *rows,
    const struct buf *head, const struct buf *tail, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	struct run_spec spec;
	struct pick_script s;
	pick_script_init(&s, head, rows, tail);
	/* As for questions: what is put back must reach the disk before it is told. */
	if (pg_client(p, database, PG_FOR_QUESTIONS, &argv, &env, &spec, err))
		return err->code;
	return dump_feed(p->base.t, &s.base, "the table", &spec, SCRIPT_END, err);
}

static enum err_code
put(struct postgres *p, const struct db_pick *pick, struct err *err)
{
	AUTO(bufv) struct buf head = BUF_INIT;
	AUTO(bufv) struct buf tail = BUF_INIT;
	AUTO(str) char *side = NULL;
	char name[PICK_SIDE_SIZE];
	pick_side_name(name, pick->table);
	if (str_printf(&side, err, "\"" OLD_SCHEMA "%s\".\"%s\"", pick->tag, name) ||
	    pg_pick_script(pick, side, &head, &tail, err))
		return err->code;
	return pg_pick_run(p, pick->database, pick->source, &head, &tail, err);
}

enum err_code
postgres_pick(
    struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(session) struct session *first = NULL;
	AUTO(bufv) struct buf name = BUF_INIT;
	/* A transaction that was not ended is none. */
	if (pick->verb == PICK_MEND)
		return ERR_OK;
	if (pg_find_login(p, err) || pg_first_session(p, &first, err))
		return err->code;
	AUTO(str) char *version = NULL;
	if (session_ask_line(first, "SHOW server_version_num;", &version, err))
		return err->code;
	if (strtol(version, NULL, 10) < OLDEST)
		return err_set(err, ERR_UNSUPPORTED,
		    "single tables can be put back into PostgreSQL 12 and later");
	if (pg_put_name(&name, pick->table, pick->verb <= PICK_PUT ? pick->into : NULL, err))
		return err->code;
	const char *table = buf_cstr(&name);
	if (table == NULL)
		return err_nomem(err);
	switch (pick->verb) {
	case PICK_LOOK:
		return pg_pick_look(p, pick, table, told, err);
	case PICK_PUT:
		return put(p, pick, err);
	default:
		return pg_pick_settle(p, pick, table, told, err);
	}
}
