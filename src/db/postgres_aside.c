/*
 * A database of a dump under another name (pick.h).
 *
 * pg_dump's text names its own database where it makes it, connects to it and says things of it
 * as a whole; the rest would go anywhere.  Until all is there the new one has a name of ours.
 */
#include "db/dump_name.h"
#include "db/pick.h"
#include "db/postgres_impl.h"
#include "db/sql_filter.h"

#include <string.h>

struct renaming {
	const char *database;
	char *fresh;
	bool is_connected;
};

static enum err_code
set_text(struct buf *text, const char *words, struct err *err)
{
	text->len = 0;
	return buf_str(text, words, err);
}

/* CREATE DATABASE shop WITH ...; the name is quoted where it must be. */
static enum err_code
rename_made(const struct renaming *r, struct buf *text, struct err *err)
{
	AUTO(bufv) struct buf quoted = BUF_INIT;
	if (pg_quote(&quoted, r->database, err))
		return err->code;
	const char *forms[] = { r->database, buf_cstr(&quoted) };
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		AUTO(str) char *head = NULL;
		AUTO(bufv) struct buf out = BUF_INIT;
		if (forms[i] == NULL ||
		    str_printf(&head, err, "CREATE DATABASE %s WITH ", forms[i]))
			return forms[i] == NULL ? err_nomem(err) : err->code;
		uint8_t *at = memmem(text->data, text->len, head, strlen(head));
		if (at == NULL)
			continue;
		size_t behind = (size_t)(at - text->data) + strlen(head);
		if (buf_printf(&out, err, "CREATE DATABASE \"%s\" WITH ", r->fresh) ||
		    buf_add(&out, text->data + behind, text->len - behind, err))
			return err->code;
		text->len = 0;
		return buf_add(text, out.data, out.len, err);
	}
	return err_set(
	    err, ERR_UNSUPPORTED, "the dump makes database %s in a way not known", r->database);
}

/* GRANT ... ON DATABASE, COMMENT ON DATABASE, SECURITY LABEL ... ON DATABASE */
static bool
is_of_database(const struct sql_head *h)
{
	static const char *const words[] = { "GRANT", "REVOKE", "COMMENT", "SECURITY" };
	bool may = false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		may = may || sql_is(h, 0, words[i]);
	for (size_t i = 1; may && i + 1 < h->count; i++)
		if (sql_is(h, i, "ON") && sql_is(h, i + 1, "DATABASE"))
			return true;
	return false;
}

static enum err_code
rename_one(
    void *arg, const struct sql_head *h, const char *note, struct buf *text, struct err *err)
{
	struct renaming *r = arg;
	if (h == NULL) {
		AUTO(str) char *words = NULL;
		if (!str_starts(note, "\\connect"))
			return ERR_OK;
		if (str_printf(&words, err, "\\connect \"%s\"\n", r->fresh))
			return err->code;
		bool is_first = !r->is_connected;
		r->is_connected = true;
		return set_text(text, is_first ? words : "", err);
	}
	bool is_database = sql_is(h, 1, "DATABASE");
	if (is_database && sql_is(h, 0, "CREATE"))
		return rename_made(r, text, err);
	if ((is_database && sql_is(h, 0, "ALTER")) || is_of_database(h))
		return set_text(text, "", err);
	/* Before it is connected, anything else would go into another database. */
	if (!r->is_connected && !sql_is(h, 0, "SET") && !sql_is(h, 0, "SELECT"))
		return err_set(err, ERR_UNSUPPORTED,
		    "the dump of %s does not begin as pg_dump's do", r->database);
	return ERR_OK;
}

static enum err_code
run(struct session *s, const char *words, const char *name, const char *rest, struct err *err)
{
	AUTO(str) char *sql = NULL;
	AUTO(bufv) struct buf nothing = BUF_INIT;
	if (str_printf(&sql, err, "%s\"%s\"%s;", words, name, rest))
		return err->code;
	return session_ask(s, sql, &nothing, err);
}

static enum err_code
look(struct session *s, const struct db_aside *a, struct strv *told, struct err *err)
{
	AUTO(str) char *sql = NULL;
	AUTO(str) char *n = NULL;
	if (str_printf(
		&sql, err, "SELECT count(*) FROM pg_database WHERE datname = '%s';", a->into) ||
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
			 "roles are the server's; settings, rights and the owner of the "
			 "database itself are not taken",
			 err)
		   : ERR_OK;
}

static enum err_code
load(struct postgres *p, const struct db_aside *a, struct renaming *r, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(str) char *name = NULL;
	AUTO(sql_filter) struct sql_filter *filter = NULL;
	struct run_spec spec;
	if (dump_name_encode(&name, a->database, err) ||
	    sql_filter_new(&filter, a->source, SQL_POSTGRES, rename_one, r, err) ||
	    pg_client(p, p->maintenance, PG_FOR_QUESTIONS, &argv, &env, &spec, err))
		return err->code;
	return dump_feed(p->base.t, sql_filter_source(filter), name, &spec, PG_DUMP_END, err);
}

enum err_code
postgres_aside(
    struct connector *c, const struct db_aside *a, struct strv *told, struct err *err)
{
	struct postgres *p = postgres_of(c);
	AUTO(session) struct session *s = NULL;
	AUTO(str) char *fresh = NULL;
	struct err scratch;
	if (pg_find_login(p, err) || pg_first_session(p, &s, err) || look(s, a, told, err) ||
	    str_printf(&fresh, err, "stacksnap_new_%s", a->into))
		return err->code;
	if (a->only_look)
		return ERR_OK;
	struct renaming r = { a->database, fresh, false };
	if (run(s, "DROP DATABASE IF EXISTS ", fresh, "", err))
		return err->code;
	enum err_code rc = load(p, a, &r, err);
	AUTO(str) char *rest = NULL;
	if (rc == ERR_OK)
		rc = str_printf(&rest, err, " RENAME TO \"%s\"", a->into);
	if (rc == ERR_OK)
		return run(s, "ALTER DATABASE ", fresh, rest, err);
	if (run(s, "DROP DATABASE IF EXISTS ", fresh, "", &scratch) != ERR_OK)
		return err_wrap(err, "(and database %s is left: %.150s)", fresh, scratch.msg);
	return rc;
}
