/* What was replaced: put back, or removed (postgres_pick_impl.h). */
#include "db/postgres_pick_impl.h"

#include <string.h>

/* "stacksnap_old_1a2b3c4d"."rows_…", the newest that there is. */
static enum err_code
find_side(struct postgres *p, const struct db_pick *pick, struct buf *schema, struct buf *side,
    struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(strv) struct strv found = STRV_INIT;
	char name[PICK_SIDE_SIZE];
	pick_side_name(name, pick->table);
	if (pg_session(p, pick->database, &s, err) ||
	    pg_ask_of_table(s,
		PG_HEX("n.nspname::text",
		    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
		    "c.relnamespace WHERE c.relname = @ AND n.nspname ~ '^" OLD_SCHEMA
		    "[0-9a-f]{8}$' ORDER BY c.oid DESC LIMIT 1;"),
		name, &found, err))
		return err->code;
	if (found.len == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "no rows of %s in database %s were replaced, or this is settled already",
		    pick->table, pick->database);
	if (pg_quote(schema, found.items[0], err) || pg_quote(side, found.items[0], err) ||
	    buf_printf(side, err, ".\"%s\"", name) || buf_cstr(schema) == NULL ||
	    buf_cstr(side) == NULL)
		return err->code != ERR_OK ? err->code : err_nomem(err);
	return ERR_OK;
}

/* The schema goes with its last table. */
static enum err_code
put_drop(struct buf *out, const char *schema, const char *side, struct err *err)
{
	if (buf_printf(out, err,
		"DROP TABLE %s;\n"
		"SELECT pg_catalog.format('DROP SCHEMA %%s', n.oid::pg_catalog.regnamespace) "
		"FROM "
		"pg_catalog.pg_namespace n WHERE n.oid = ",
		side) ||
	    pg_put_literal(out, schema, err))
		return err->code;
	return buf_str(out,
	    "::pg_catalog.regnamespace AND NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE "
	    "relnamespace = n.oid)\\gexec\n",
	    err);
}

/* All columns but those that are made of others. */
static enum err_code
put_back(struct buf *out, const char *table, const char *side, struct err *err)
{
	if (buf_str(out,
		"SELECT pg_catalog.format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT "
		"%s FROM "
		"%s', ",
		err) ||
	    pg_put_literal(out, table, err) || buf_str(out, ", x.columns, x.columns, ", err) ||
	    pg_put_literal(out, side, err) ||
	    buf_str(out,
		") FROM (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' "
		"ORDER "
		"BY attnum) AS columns FROM pg_catalog.pg_attribute WHERE attrelid = ",
		err) ||
	    pg_put_regclass(out, table, err))
		return err->code;
	return buf_str(
	    out, " AND attnum > 0 AND NOT attisdropped AND attgenerated = '') x\\gexec\n", err);
}

/* The digits of "stacksnap_old_1a2b3c4d", quoted as it is. */
static enum err_code
tell_tag(const char *schema, struct strv *told, struct err *err)
{
	return strv_addf(told, err, "%.8s", schema + strlen("\"" OLD_SCHEMA));
}

enum err_code
pg_pick_settle(struct postgres *p, const struct db_pick *pick, const char *table,
    struct strv *told, struct err *err)
{
	AUTO(bufv) struct buf schema = BUF_INIT;
	AUTO(bufv) struct buf side = BUF_INIT;
	AUTO(bufv) struct buf sql = BUF_INIT;
	static const struct buf nothing = BUF_INIT;
	if (find_side(p, pick, &schema, &side, err))
		return err->code;
	if (pick->verb == PICK_KEPT)
		return tell_tag(buf_cstr(&schema), told, err);
	const char *s = buf_cstr(&side);
	if (buf_str(&sql, pg_pick_begin, err))
		return err->code;
	if (pick->verb == PICK_UNDO &&
	    (buf_printf(&sql, err, "LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE;\n", table) ||
		pg_put_emptying(&sql, table, err) || put_back(&sql, table, s, err) ||
		pg_put_checks(&sql, table, err)))
		return err->code;
	if (put_drop(&sql, buf_cstr(&schema), s, err) || pg_put_end(&sql, err))
		return err->code;
	return pg_pick_run(p, pick->database, NULL, &sql, &nothing, err);
}
