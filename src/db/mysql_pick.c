/*
 * One table of a server that runs (pick.h).
 *
 * What changes tables ends MySQL's transactions.  So rows are loaded beside all else first and
 * counted; what then changes the table is one statement or one transaction (mysql_pick_swap.c).
 */
#include "db/mysql_pick_impl.h"

static enum err_code
put_beside(struct my_pick *p, struct err *err)
{
	return my_do(p,
	    "CREATE DATABASE IF NOT EXISTS {j} CHARACTER SET utf8mb4;\nRENAME TABLE {s} TO "
	    "{i};",
	    err);
}

static enum err_code
put(struct my_pick *p, struct err *err)
{
	AUTO(strv) struct strv told = STRV_INIT;
	if (my_lock(p, err) || my_look(p, &told, err))
		return err->code;
	enum err_code rc = my_load(p, err);
	/* Once more: loading may have taken hours. */
	if (rc == ERR_OK)
		rc = my_look(p, &told, err);
	if (rc == ERR_OK)
		rc = p->pick->into != NULL ? put_beside(p, err) : my_put_in_place(p, err);
	return rc;
}

/* A session that had an error has ended, and its transaction with it: another one. */
static enum err_code
drop_loaded(struct my_pick *p, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (mysql_session(p->m, &s, err) ||
	    my_put(&sql, p, "DROP DATABASE IF EXISTS {b};", err))
		return err->code;
	const char *text = buf_cstr(&sql);
	return text != NULL ? session_ask(s, text, &nothing, err) : err_nomem(err);
}

/* What was loaded is of no more use, however it went. */
static enum err_code
put_and_tidy(struct my_pick *p, struct err *err)
{
	struct err later;
	enum err_code rc = put(p, err);
	if (rc == ERR_LOCKED)
		return rc;
	enum err_code back = drop_loaded(p, &later);
	if (rc == ERR_OK && back)
		*err = later;
	return rc ? rc : back;
}

/* Whoever holds the lock is a session that has not ended yet. */
static enum err_code
mend(struct my_pick *p, struct err *err)
{
	uint64_t is_ours;
	if (my_ask_number(p, "SELECT COALESCE(GET_LOCK({x}, 10), 0);", &is_ours, err))
		return err->code;
	return is_ours > 0
		   ? drop_loaded(p, err)
		   : err_set(err, ERR_LOCKED, "the server is still at %s", p->pick->table);
}

enum err_code
mysql_pick(struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err)
{
	struct mysql *m = mysql_of(c);
	AUTO(my_pick) struct my_pick p = { .m = m };
	if (mysql_find_login(m, err) || my_pick_init(&p, m, pick, err))
		return err->code;
	switch (pick->verb) {
	case PICK_LOOK:
		return my_look(&p, told, err);
	case PICK_PUT:
		return put_and_tidy(&p, err);
	case PICK_MEND:
		return mend(&p, err);
	default:
		return my_settle(&p, told, err);
	}
}
