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

/* What was loaded is of no more use, however it went. */
static enum err_code
put_and_tidy(struct my_pick *p, struct err *err)
{
	struct err later;
	AUTO(session) struct session *s = NULL;
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	enum err_code rc = put(p, err);
	if (rc == ERR_LOCKED)
		return rc;
	/* A session that had an error has ended, and its transaction with it. */
	enum err_code back = mysql_session(p->m, &s, &later);
	if (back == ERR_OK)
		back = my_put(&sql, p, "DROP DATABASE IF EXISTS {b};", &later);
	if (back == ERR_OK && buf_cstr(&sql) == NULL)
		back = err_nomem(&later);
	if (back == ERR_OK)
		back = session_ask(s, (const char *)sql.data, &nothing, &later);
	if (rc == ERR_OK && back)
		*err = later;
	return rc ? rc : back;
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
	default:
		return my_settle(&p, told, err);
	}
}
