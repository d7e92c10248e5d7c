/* What is there, and what depends on it (postgres_pick_impl.h). */
#include "db/postgres_pick_impl.h"

#include <string.h>

enum err_code
pg_ask_of_table(struct session *s, const char *format_sql, const char *table, struct strv *out,
    struct err *err)
{
	AUTO(bufv) struct buf class = BUF_INIT;
	AUTO(bufv) struct buf sql = BUF_INIT;
	if (pg_put_literal(&class, table, err))
		return err->code;
	const char *c = buf_cstr(&class);
	if (c == NULL)
		return err_nomem(err);
	for (const char *p = format_sql; *p != '\0'; p++)
		if (*p == '@' ? buf_str(&sql, c, err) : buf_u8(&sql, (uint8_t)*p, err))
			return err->code;
	const char *text = buf_cstr(&sql);
	return text != NULL ? session_ask_texts(s, text, out, err) : err_nomem(err);
}

static const char exists_sql[] = PG_HEX(
    "c.relkind::text", "FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(@);");

static const char columns_sql[] =
    PG_HEX("attname::text", "FROM pg_catalog.pg_attribute WHERE attrelid = "
			    "pg_catalog.to_regclass(@) AND attnum > 0 AND "
			    "NOT attisdropped AND attgenerated = '' ORDER BY attnum;");

static const char partial_keys_sql[] = PG_HEX("conname::text",
    "FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conparentid <> 0 AND (conrelid = "
    "pg_catalog.to_regclass(@) OR confrelid = pg_catalog.to_regclass(@));");

static const char super_sql[] =
    PG_HEX("rolsuper::text", "FROM pg_catalog.pg_roles WHERE rolname = current_user;");

static const char foreign_keys_sql[] = PG_HEX(
    "'foreign key ' || conname || CASE WHEN conrelid = pg_catalog.to_regclass(@) THEN ' to ' "
    "|| "
    "confrelid::pg_catalog.regclass ELSE ' of ' || conrelid::pg_catalog.regclass END || ' is "
    "checked again'",
    "FROM pg_catalog.pg_constraint WHERE contype = 'f' AND (conrelid = "
    "pg_catalog.to_regclass(@) OR confrelid = pg_catalog.to_regclass(@)) ORDER BY conname;");

static const char views_sql[] = PG_HEX(
    "CASE v.relkind WHEN 'm' THEN 'materialised view ' || v.oid::pg_catalog.regclass || ' "
    "keeps "
    "what it has until it is refreshed' ELSE 'view ' || v.oid::pg_catalog.regclass || ' shows "
    "the other rows' END",
    "FROM (SELECT DISTINCT r.ev_class FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r "
    "ON r.oid = d.objid WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND "
    "d.refobjid = pg_catalog.to_regclass(@) AND r.ev_class <> d.refobjid) x JOIN "
    "pg_catalog.pg_class v ON v.oid = x.ev_class;");

static const char triggers_sql[] = PG_HEX("'trigger ' || tgname || ' is not run for them'",
    "FROM pg_catalog.pg_trigger WHERE tgrelid = pg_catalog.to_regclass(@) AND NOT "
    "tgisinternal;");

static enum err_code
check_columns(struct session *s, const struct db_pick *pick, const char *table, struct err *err)
{
	AUTO(strv) struct strv live = STRV_INIT;
	if (pg_ask_of_table(s, columns_sql, table, &live, err))
		return err->code;
	return pick_check_columns(pick, &live, err);
}

static enum err_code
look_in_place(struct session *s, const struct db_pick *pick, const char *table,
    struct strv *told, struct err *err)
{
	AUTO(strv) struct strv kind = STRV_INIT;
	AUTO(strv) struct strv super = STRV_INIT;
	AUTO(strv) struct strv keys = STRV_INIT;
	if (pg_ask_of_table(s, exists_sql, table, &kind, err) ||
	    session_ask_texts(s, super_sql, &super, err))
		return err->code;
	if (kind.len == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "there is no table %s any more: put its rows beside the others with --into",
		    pick->table);
	if (strcmp(kind.items[0], "r") != 0)
		return err_set(err, ERR_USAGE, "%s is no plain table any more", pick->table);
	if (super.len == 0 || strcmp(super.items[0], "true") != 0)
		return err_set(err, ERR_DENIED,
		    "only a superuser may exchange rows without firing triggers: use --into");
	if (pg_ask_of_table(s, partial_keys_sql, table, &keys, err))
		return err->code;
	if (keys.len > 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s is a part of a partitioned table with foreign keys (%s), which cannot "
		    "be "
		    "checked for it alone: use --into",
		    pick->table, keys.items[0]);
	if (check_columns(s, pick, table, err))
		return err->code;
	if (pg_ask_of_table(s, foreign_keys_sql, table, told, err) ||
	    pg_ask_of_table(s, views_sql, table, told, err))
		return err->code;
	return pg_ask_of_table(s, triggers_sql, table, told, err);
}

static enum err_code
look_beside(struct session *s, const char *table, struct strv *told, struct err *err)
{
	AUTO(strv) struct strv kind = STRV_INIT;
	if (pg_ask_of_table(s, exists_sql, table, &kind, err))
		return err->code;
	if (kind.len > 0)
		return err_set(
		    err, ERR_EXISTS, "there is a table %s already: give another --into", table);
	return strv_addf(told, err,
	    "%s gets columns, rows and key alone: no defaults, indexes, foreign keys, triggers "
	    "or "
	    "grants",
	    table);
}

enum err_code
pg_pick_look(struct postgres *p, const struct db_pick *pick, const char *table,
    struct strv *told, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	if (pg_session(p, pick->database, &s, err))
		return err->code;
	return pick->into != NULL ? look_beside(s, table, told, err)
				  : look_in_place(s, pick, table, told, err);
}
