/* The table that a statement is about though it makes something else. */
#include "db/sql_name.h"

#include <string.h>

const char *
sql_name_rest(const char *name)
{
	bool is_quoted = false;
	for (; *name != '\0'; name++) {
		if (*name == '"')
			is_quoted = !is_quoted;
		else if (*name == '.' && !is_quoted)
			return name + 1;
	}
	return NULL;
}

const char *
sql_name_last(const char *name)
{
	for (const char *rest = name; rest != NULL; rest = sql_name_rest(rest))
		name = rest;
	return name;
}

/* The token behind the words where the name of what it stands on begins; 0: there is none. */
static size_t
find_on(const struct sql_head *h)
{
	bool is_said_of = sql_is(h, 0, "COMMENT") || sql_is(h, 0, "SECURITY");
	size_t found = 0;
	int depth = 0;
	for (size_t i = 1; i + 1 < h->count; i++) {
		depth += sql_is(h, i, "(") - sql_is(h, i, ")");
		if (h->tokens[i].kind != SQL_WORD || depth > 0)
			continue;
		if (sql_is(h, i, "IS"))
			break;
		if (!sql_is(h, i, "ON"))
			continue;
		found = i + 1;
		/* COMMENT ON CONSTRAINT total ON public.orders IS ... */
		if (!is_said_of)
			break;
	}
	return found;
}

/* "public.orders.id" without its last part */
static void
drop_last_part(struct buf *name)
{
	const char *text = buf_cstr(name);
	const char *last = text != NULL ? sql_name_last(text) : NULL;
	name->len = last != text ? (size_t)(last - 1 - text) : 0;
}

static enum err_code
name_of_column(struct buf *out, const struct sql_head *h, size_t i, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	size_t taken;
	if (sql_name_at(&name, h, i, &taken, err))
		return err->code;
	drop_last_part(&name);
	return buf_add(out, name.data, name.len, err);
}

/* ALTER SEQUENCE public.orders_id_seq OWNED BY public.orders.id */
static enum err_code
owner_of(struct buf *out, const struct sql_head *h, struct err *err)
{
	for (size_t i = 2; i + 2 < h->count; i++)
		if (sql_is(h, i, "OWNED") && sql_is(h, i + 1, "BY"))
			return name_of_column(out, h, i + 2, err);
	return ERR_OK;
}

enum err_code
sql_statement_table(struct buf *out, const struct sql_head *h, struct err *err)
{
	static const char *const kinds[] = { "INDEX", "UNIQUE", "ON", "LABEL" };
	size_t taken;
	if (sql_is(h, 0, "ALTER") && sql_is(h, 1, "SEQUENCE"))
		return owner_of(out, h, err);
	bool has_table = sql_is(h, 0, "GRANT") || sql_is(h, 0, "REVOKE");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		has_table = has_table || sql_is(h, 1, kinds[i]);
	size_t at = has_table ? find_on(h) : 0;
	if (at == 0)
		return ERR_OK;
	if (sql_is(h, at, "COLUMN"))
		return name_of_column(out, h, at + 1, err);
	at += sql_is(h, at, "TABLE");
	at += sql_is(h, at, "ONLY");
	return sql_name_at(out, h, at, &taken, err);
}

/* Behind the last ON that stands in no name; NULL: there is none. */
static const char *
behind_on(const char *object)
{
	const char *found = NULL;
	bool is_quoted = false;
	for (const char *p = object; *p != '\0'; p++) {
		is_quoted = is_quoted != (*p == '"');
		if (!is_quoted && strncmp(p, " ON ", 4) == 0)
			found = p + 4;
	}
	return found;
}

const char *
sql_object_table(const char *object)
{
	static const char *const titles[] = { "TABLE ", "FOREIGN TABLE ", "SEQUENCE VALUE " };
	static const char *const on[] = { "TRIGGER ", "POLICY ", "RULE ", "CONSTRAINT " };
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (strncmp(object, titles[i], strlen(titles[i])) == 0)
			return object + strlen(titles[i]);
	for (size_t i = 0; i < ARRAY_LEN(on); i++)
		if (strncmp(object, on[i], strlen(on[i])) == 0)
			return behind_on(object);
	return NULL;
}
