/*
 * postgres_pick_impl.h: what the parts of PostgreSQL's pick share.
 *
 * postgres_pick.c         the verbs
 * postgres_pick_script.c  the words around the rows
 * postgres_pick_look.c    what is there, and what depends on it
 * postgres_pick_settle.c  undo and finish
 */
#ifndef DB_POSTGRES_PICK_IMPL_H
#define DB_POSTGRES_PICK_IMPL_H

#include "db/pick_impl.h"
#include "db/postgres_impl.h"

#define SCRIPT_END "-- StackSnap script complete"
#define OLD_SCHEMA "stacksnap_old_"

/* A question for session_ask_texts: one column, and what stands behind it. */
#define PG_HEX(column, rest) \
	"SELECT pg_catalog.encode(pg_catalog.convert_to(" column ", 'UTF8'), 'hex') " rest

/* --- words --- */

extern const char pg_pick_begin[];
MUST_CHECK enum err_code pg_put_end(struct buf *out, struct err *err);
/* 'text', which standard_conforming_strings reads as it stands. */
MUST_CHECK enum err_code pg_put_literal(struct buf *out, const char *text, struct err *err);
/* 'table'::regclass */
MUST_CHECK enum err_code pg_put_regclass(struct buf *out, const char *table, struct err *err);
/* "schema"."table", of a name of the census; the last part alone with another schema. */
MUST_CHECK enum err_code pg_put_name(
    struct buf *out, const char *name, const char *schema, struct err *err);
MUST_CHECK enum err_code pg_put_emptying(struct buf *out, const char *table, struct err *err);
/* Foreign keys are checked, sequences raised. */
MUST_CHECK enum err_code pg_put_checks(struct buf *out, const char *table, struct err *err);

/* --- doing --- */

/* Ask with the table's 'name' in place of each @. */
MUST_CHECK enum err_code pg_ask_of_table(struct session *s, const char *format_sql,
    const char *table, struct strv *out, struct err *err);
MUST_CHECK enum err_code pg_pick_run(struct postgres *p, const char *database,
    struct dump_source *rows, const struct buf *head, const struct buf *tail, struct err *err);
MUST_CHECK enum err_code pg_pick_look(struct postgres *p, const struct db_pick *pick,
    const char *table, struct strv *told, struct err *err);
/* PICK_KEPT, PICK_UNDO, PICK_FINISH. */
MUST_CHECK enum err_code pg_pick_settle(struct postgres *p, const struct db_pick *pick,
    const char *table, struct strv *told, struct err *err);

#endif
