/*
 * mysql_pick_impl.h: what the parts of MariaDB's and MySQL's pick share.
 *
 * mysql_pick.c         the verbs
 * mysql_pick_words.c   statements, and the server's answers
 * mysql_pick_look.c    what is there, and what depends on it
 * mysql_pick_load.c    the stored rows into a database of ours
 * mysql_pick_swap.c    two tables, or their rows, exchanged
 * mysql_pick_settle.c  undo and finish
 *
 * Databases of ours: "stacksnap_new_HASH" holds what is being loaded, under the
 * table's own name (as the dump's words call it), and is gone at the end;
 * "stacksnap_old_TAG" holds the old rows as "rows_HASH".  HASH is of the table's name
 * with its database, so that two tables never meet.
 */
#ifndef DB_MYSQL_PICK_IMPL_H
#define DB_MYSQL_PICK_IMPL_H

#include "db/mysql_impl.h"
#include "db/pick_impl.h"

/*
 * Statements are templates, in which {x} stands for a name or a text, quoted:
 *
 *	{t} the table         {d} its database, as a text   {n} its name, as a text
 *	{s} the loaded one    {b} its database              {x} that, as a text
 *	{o} the old rows      {p} their database            {y} that, as a text
 *	{z} the old rows' name, as a text
 *	{m} the mark that rows, and not tables, were exchanged
 *	{i} the table in --into                             {j} that database
 *	{v} --into, as a text {c} the columns that rows are given for
 */
struct my_pick {
	struct mysql *m;
	const struct db_pick *pick;
	struct session *session;
	char *name; /* the table's, without its database */
	char *words['z' - 'a' + 1];
};

/* --- words --- */

/* Names and a session; p is zeroed.  To be released also when this fails. */
MUST_CHECK enum err_code my_pick_init(
    struct my_pick *p, struct mysql *m, const struct db_pick *pick, struct err *err);
void my_pick_release(struct my_pick *p);
static inline void UNUSED
my_pick_auto(struct my_pick *p)
{
	my_pick_release(p);
}
/* The database of the old rows. */
MUST_CHECK enum err_code my_set_old(struct my_pick *p, const char *tag, struct err *err);
/* The columns of the table that are not made of others; after it {c} may be used. */
MUST_CHECK enum err_code my_set_columns(struct my_pick *p, struct err *err);

MUST_CHECK enum err_code my_put(
    struct buf *out, const struct my_pick *p, const char *template, struct err *err);
MUST_CHECK enum err_code my_do(struct my_pick *p, const char *template, struct err *err);
/* The words of a statement that would do harm if the client got the first half of it only, and
 * took that for a whole one. */
MUST_CHECK enum err_code my_do_whole(struct my_pick *p, const char *template, struct err *err);
/* One column, each row MY_HEX. */
MUST_CHECK enum err_code my_ask_texts(
    struct my_pick *p, const char *template, struct strv *out, struct err *err);
MUST_CHECK enum err_code my_ask_number(
    struct my_pick *p, const char *template, uint64_t *out, struct err *err);

#define MY_HEX(x) "HEX(CONVERT(" x " USING utf8mb4))"

/* --- look --- */

/* What keeps tables from being exchanged as wholes. */
struct my_ties {
	bool is_innodb;
	uint64_t foreign_keys; /* from it and to it */
	uint64_t write_triggers; /* that run when rows go or come */
	uint64_t triggers;
};

MUST_CHECK enum err_code my_ask_ties(struct my_pick *p, struct my_ties *out, struct err *err);
/* ERR_UNSUPPORTED, saying why, when neither tables nor rows can be exchanged. */
MUST_CHECK enum err_code my_check_ties(
    const struct my_pick *p, const struct my_ties *t, struct err *err);
MUST_CHECK enum err_code my_look(struct my_pick *p, struct strv *told, struct err *err);
/* Is there a table {t}? */
MUST_CHECK enum err_code my_exists(struct my_pick *p, bool *out, struct err *err);
/* The tag of the rows that are kept; NULL: none are. */
MUST_CHECK enum err_code my_find_kept(struct my_pick *p, char **tag, struct err *err);

/* --- load, swap, settle --- */

/* One restore of a table at a time; ERR_LOCKED: there is another.  Held by the session. */
MUST_CHECK enum err_code my_lock(struct my_pick *p, struct err *err);
/* {s} then holds the rows of the snapshot, as many as were stored. */
MUST_CHECK enum err_code my_load(struct my_pick *p, struct err *err);
/* {s} in place of {t}, whose rows go to {o}. */
MUST_CHECK enum err_code my_put_in_place(struct my_pick *p, struct err *err);
/* The rows of {o} in place of {t}'s, which are gone then. */
MUST_CHECK enum err_code my_put_back(struct my_pick *p, struct err *err);
MUST_CHECK enum err_code my_drop_kept(struct my_pick *p, struct err *err);
/* PICK_KEPT, PICK_UNDO, PICK_FINISH. */
MUST_CHECK enum err_code my_settle(struct my_pick *p, struct strv *told, struct err *err);

#endif
