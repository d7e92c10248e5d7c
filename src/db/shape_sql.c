/*
 * What statements say of tables: their columns, and what is unique.
 *
 * They were cut into tokens by sql_scan.  An element is what stands between the
 * commas of a CREATE TABLE: a column or a constraint.
 */
#include "db/shape_impl.h"
#include "db/sql_name.h"

#include <string.h>

/* --- tokens --- */

static bool
is_kind(const struct sql_head *h, size_t i, enum sql_token_kind kind)
{
	return i < h->count && h->tokens[i].kind == kind;
}

static bool
is_name(const struct sql_head *h, size_t i)
{
	return is_kind(h, i, SQL_WORD) || is_kind(h, i, SQL_IDENT);
}

static bool
is_any(const struct sql_head *h, size_t i, const char *const *words)
{
	for (; *words != NULL; words++)
		if (is_kind(h, i, SQL_WORD) && sql_is(h, i, *words))
			return true;
	return false;
}

/* Behind token i, or, where it opens parentheses, behind their end; at most to. */
static size_t
behind(const struct sql_head *h, size_t i, size_t to)
{
	unsigned depth = 0;
	for (; i < to; i++) {
		if (sql_is(h, i, "("))
			depth++;
		else if (sql_is(h, i, ")") && depth > 0)
			depth--;
		if (depth == 0)
			return i + 1;
	}
	return to;
}

/* The first of these words from i on that is in no parentheses; to when there is none. */
static size_t
find_word(const struct sql_head *h, size_t i, size_t to, const char *word)
{
	while (i < to && !sql_is(h, i, word))
		i = behind(h, i, to);
	return i < to ? i : to;
}

/* An opening parenthesis, wherever. */
static size_t
find_open(const struct sql_head *h, size_t i, size_t to)
{
	while (i < to && !sql_is(h, i, "("))
		i++;
	return i;
}

/* Where the element ends that begins at i: at its comma or closing parenthesis. */
static size_t
end_of_element(const struct sql_head *h, size_t i, size_t to)
{
	while (i < to && !sql_is(h, i, ",") && !sql_is(h, i, ")"))
		i = behind(h, i, to);
	return i < to ? i : to;
}

static enum err_code
quoted(struct buf *out, const char *text, char quote, struct err *err)
{
	const char twice[2] = { quote, quote };
	if (buf_add(out, &quote, 1, err))
		return err->code;
	for (; *text != '\0'; text++)
		if (buf_add(out, *text == quote ? twice : text, *text == quote ? 2 : 1, err))
			return err->code;
	return buf_add(out, &quote, 1, err);
}

/* As dumps write them: numeric(10,2), character varying(20)[], enum('a','b').  A string that
 * has a quote came as two. */
