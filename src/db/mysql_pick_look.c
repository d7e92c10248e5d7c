/* What is there, and what depends on it (mysql_pick_impl.h). */
#include "db/mysql_pick_impl.h"

#include <inttypes.h>
#include <string.h>

#define OF_TABLE "TABLE_SCHEMA = {d} AND TABLE_NAME = {n}"
#define OF_TRIGGERS "EVENT_OBJECT_SCHEMA = {d} AND EVENT_OBJECT_TABLE = {n}"
#define OF_KEYS                                                                                \
	"REFERENCED_TABLE_NAME IS NOT NULL AND ((TABLE_SCHEMA = {d} AND TABLE_NAME = {n}) OR " \
	"(REFERENCED_TABLE_SCHEMA = {d} AND REFERENCED_TABLE_NAME = {n}))"

/* --- ties --- */

enum err_code
my_ask_ties(struct my_pick *p, struct my_ties *out, struct err *err)
{
	uint64_t innodb;
	if (my_ask_number(p,
		"SELECT COUNT(*) FROM information_schema.TABLES WHERE " OF_TABLE
		" AND ENGINE = 'InnoDB';",
		&innodb, err) ||
	    my_ask_number(p,
		"SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE " OF_KEYS ";",
		&out->foreign_keys, err) ||
	    my_ask_number(p,
		"SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE " OF_TRIGGERS ";",
		&out->triggers, err) ||
	    my_ask_number(p,
		"SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE " OF_TRIGGERS
		" AND EVENT_MANIPULATION <> 'UPDATE';",
		&out->write_triggers, err))
		return err->code;
	out->is_innodb = innodb > 0;
	return ERR_OK;
}

enum err_code
my_check_ties(const struct my_pick *p, const struct my_ties *t, struct err *err)
{
	const char *table = p->pick->table;
	if (t->write_triggers > 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s has triggers for INSERT or DELETE: this server can neither exchange "
		    "rows without running them nor give them to another table in one step; "
		    "use --into, and copy what you need",
		    table);
	if (!t->is_innodb && (t->triggers > 0 || t->foreign_keys > 0))
		return err_set(err, ERR_UNSUPPORTED,
		    "%s has triggers or foreign keys, and an engine without transactions: use "
		    "--into, and copy what you need",
		    table);
	return ERR_OK;
}

/* --- what is there --- */

static enum err_code
table_type(struct my_pick *p, struct strv *type, struct err *err)
{
	return my_ask_texts(p,
	    "SELECT " MY_HEX("TABLE_TYPE") " FROM information_schema.TABLES WHERE " OF_TABLE
					   ";",
	    type, err);
}

enum err_code
my_exists(struct my_pick *p, bool *out, struct err *err)
{
	AUTO(strv) struct strv type = STRV_INIT;
	if (table_type(p, &type, err))
		return err->code;
	*out = type.len > 0;
	return ERR_OK;
}

/* Without the mark's row, the exchange that it was made for never came to its end. */
static enum err_code
is_whole(struct my_pick *p, bool *out, struct err *err)
{
	uint64_t marks;
	*out = true;
	if (my_ask_number(p,
		"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {y} AND "
		"TABLE_NAME = REPLACE({z}, 'rows_', 'mark_');",
		&marks, err))
		return err->code;
	if (marks == 0)
		return ERR_OK;
	if (my_ask_number(p, "SELECT COUNT(*) FROM {m};", &marks, err))
		return err->code;
	*out = marks > 0;
	return ERR_OK;
}

enum err_code
my_find_kept(struct my_pick *p, char **tag, struct err *err)
{
	AUTO(strv) struct strv found = STRV_INIT;
	if (my_ask_texts(p,
		"SELECT " MY_HEX("TABLE_SCHEMA") " FROM information_schema.TABLES WHERE "
						 "TABLE_NAME = {z} AND TABLE_SCHEMA REGEXP "
						 "'^stacksnap_old_[0-9a-f]{8}$' ORDER BY 1;",
		&found, err))
		return err->code;
	*tag = NULL;
	for (size_t i = 0; i < found.len; i++) {
		bool whole;
		const char *digits = found.items[i] + strlen("stacksnap_old_");
		if (my_set_old(p, digits, err) || is_whole(p, &whole, err))
			return err->code;
		if (whole)
			return str_dup(tag, digits, err);
	}
	return p->pick->tag != NULL ? my_set_old(p, p->pick->tag, err) : ERR_OK;
}

/* --- in place --- */

