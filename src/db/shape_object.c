/* Definitions of a schema, by name, with their text. */
#include "base/room.h"
#include "db/shape_impl.h"
#include "db/sql_name.h"

#include <stdlib.h>
#include <string.h>

/* Of what is called by its own words. */
#define NAME_MAX_BYTES 200

static enum err_code
object_at(struct object_def **out, struct shapes *s, const char *name, struct err *err)
{
	struct checksum128 key = checksum128_of(name, strlen(name));
	void *place;
	bool is_new;
	char *copy;
	if (map_put(&s->object_places, &key, &place, &is_new, err))
		return err->code;
	if (!is_new) {
		*out = &s->objects[*(size_t *)place];
		return ERR_OK;
	}
	size_t n = s->object_count;
	if (ROOM_SHORT(s->objects, n, err) || str_dup(&copy, name, err)) {
		map_remove(&s->object_places, &key);
		return err->code;
	}
	*(size_t *)place = n;
	*out = &s->objects[s->object_count++];
	**out = (struct object_def){ .name = copy };
	return ERR_OK;
}

/* One more statement of the object, on a line of its own. */
enum err_code
object_add_text(
    struct shapes *s, const char *name, const uint8_t *text, size_t len, struct err *err)
{
	struct object_def *o;
	while (len > 0 && text[len - 1] <= ' ')
		len--;
	if (object_at(&o, s, name, err))
		return err->code;
	if (o->text.len > 0 && buf_str(&o->text, ";\n", err))
		return err->code;
	for (size_t i = 0; i < len; i++)
		/* A NUL would hide the rest. */
		if (buf_u8(&o->text, text[i] != '\0' ? text[i] : '?', err))
			return err->code;
	return ERR_OK;
}

/* --- next values --- */

/* Behind the string or quoted name that begins at i. */
static size_t
behind_quoted(const uint8_t *p, size_t i, size_t len)
{
	uint8_t quote = p[i];
	for (i++; i < len && p[i] != quote; i++)
		if (p[i] == '\\' && quote != '`')
			i++;
	return i < len ? i + 1 : len;
}

/* " AUTO_INCREMENT=17" behind a table's columns; false when it is not there. */
static bool
find_next_value(const struct buf *body, size_t *from, size_t *to)
{
	static const char word[] = " AUTO_INCREMENT=";
	const size_t n = sizeof word - 1;
	const uint8_t *p = body->data;
	size_t i = 0;
	while (i < body->len) {
		if (p[i] == '\'' || p[i] == '"' || p[i] == '`') {
			i = behind_quoted(p, i, body->len);
		} else if (body->len - i > n && memcmp(p + i, word, n) == 0) {
			*from = i;
			for (i += n; i < body->len && p[i] >= '0' && p[i] <= '9'; i++)
				;
			*to = i;
			return true;
		} else {
			i++;
		}
	}
	return false;
}

/* A table of MySQL. */
static enum err_code
add_table(struct shapes *s, const char *object, const struct buf *body, struct err *err)
{
	size_t from;
	size_t to;
	if (!find_next_value(body, &from, &to))
		return object_add_text(s, object, body->data, body->len, err);
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(str) char *value = NULL;
	if (buf_add(&text, body->data, from, err) ||
	    buf_add(&text, body->data + to, body->len - to, err) ||
	    object_add_text(s, object, text.data, text.len, err) ||
	    str_printf(&value, err, "SEQUENCE VALUE %s", object + strlen("TABLE ")))
		return err->code;
	return object_add_text(s, value, body->data + from + 1, to - from - 1, err);
}

/* --- names --- */

/* ALTER TABLE is also said of views and sequences. */
static enum err_code
find_altered(char **out, const struct shapes *s, const char *name, struct err *err)
{
	static const char *const titles[] = { "VIEW", "MATERIALIZED VIEW", "SEQUENCE",
		"FOREIGN TABLE" };
	for (size_t i = 0; str_starts(name, "TABLE ") && i < ARRAY_LEN(titles); i++) {
		AUTO(str) char *other = NULL;
		if (str_printf(&other, err, "%s%s", titles[i], name + strlen("TABLE")))
			return err->code;
		struct checksum128 key = checksum128_of(other, strlen(other));
		if (map_get(&s->object_places, &key) != NULL) {
			*out = TAKE(other);
			return ERR_OK;
		}
	}
	return str_dup(out, name, err);
}

