/*
 * A database of a dump under another name (pick.h).
 *
 * One dump has all databases; each has its part behind USE, in which nothing names it again.
 * Events are left out: they would run on the copy, too.
 */
#include "db/mysql_impl.h"
#include "db/pick.h"
#include "db/sql_filter.h"

#include <string.h>

struct renaming {
	const char *database;
	const char *into;
	bool has_begun; /* the first database's part has */
	bool is_wanted; /* the part at hand */
	bool was_found;
	bool has_events;
};

static enum err_code
set_text(struct buf *text, const char *words, struct err *err)
{
	text->len = 0;
	return buf_str(text, words, err);
}

/* The name behind CREATE DATABASE, as the server quotes it; comments before that name it, too.
 */
static enum err_code
rename_made(const struct renaming *r, struct buf *text, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	static const char words[] = "CREATE DATABASE ";
	uint8_t *made = memmem(text->data, text->len, words, sizeof words - 1);
	if (mysql_quote(&name, r->database, err))
		return err->code;
	if (made == NULL)
		return err_set(
		    err, ERR_UNSUPPORTED, "the dump makes a database in a way not known");
	size_t left = text->len - (size_t)(made - text->data);
	uint8_t *at = memmem(made, left, name.data, name.len);
	if (at == NULL)
		return set_text(text, "", err);
	const uint8_t *behind = at + name.len;
	if (buf_add(&out, made, (size_t)(at - made), err) ||
	    buf_printf(&out, err, "`%s`", r->into) ||
	    buf_add(&out, behind, left - (size_t)(behind - made), err))
		return err->code;
	text->len = 0;
	return buf_add(text, out.data, out.len, err);
}

/* CREATE [DEFINER = name @ host] EVENT */
static bool
makes_event(const struct sql_head *h)
{
	for (size_t i = 1; sql_is(h, 0, "CREATE") && i < 10 && i < h->count; i++) {
		static const char *const others[] = { "TABLE", "VIEW", "TRIGGER", "PROCEDURE",
			"FUNCTION", "PACKAGE", "SEQUENCE" };
		for (size_t k = 0; k < ARRAY_LEN(others); k++)
			if (sql_is(h, i, others[k]))
				return false;
		if (sql_is(h, i, "EVENT"))
			return true;
	}
	return false;
}

static enum err_code
rename_one(
    void *arg, const struct sql_head *h, const char *note, struct buf *text, struct err *err)
{
	struct renaming *r = arg;
	(void)note;
	if (h == NULL)
		return ERR_OK;
	bool makes = sql_is(h, 0, "CREATE") && sql_is(h, 1, "DATABASE");
	if (makes) {
		/* IF NOT EXISTS stands before the name. */
		const char *name = sql_text(h, sql_is(h, 2, "IF") ? 5 : 2);
		r->has_begun = true;
		r->is_wanted = false;
		return strcmp(name, r->database) == 0 ? rename_made(r, text, err)
						      : set_text(text, "", err);
	}
	if (sql_is(h, 0, "USE")) {
		AUTO(str) char *words = NULL;
		r->has_begun = true;
		r->is_wanted = strcmp(sql_text(h, 1), r->database) == 0;
		r->was_found = r->was_found || r->is_wanted;
		if (str_printf(&words, err, "USE `%s`;\n", r->into))
			return err->code;
		return set_text(text, r->is_wanted ? words : "", err);
	}
	if (r->has_begun && (!r->is_wanted || makes_event(h)))
		return set_text(text, "", err);
	return ERR_OK;
}

static enum err_code
look(struct session *s, const struct db_aside *a, struct strv *told, struct err *err)
{
	AUTO(str) char *sql = NULL;
	AUTO(str) char *n = NULL;
	if (str_printf(&sql, err,
		"SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '%s';",
		a->into) ||
	    session_ask_line(s, sql, &n, err))
		return err->code;
	if (strcmp(n, "0") != 0)
		return err_set(err, ERR_EXISTS,
		    "there is a database %s already: give another --into, or remove it with "
		    "DROP "
		    "DATABASE",
		    a->into);
	return told != NULL
		   ? strv_add(told,
			 "accounts and rights are the server's; events are not made, since "
			 "they "
			 "would run; what names the old database in a routine still means that",
			 err)
		   : ERR_OK;
}

static enum err_code
load(struct mysql *m, const struct db_aside *a, struct err *err)
{
	struct renaming r = { .database = a->database, .into = a->into };
	struct run_spec client = RUN_SPEC_INIT;
	struct err later;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(sql_filter) struct sql_filter *filter = NULL;
	AUTO(str) char *packet = NULL;
	if (sql_filter_new(&filter, a->source, SQL_MYSQL, rename_one, &r, err) ||
	    mysql_client_argv(m, &argv, err))
		return err->code;
	client.argv = (const char *const *)argv.items;
	client.env = (const char *const *)m->env.items;
	mysql_allow_packets(m, &packet);
	enum err_code rc = dump_feed(m->base.t, sql_filter_source(filter), MYSQL_DATABASES,
	    &client, MYSQL_END_MARK, err);
	enum err_code back = mysql_packets_back(m, packet, &later);
	if (rc == ERR_OK && back)
		*err = later;
	if (rc != ERR_OK || back != ERR_OK)
		return rc != ERR_OK ? rc : back;
	return r.was_found
		   ? ERR_OK
		   : err_set(err, ERR_NOT_FOUND,
			 "the snapshot has no database %s of this service", a->database);
}

enum err_code
mysql_aside(struct connector *c, const struct db_aside *a, struct strv *told, struct err *err)
{
	struct mysql *m = mysql_of(c);
	struct err scratch;
	AUTO(session) struct session *s = NULL;
	AUTO(str) char *sql = NULL;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (mysql_find_login(m, err) || mysql_session(m, &s, err) || look(s, a, told, err))
		return err->code;
	if (a->only_look || load(m, a, err) == ERR_OK)
		return ERR_OK;
	if (str_printf(&sql, &scratch, "DROP DATABASE IF EXISTS `%s`;", a->into) != ERR_OK ||
	    session_ask(s, sql, &nothing, &scratch) != ERR_OK)
		return err_wrap(
		    err, "(and database %s is left, not whole: %.150s)", a->into, scratch.msg);
	return err->code;
}
