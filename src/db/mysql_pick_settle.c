/* Undo and finish (mysql_pick_impl.h). */
#include "db/mysql_pick_impl.h"

#include <string.h>

static const char columns_sql[] =
    "SELECT " MY_HEX("COLUMN_NAME") " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {d} "
				    "AND TABLE_NAME = {n} ORDER BY ORDINAL_POSITION;";
static const char old_columns_sql[] =
    "SELECT " MY_HEX("COLUMN_NAME") " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {y} "
				    "AND TABLE_NAME = {z} ORDER BY ORDINAL_POSITION;";

static bool
is_same(const struct strv *a, const struct strv *b)
{
	for (size_t i = 0; i < a->len && i < b->len; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return a->len == b->len;
}

/* A column that was made since would be lost with the table. */
static enum err_code
check_columns(struct my_pick *p, struct err *err)
{
	AUTO(strv) struct strv now = STRV_INIT;
	AUTO(strv) struct strv then = STRV_INIT;
	if (my_ask_texts(p, columns_sql, &now, err) ||
	    my_ask_texts(p, old_columns_sql, &then, err))
		return err->code;
	if (now.len == 0 || is_same(&now, &then))
		return ERR_OK;
	return err_set(err, ERR_USAGE,
	    "%s has other columns now than its old rows, which are in %s: copy from there what "
	    "you need, then 'stacksnap restore finish'",
	    p->pick->table, p->words['o' - 'a']);
}

/* The database goes with its last table. */
enum err_code
my_drop_kept(struct my_pick *p, struct err *err)
{
	uint64_t left;
	/* The mark last: rows without it would count as kept. */
	if (my_do(p, "DROP TABLE IF EXISTS {o};\nDROP TABLE IF EXISTS {m};", err) ||
	    my_ask_number(p,
		"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {y};",
		&left, err))
		return err->code;
	return left == 0 ? my_do(p, "DROP DATABASE IF EXISTS {p};", err) : ERR_OK;
}

static enum err_code
settle(struct my_pick *p, struct err *err)
{
	if (p->pick->verb == PICK_UNDO && (check_columns(p, err) || my_put_back(p, err)))
		return err->code;
	if (my_drop_kept(p, err))
		return err->code;
	return my_do(p, "DROP DATABASE IF EXISTS {b};", err);
}

enum err_code
my_settle(struct my_pick *p, struct strv *told, struct err *err)
{
	AUTO(str) char *tag = NULL;
	if (my_lock(p, err) || my_find_kept(p, &tag, err))
		return err->code;
	if (tag == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "no rows of %s were replaced, or this is settled already", p->pick->table);
	return p->pick->verb == PICK_KEPT ? strv_add(told, tag, err) : settle(p, err);
}