/* What defines something but has no name of its own. */
static bool
is_definition(const struct shapes *s, const struct sql_head *h)
{
	static const char *const words[] = { "GRANT", "REVOKE", "COMMENT", "SECURITY", "ALTER",
		"CREATE" };
	if (s->dialect == SQL_MYSQL &&
	    (sql_is(h, 0, "ALTER") || sql_is(h, 1, "VIEW") || sql_is(h, 1, "DATABASE")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sql_is(h, 0, words[i]))
			return true;
	return false;
}

/* Here begins what is said of it, which may be a secret. */
static bool
ends_name(const struct sql_head *h, size_t i)
{
	static const char *const words[] = { "IS", "IDENTIFIED", "PASSWORD", "OPTIONS",
		"CONNECTION" };
	for (size_t k = 0; h->tokens[i].kind == SQL_WORD && k < ARRAY_LEN(words); k++)
		if (sql_is(h, i, words[k]))
			return true;
	return false;
}

/* The words up to IS, as of COMMENT ON ... IS, or to what an account is known by. */
static enum err_code
name_by_words(struct buf *out, const struct sql_head *h, struct err *err)
{
	size_t to = 0;
	while (to < h->count && !ends_name(h, to))
		to++;
	if (shape_words(out, h, 0, to, err))
		return err->code;
	if (out->len <= NAME_MAX_BYTES)
		return ERR_OK;
	out->len = NAME_MAX_BYTES;
	/* No character is cut in two. */
	while (out->len > 0 && (out->data[out->len] & 0xc0) == 0x80)
		out->len--;
	return ERR_OK;
}

static enum err_code
name_of(struct buf *out, const struct shapes *s, const struct sql_head *h, struct err *err)
{
	if (!is_definition(s, h))
		return ERR_OK;
	if (sql_is(h, 0, "ALTER") && s->dialect == SQL_POSTGRES &&
	    sql_altered_name(out, h, err))
		return err->code;
	return out->len > 0 ? ERR_OK : name_by_words(out, h, err);
}

static bool
is_data(const char *object)
{
	return str_starts(object, "LARGE OBJECT") ||
	       str_starts(object, "MATERIALIZED VIEW DATA ");
}

/* Add the statement's text, and the table that it is about. */
static enum err_code
add_statement(struct shapes *s, const struct sql_head *h, const char *name, struct err *err)
{
	struct object_def *o;
	if (object_add_text(s, name, h->body.data, h->body.len, err) ||
	    object_at(&o, s, name, err))
		return err->code;
	return o->table.len == 0 ? sql_statement_table(&o->table, h, err) : ERR_OK;
}

enum err_code
object_statement(
    struct shapes *s, const struct sql_head *h, const char *object, struct err *err)
{
	if (*object != '\0') {
		if (is_data(object))
			return ERR_OK;
		if (s->dialect == SQL_MYSQL && str_starts(object, "TABLE "))
			return add_table(s, object, &h->body, err);
		return add_statement(s, h, object, err);
	}
	AUTO(bufv) struct buf words = BUF_INIT;
	AUTO(str) char *name = NULL;
	if (name_of(&words, s, h, err))
		return err->code;
	if (words.len == 0)
		return ERR_OK;
	const char *text = buf_cstr(&words);
	if (text == NULL)
		return err_nomem(err);
	if (find_altered(&name, s, text, err))
		return err->code;
	return add_statement(s, h, name, err);
}

/* --- the whole --- */

void
shape_objects_release(struct shapes *s)
{
	for (size_t i = 0; i < s->object_count; i++) {
		free(s->objects[i].name);
		buf_release(&s->objects[i].text);
		buf_release(&s->objects[i].table);
	}
	free(s->objects);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(
	    ((const struct object_def *)a)->name, ((const struct object_def *)b)->name);
}

enum err_code
objects_finish(struct shapes *s, struct err *err)
{
	if (s->object_count > 0)
		qsort(s->objects, s->object_count, sizeof *s->objects, by_name);
	map_clear(&s->object_places);
	for (size_t i = 0; i < s->object_count; i++) {
		struct object_def *o = &s->objects[i];
		const char *text = buf_cstr(&o->text);
		const char *table = sql_object_table(o->name);
		if (table == NULL && o->table.len > 0)
			table = buf_cstr(&o->table);
		if (text == NULL || (o->table.len > 0 && table == NULL))
			return err_nomem(err);
		o->object = (struct shape_object){ o->name, text, table };
	}
	return ERR_OK;
}
