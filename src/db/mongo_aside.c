/* A database of a dump under another name (pick.h): each of its collections, then its views. */
#include "db/mongo_impl.h"
#include "db/pick.h"

static enum err_code
look(struct mongo *m, const struct db_aside *a, struct err *err)
{
	AUTO(mongo_list) struct mongo_list l = MONGO_LIST_INIT;
	if (mongo_list_read(&l, m->link, NULL, err))
		return err->code;
	for (size_t i = 0; i < l.len; i++)
		if (strcmp(l.items[i].database, a->into) == 0)
			return err_set(err, ERR_EXISTS,
			    "there is a database %s already: give another --into, or drop it",
			    a->into);
	return ERR_OK;
}

enum err_code
mongo_aside(struct connector *c, const struct db_aside *a, struct strv *told, struct err *err)
{
	struct mongo *m = mongo_of(c);
	struct mongo_answer answer;
	struct err scratch;
	(void)told;
	mongo_link_close(TAKE(m->link));
	m->has_moment = false;
	if (strcmp(a->database, "admin") == 0)
		return err_set(err, ERR_UNSUPPORTED, "admin is the server's own database");
	if (mongo_connect(&m->link, m, err) || mongo_hello(&m->facts, m->link, err) ||
	    look(m, a, err))
		return err->code;
	if (a->only_look)
		return ERR_OK;
	if (mongo_load_database(m, a->source, a->database, a->into, err) == ERR_OK)
		return ERR_OK;
	if (mongo_simple(m->link, a->into, "dropDatabase", &answer, &scratch) != ERR_OK)
		return err_wrap(
		    err, "(and database %s is left, not whole: %.150s)", a->into, scratch.msg);
	return err->code;
}
