/* The stored rows into a database of ours (mysql_pick_impl.h). */
#include "db/mysql_pick_impl.h"

#include <inttypes.h>
#include <string.h>

void
mysql_allow_packets(const struct mysql *m, char **before)
{
	struct err scratch; /* a session that was refused something is of no more use */
	AUTO(session) struct session *s = NULL;
	AUTO(str) char *old = NULL;
	if (mysql_session(m, &s, &scratch) ||
	    session_ask_line(s,
		"SELECT @@global.max_allowed_packet;\nSET GLOBAL max_allowed_packet = "
		"1073741824;",
		&old, &scratch))
		return;
	*before = TAKE(old);
}

enum err_code
mysql_packets_back(const struct mysql *m, const char *before, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(str) char *sql = NULL;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (before == NULL)
		return ERR_OK;
	if (str_printf(&sql, err, "SET GLOBAL max_allowed_packet = %llu;",
		strtoull(before, NULL, 10)) ||
	    mysql_session(m, &s, err))
		return err->code;
	return session_ask(s, sql, &nothing, err);
}

static enum err_code
feed(struct my_pick *p, struct err *err)
{
	AUTO(bufv) struct buf head = BUF_INIT;
	AUTO(bufv) struct buf tail = BUF_INIT;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(str) char *packet = NULL;
	struct run_spec client = RUN_SPEC_INIT;
	struct pick_script script;
	struct err later;
	/* As the dump's own first words have it. */
	if (my_put(&head, p,
		"SET NAMES utf8mb4;\nSET time_zone = '+00:00';\nSET foreign_key_checks = 0;\n"
		"SET unique_checks = 0;\nSET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\nUSE {b};\n",
		err) ||
	    buf_str(&tail, "\n" MYSQL_END_MARK "\n", err) ||
	    mysql_client_argv(p->m, &argv, err))
		return err->code;
	client.argv = (const char *const *)argv.items;
	client.env = (const char *const *)p->m->env.items;
	pick_script_init(&script, &head, p->pick->source, &tail);
	mysql_allow_packets(p->m, &packet);
	enum err_code rc =
	    dump_feed(p->m->base.t, &script.base, "the table", &client, MYSQL_END_MARK, err);
	enum err_code back = mysql_packets_back(p->m, packet, &later);
	if (rc == ERR_OK && back)
		*err = later;
	return rc ? rc : back;
}

/* The table with all that the snapshot says of it, but keys to tables that are not there. */
static enum err_code
make_table(struct my_pick *p, struct err *err)
{
	AUTO(strv) struct strv keys = STRV_INIT;
	AUTO(bufv) struct buf sql = BUF_INIT;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (my_do(p, "CREATE DATABASE {b} CHARACTER SET utf8mb4;\nUSE {b};", err))
		return err->code;
	if (buf_str(&sql, p->pick->definition, err) || buf_str(&sql, ";", err))
		return err->code;
	const char *text = buf_cstr(&sql);
	if (text == NULL || session_ask(p->session, text, &nothing, err))
		return text == NULL ? err_nomem(err) : err_wrap(err, "make %s", p->pick->table);
	if (my_ask_texts(p,
		"SELECT " MY_HEX(
		    "CONSTRAINT_NAME") " FROM information_schema.TABLE_CONSTRAINTS "
				       "WHERE TABLE_SCHEMA = {x} AND TABLE_NAME = "
				       "{n} AND CONSTRAINT_TYPE = 'FOREIGN KEY';",
		&keys, err))
		return err->code;
	for (size_t i = 0; i < keys.len; i++) {
		AUTO(bufv) struct buf drop = BUF_INIT;
		if (my_put(&drop, p, "ALTER TABLE {s} DROP FOREIGN KEY ", err) ||
		    mysql_quote(&drop, keys.items[i], err) || buf_str(&drop, ";", err))
			return err->code;
		text = buf_cstr(&drop);
		if (text == NULL || session_ask(p->session, text, &nothing, err))
			return text == NULL ? err_nomem(err) : err->code;
	}
	return ERR_OK;
}

enum err_code
my_lock(struct my_pick *p, struct err *err)
{
	uint64_t is_ours;
	if (my_ask_number(p, "SELECT COALESCE(GET_LOCK({x}, 0), 0);", &is_ours, err))
		return err->code;
	return is_ours > 0 ? ERR_OK
			   : err_set(err, ERR_LOCKED, "another restore of %s is under way",
				 p->pick->table);
}

enum err_code
my_load(struct my_pick *p, struct err *err)
{
	uint64_t rows;
	if (my_do(p, "DROP DATABASE IF EXISTS {b};", err) || make_table(p, err) ||
	    feed(p, err) || my_ask_number(p, "SELECT COUNT(*) FROM {s};", &rows, err))
		return err->code;
	if (rows != p->pick->rows)
		return err_set(err, ERR_INCOMPLETE,
		    "%" PRIu64 " rows of %s were backed up, %" PRIu64 " were loaded",
		    p->pick->rows, p->pick->table, rows);
	return ERR_OK;
}