enum err_code
shape_words(struct buf *out, const struct sql_head *h, size_t from, size_t to, struct err *err)
{
	for (size_t i = from; i < to && i < h->count; i++) {
		const char *text = sql_text(h, i);
		bool is_joined = i == from || is_kind(h, i, SQL_PUNCT) ||
				 (is_kind(h, i - 1, SQL_PUNCT) && !sql_is(h, i - 1, ")")) ||
				 (is_kind(h, i, SQL_STRING) && is_kind(h, i - 1, SQL_STRING));
		if (!is_joined && buf_str(out, " ", err))
			return err->code;
		enum err_code rc = is_kind(h, i, SQL_IDENT)    ? quoted(out, text, '"', err)
				   : is_kind(h, i, SQL_STRING) ? quoted(out, text, '\'', err)
							       : buf_str(out, text, err);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
words_dup(char **out, const struct sql_head *h, size_t from, size_t to, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (shape_words(&text, h, from, to, err))
		return err->code;
	return shape_take_text(out, &text, err);
}

/* The name that begins at i, as the dump qualifies it; *i goes behind it. */
static enum err_code
take_name(char **out, const struct sql_head *h, size_t *i, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	size_t taken;
	if (sql_name_at(&name, h, *i, &taken, err))
		return err->code;
	*i += taken;
	return shape_take_text(out, &name, err);
}

/* --- columns --- */

/* What ends a column's type. */
static const char *const ends_type[] = { "COLLATE", "NOT", "NULL", "DEFAULT", "GENERATED",
	"CONSTRAINT", "CHECK", "PRIMARY", "UNIQUE", "REFERENCES", "STORAGE", "COMPRESSION",
	"OPTIONS", NULL };
static const char *const ends_mysql_type[] = { "CHARSET", "AUTO_INCREMENT", "COMMENT", "AS",
	"ON", "KEY", "INVISIBLE", "VISIBLE", "VIRTUAL", "STORED", "PERSISTENT", "COMPRESSED",
	"WITH", "WITHOUT", "SRID", "REF_SYSTEM_ID", "COLUMN_FORMAT", NULL };

static bool
type_ends(const struct shapes *s, const struct sql_head *h, size_t i)
{
	if (is_any(h, i, ends_type))
		return true;
	if (s->dialect == SQL_POSTGRES)
		return sql_is(h, i, "WITH") && sql_is(h, i + 1, "OPTIONS");
	return is_any(h, i, ends_mysql_type) ||
	       (sql_is(h, i, "CHARACTER") && sql_is(h, i + 1, "SET"));
}

/* A key of this column alone. */
static enum err_code
add_own_key(struct table_def *t, const char *column, bool is_primary, struct err *err)
{
	struct key_def *k;
	if (table_add_key(&k, t, err))
		return err->code;
	k->is_primary = is_primary;
	return strv_add(&k->columns, column, err);
}

/* What stands behind a column's type. */
static enum err_code
column_words(struct table_def *t, struct column_def *c, const struct sql_head *h, size_t i,
    size_t to, struct err *err)
{
	for (; i < to; i = behind(h, i, to)) {
		if (!is_kind(h, i, SQL_WORD))
			continue;
		if (sql_is(h, i, "NOT") && sql_is(h, i + 1, "NULL"))
			c->is_not_null = true;
		else if (sql_is(h, i, "AS") &&
			 (sql_is(h, i + 1, "(") || sql_is(h, i + 1, "ROW")))
			c->is_generated = true;
		else if (sql_is(h, i, "PRIMARY") && add_own_key(t, c->name, true, err))
			return err->code;
		else if (sql_is(h, i, "UNIQUE") && add_own_key(t, c->name, false, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
add_column(struct shapes *s, struct table_def *t, const struct sql_head *h, size_t i, size_t to,
    struct err *err)
{
	struct column_def *c;
	if (table_add_column(&c, t, sql_text(h, i), err))
		return err->code;
	size_t type = i + 1;
	size_t end = type;
	while (end < to && !type_ends(s, h, end))
		end = behind(h, end, to);
	if (words_dup(&c->type, h, type, end, err))
		return err->code;
	return column_words(t, c, h, end, to, err);
}

/* --- keys --- */

/* The names between the parentheses that open at i.  *plain is false when something else stands
 * there: an expression, the beginning of a value. */
static enum err_code
take_columns(struct strv *out, const struct sql_head *h, size_t i, bool *plain, struct err *err)
{
	size_t to = behind(h, i, h->count);
	*plain = sql_is(h, i, "(");
	for (i++; i < to; i++) {
		size_t end = end_of_element(h, i, to);
		if (end == i)
			continue;
		if (!is_name(h, i) || sql_is(h, i + 1, "(") || sql_is(h, i + 1, "."))
			*plain = false;
		if (strv_add(out, sql_text(h, i), err))
			return err->code;
		i = end;
	}
	return ERR_OK;
}

static enum err_code
add_key(struct table_def *t, const struct sql_head *h, size_t open, bool is_primary,
    struct err *err)
{
	AUTO(strv) struct strv columns = STRV_INIT;
	struct key_def *k;
	bool plain;
	if (take_columns(&columns, h, open, &plain, err))
		return err->code;
	if (!plain)
		return ERR_OK;
	if (table_add_key(&k, t, err))
		return err->code;
	k->is_primary = is_primary;
	k->columns = columns;
	columns = (struct strv)STRV_INIT;
	return ERR_OK;
}

static void
set_not_null(struct table_def *t, const char *column)
{
	for (size_t i = 0; i < t->column_count; i++)
		if (strcmp(t->columns[i].name, column) == 0)
			t->columns[i].is_not_null = true;
}

/* From CONSTRAINT, PRIMARY, UNIQUE and so on. */
static enum err_code
add_constraint(
    struct table_def *t, const struct sql_head *h, size_t i, size_t to, struct err *err)
{
	if (sql_is(h, i, "CONSTRAINT"))
		i += is_kind(h, i + 1, SQL_IDENT) || !sql_is(h, i + 1, "CHECK") ? 2 : 1;
	if (sql_is(h, i, "PRIMARY") || sql_is(h, i, "UNIQUE"))
		return add_key(t, h, find_open(h, i, to), sql_is(h, i, "PRIMARY"), err);
	/* One that is not valid yet is kept only by new rows. */
	if (sql_is(h, i, "NOT") && sql_is(h, i + 1, "NULL") &&
	    find_word(h, i, to, "VALID") == to)
		set_not_null(t, sql_text(h, i + 2));
	return ERR_OK;
}

/* Names of columns stand in quotes where they are such a word; EXCLUDE is none that must. */
static bool
is_constraint(const struct shapes *s, const struct sql_head *h, size_t i)
{
	static const char *const words[] = { "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK",
		"FOREIGN", "LIKE", NULL };
	if (!is_kind(h, i, SQL_WORD))
		return false;
	if (s->dialect == SQL_MYSQL)
		return true;
	return is_any(h, i, words) || (sql_is(h, i, "EXCLUDE") &&
					  (sql_is(h, i + 1, "USING") || sql_is(h, i + 1, "(")));
}

/* --- statements --- */

static enum err_code
add_parent(struct table_def *t, const struct sql_head *h, size_t *i, struct err *err)
{
	AUTO(str) char *name = NULL;
	if (take_name(&name, h, i, err))
		return err->code;
	return strv_add(&t->parents, name, err);
}

/* Between the parentheses that open at i. */
static enum err_code
add_elements(
    struct shapes *s, struct table_def *t, const struct sql_head *h, size_t i, struct err *err)
{
	size_t to = behind(h, i, h->count);
	for (i++; i < to; i++) {
		size_t end = end_of_element(h, i, to);
		if (end == i)
			continue;
		if (is_constraint(s, h, i)) {
			if (add_constraint(t, h, i, end, err))
				return err->code;
		} else if (is_name(h, i) && add_column(s, t, h, i, end, err)) {
			return err->code;
		}
		i = end;
	}
	return ERR_OK;
}

static enum err_code
create_table(struct shapes *s, const struct sql_head *h, const char *name, struct err *err)
{
	struct table_def *t;
	size_t i = find_word(h, 0, h->count, "TABLE") + 1;
	if (sql_is(h, i, "IF"))
		i += 3;
	AUTO(str) char *as_written = NULL;
	if (table_at(&t, s, name, err) || take_name(&as_written, h, &i, err))
		return err->code;
	table_clear(t);
	if (sql_is(h, i, "PARTITION") && sql_is(h, i + 1, "OF")) {
		i += 2;
		t->is_partition = true;
		if (add_parent(t, h, &i, err))
			return err->code;
	} else if (sql_is(h, i, "OF")) {
		AUTO(str) char *type = NULL;
		i++;
		if (take_name(&type, h, &i, err))
			return err->code;
	}
	if (!sql_is(h, i, "("))
		return ERR_OK;
	if (add_elements(s, t, h, i, err))
		return err->code;
	i = behind(h, i, h->count);
	if (!sql_is(h, i, "INHERITS"))
		return ERR_OK;
	for (i += 2; is_name(h, i); i++)
		if (add_parent(t, h, &i, err))
			return err->code;
	return ERR_OK;
}

/* From behind the table's name. */
static enum err_code
alter_table(
    struct shapes *s, const struct sql_head *h, size_t i, const char *name, struct err *err)
{
	struct table_def *t;
	if (sql_is(h, i, "ATTACH") && sql_is(h, i + 1, "PARTITION")) {
		AUTO(str) char *child = NULL;
		i += 2;
		if (take_name(&child, h, &i, err) || table_at(&t, s, child, err))
			return err->code;
		t->is_partition = true;
		return strv_add(&t->parents, name, err);
	}
	/* Views and sequences are altered with the same words. */
	struct checksum128 key = checksum128_of(name, strlen(name));
	if (map_get(&s->table_places, &key) == NULL)
		return ERR_OK;
	if (table_at(&t, s, name, err))
		return err->code;
	if (sql_is(h, i, "INHERIT")) {
		i++;
		return add_parent(t, h, &i, err);
	}
	if (sql_is(h, i, "ADD") && sql_is(h, i + 1, "CONSTRAINT"))
		return add_constraint(t, h, i + 1, h->count, err);
	if (sql_is(h, i, "ALTER") && sql_is(h, i + 1, "COLUMN") && sql_is(h, i + 3, "SET") &&
	    sql_is(h, i + 4, "NOT"))
		set_not_null(t, sql_text(h, i + 2));
	return ERR_OK;
}

/* CREATE UNIQUE INDEX name ON [ONLY] table [USING method] (columns) ..., not of some rows. */
static enum err_code
create_unique_index(struct shapes *s, const struct sql_head *h, struct err *err)
{
	AUTO(str) char *name = NULL;
	struct table_def *t;
	size_t i = 3;
	while (i < h->count && !(is_kind(h, i, SQL_WORD) && sql_is(h, i, "ON")))
		i++;
	i += sql_is(h, i + 1, "ONLY") ? 2 : 1;
	if (take_name(&name, h, &i, err))
		return err->code;
	size_t open = find_open(h, i, h->count);
	if (find_word(h, behind(h, open, h->count), h->count, "WHERE") < h->count)
		return ERR_OK;
	if (table_at(&t, s, name, err))
		return err->code;
	return add_key(t, h, open, false, err);
}

enum err_code
shape_statement(struct shapes *s, const struct sql_head *h, const char *object, struct err *err)
{
	if (str_starts(object, "TABLE "))
		return create_table(s, h, object + strlen("TABLE "), err);
	if (s->dialect == SQL_MYSQL)
		return ERR_OK;
	if (sql_is(h, 0, "ALTER") && sql_is(h, 1, "TABLE")) {
		AUTO(str) char *name = NULL;
		size_t i = sql_is(h, 2, "ONLY") ? 3 : 2;
		return take_name(&name, h, &i, err) ? err->code
						    : alter_table(s, h, i, name, err);
	}
	if (sql_is(h, 0, "CREATE") && sql_is(h, 1, "UNIQUE") && sql_is(h, 2, "INDEX"))
		return create_unique_index(s, h, err);
	return ERR_OK;
}

enum err_code
shape_rows(struct shapes *s, const struct sql_head *h, const char *table, struct err *err)
{
	struct table_def *t;
	bool plain;
	size_t open = find_open(h, 0, h->count);
	if (table_at(&t, s, table, err))
		return err->code;
	/* INSERT without names gives all columns; COPY without any has none. */
	if (t->has_head || (open == h->count && s->dialect == SQL_MYSQL))
		return ERR_OK;
	t->has_head = true;
	return open < h->count ? take_columns(&t->head, h, open, &plain, err) : ERR_OK;
}