/* All of them in order, or those that are given where some are made of others. */
static enum err_code
check_columns(struct my_pick *p, struct err *err)
{
	AUTO(strv) struct strv all = STRV_INIT;
	AUTO(strv) struct strv given = STRV_INIT;
	const struct shape *s = p->pick->shape;
	if (my_ask_texts(p,
		"SELECT " MY_HEX(
		    "COLUMN_NAME") " FROM information_schema.COLUMNS WHERE " OF_TABLE
				   " ORDER BY ORDINAL_POSITION;",
		&all, err) ||
	    my_ask_texts(p,
		"SELECT " MY_HEX(
		    "COLUMN_NAME") " FROM information_schema.COLUMNS WHERE " OF_TABLE
				   " AND COALESCE(GENERATION_EXPRESSION, "
				   "'') = '' ORDER BY ORDINAL_POSITION;",
		&given, err))
		return err->code;
	return pick_check_columns(
	    p->pick, s->column_count == given.len && all.len != given.len ? &given : &all, err);
}

static enum err_code
tell_dependants(struct my_pick *p, struct strv *told, struct err *err)
{
	if (my_ask_texts(p,
		"SELECT DISTINCT " MY_HEX(
		    "CONCAT('foreign key ', CONSTRAINT_NAME, IF(TABLE_SCHEMA = {d} AND "
		    "TABLE_NAME = {n}, CONCAT(' to ', REFERENCED_TABLE_SCHEMA, '.', "
		    "REFERENCED_TABLE_NAME), CONCAT(' of ', TABLE_SCHEMA, '.', TABLE_NAME)), "
		    "' is checked again')") " FROM information_schema.KEY_COLUMN_USAGE "
					    "WHERE " OF_KEYS ";",
		told, err) ||
	    my_ask_texts(p,
		"SELECT " MY_HEX("CONCAT('view ', TABLE_SCHEMA, '.', TABLE_NAME, ' shows the "
				 "other rows')") " FROM information_schema.VIEWS WHERE "
						 "INSTR(VIEW_DEFINITION, CONCAT('`', "
						 "REPLACE({d}, '`', '``'), '`.`', REPLACE({n}, "
						 "'`', '``'), '`')) > 0;",
		told, err))
		return err->code;
	return my_ask_texts(p,
	    "SELECT " MY_HEX(
		"CONCAT('trigger ', TRIGGER_NAME, ' is not run for them')") " FROM "
									    "information_"
									    "schema.TRIGGERS "
									    "WHERE " OF_TRIGGERS
									    ";",
	    told, err);
}

static enum err_code
tell_way(const struct my_pick *p, const struct my_ties *t, struct strv *told, struct err *err)
{
	if (t->foreign_keys == 0 && t->triggers == 0)
		return ERR_OK;
	return strv_addf(told, err,
	    "the rows of %s are exchanged in one transaction, and who writes to it waits",
	    p->pick->table);
}

static enum err_code
look_in_place(struct my_pick *p, struct strv *told, struct err *err)
{
	AUTO(strv) struct strv type = STRV_INIT;
	AUTO(str) char *kept = NULL;
	struct my_ties ties;
	const char *table = p->pick->table;
	if (table_type(p, &type, err))
		return err->code;
	if (type.len == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "there is no table %s any more: put its rows into another database with "
		    "--into, or into its own",
		    table);
	if (strcmp(type.items[0], "BASE TABLE") != 0)
		return err_set(err, ERR_UNSUPPORTED, "%s is no plain table (%s): use --into",
		    table, type.items[0]);
	if (my_ask_ties(p, &ties, err) || my_check_ties(p, &ties, err) ||
	    check_columns(p, err) || my_find_kept(p, &kept, err))
		return err->code;
	if (kept != NULL)
		return err_set(err, ERR_EXISTS,
		    "the rows of %s that snapshot %s has replaced are still kept: 'stacksnap "
		    "restore finish' removes them, 'restore undo' puts them back",
		    table, kept);
	return tell_way(p, &ties, told, err) ? err->code : tell_dependants(p, told, err);
}

/* --- beside --- */

static enum err_code
look_beside(struct my_pick *p, struct strv *told, struct err *err)
{
	uint64_t n;
	if (my_ask_number(p,
		"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {v} AND "
		"TABLE_NAME = {n};",
		&n, err))
		return err->code;
	if (n > 0)
		return err_set(err, ERR_EXISTS,
		    "there is a table %s in database %s already: give another --into", p->name,
		    p->pick->into);
	return strv_addf(told, err,
	    "%s gets its columns, indexes and rows: no foreign keys, triggers or grants",
	    p->pick->table);
}

enum err_code
my_look(struct my_pick *p, struct strv *told, struct err *err)
{
	if (p->pick->definition == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the snapshot does not say how %s was made", p->pick->table);
	return p->pick->into != NULL ? look_beside(p, told, err) : look_in_place(p, told, err);
}
