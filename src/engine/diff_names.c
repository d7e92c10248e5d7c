/*
 * What of the databases was asked for, and how they are called.
 */
#include "engine/diff_sqlite.h"
#include "engine/table_name.h"

#include <string.h>

bool
diff_wants_rows(const struct row_diff *d)
{
	return d->opt->count || d->opt->limit > 0;
}

bool
diff_wants_service(const struct row_diff *d, const char *service)
{
	return d->opt->service == NULL || strcmp(d->opt->service, service) == 0;
}

bool
diff_wants_database(const struct row_diff *d, const char *database)
{
	return d->opt->database == NULL || strcmp(d->opt->database, database) == 0;
}

bool
diff_wants_dump(const struct row_diff *d, const char *format, const char *database)
{
	/* MySQL's is of all databases. */
	if (database == NULL && strcmp(format, dump_format_word(DUMP_MYSQL)) == 0)
		return true;
	return diff_wants_database(d, database != NULL ? database : "");
}

static bool
is_table(const struct row_diff *d, const char *wanted, const char *table)
{
	return d->opt->tables_are_whole ? strcmp(wanted, table) == 0
					: table_fits(table, wanted);
}

bool
diff_wants_table(const struct row_diff *d, const char *table)
{
	const char *const *p = d->opt->tables;
	while (p != NULL && *p != NULL && !is_table(d, *p, table))
		p++;
	return p == NULL || *p != NULL;
}

enum err_code
diff_unknown(
    struct row_diff *d, const char *service, const char *what, const char *why, struct err *err)
{
	return d->ops->unknown != NULL ? d->ops->unknown(d->arg, service, what, why, err)
				       : ERR_OK;
}

/* --- databases of MySQL: one dump has them all --- */

/* Is the dump of all databases of a server, each table's name beginning with its own? */
static bool
has_all(const struct dump_side *s)
{
	return s->row_format == ROW_INSERT && s->is_known && *s->database == '\0';
}

/* The first part of a name as the census writes it. */
static enum err_code
first_part(struct buf *out, const char *name, struct err *err)
{
	bool is_quoted = *name == '"';
	out->len = 0;
	for (const char *p = name + is_quoted; *p != '\0'; p++) {
		bool is_end = is_quoted ? *p == '"' && p[1] != '"' : *p == '.';
		if (is_end)
			break;
		p += is_quoted && *p == '"';
		if (buf_u8(out, (uint8_t)*p, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
diff_database_of(const char **out, struct buf *room, const struct dump_side *s,
    const char *table, struct err *err)
{
	*out = s->database;
	if (!has_all(s))
		return ERR_OK;
	if (first_part(room, table, err))
		return err->code;
	*out = buf_cstr(room);
	return *out != NULL ? ERR_OK : err_nomem(err);
}

enum err_code
diff_wants_object(const struct row_diff *d, const char *database, const char *name,
    const char *table, bool *out, struct err *err)
{
	AUTO(bufv) struct buf needle = BUF_INIT;
	const char *const parts[] = { d->opt->database, NULL };
	*out = false;
	if (d->opt->tables != NULL && (table == NULL || !diff_wants_table(d, table)))
		return ERR_OK;
	*out = d->opt->database == NULL || strcmp(d->opt->database, database) == 0;
	if (*out || *database != '\0')
		return ERR_OK;
	/* "TRIGGER t ON shop.orders", "DATABASE shop" */
	if (buf_u8(&needle, ' ', err) || census_name(&needle, parts, err))
		return err->code;
	const char *text = buf_cstr(&needle);
	if (text == NULL)
		return err_nomem(err);
	*out = str_ends(name, text);
	for (const char *at = strstr(name, text); at != NULL; at = strstr(at + 1, text))
		*out = *out || at[needle.len] == '.';
	return ERR_OK;
}

/* --- is there such a one? --- */

/* One table that is asked for, and the nearest to it that there is. */
struct wanted_table {
	const struct row_diff *diff;
	const char *name;
	bool is_there;
	const char *near; /* NULL: nothing is */
};

static void
look_at_table(struct wanted_table *w, const char *table)
{
	w->is_there = w->is_there || is_table(w->diff, w->name, table);
	if (table_is_nearer(w->name, table, w->near))
		w->near = table;
}

static void
look_at_dump(struct wanted_table *w, const struct dump_side *s)
{
	for (size_t i = 0; i < s->n_tables; i++)
		look_at_table(w, s->tables[i]->table);
	for (size_t i = 0; s->census != NULL && i < census_count(s->census); i++)
		if (census_item(s->census, i)->what == CENSUS_ROWS)
			look_at_table(w, census_item(s->census, i)->name);
}

/* A table without rows has no file in MySQL's dumps: its definition tells of it. */
static enum err_code
look_at_definitions(
    struct wanted_table *w, struct row_diff *d, struct dump_side *s, struct err *err)
{
	if (w->is_there || s->is_whole || s->row_format != ROW_INSERT)
		return ERR_OK;
	if (diff_read_shapes(d, s, NULL, err))
		return err->code;
	for (size_t i = 0; i < shapes_count(s->shapes); i++)
		look_at_table(w, shapes_at(s->shapes, i)->name);
	return ERR_OK;
}

static enum err_code
check_table(struct row_diff *d, const char *name, struct err *err)
{
	struct diff_side *const sides[] = { &d->a, &d->b };
	struct wanted_table w = { .diff = d, .name = name };
	for (size_t k = 0; k < ARRAY_LEN(sides); k++)
		for (size_t i = 0; i < sides[k]->count; i++)
			look_at_dump(&w, &sides[k]->dumps[i]);
	for (size_t k = 0; k < ARRAY_LEN(sides); k++)
		for (size_t i = 0; i < sides[k]->count; i++)
			if (look_at_definitions(&w, d, &sides[k]->dumps[i], err))
				return err->code;
	if (w.is_there)
		return ERR_OK;
	return err_set(err, ERR_USAGE, "neither side has a table %s%s%s%s", name,
	    w.near != NULL ? " (did you mean " : "", w.near != NULL ? w.near : "",
	    w.near != NULL ? "?)" : "");
}

/* A database may hold no rows: then its definition tells. */
static enum err_code
is_defined(struct row_diff *d, const struct diff_side *side, struct dump_side *s,
    const char *wanted, bool *has, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	const char *const parts[] = { wanted, NULL };
	if (diff_read_census(d, side, s, err) || buf_str(&name, "DATABASE ", err) ||
	    census_name(&name, parts, err))
		return err->code;
	const char *text = buf_cstr(&name);
	if (text == NULL)
		return err_nomem(err);
	*has = s->census != NULL && census_find(s->census, CENSUS_OBJECT, text) != NULL;
	return ERR_OK;
}

static enum err_code
dump_has_database(struct row_diff *d, const struct diff_side *side, struct dump_side *s,
    const char *wanted, bool *has, struct err *err)
{
	AUTO(bufv) struct buf room = BUF_INIT;
	const char *name;
	*has = strcmp(s->database, wanted) == 0;
	if (*has || !has_all(s))
		return ERR_OK;
	for (size_t i = 0; !*has && i < s->n_tables; i++) {
		if (diff_database_of(&name, &room, s, s->tables[i]->table, err))
			return err->code;
		*has = strcmp(name, wanted) == 0;
	}
	return *has ? ERR_OK : is_defined(d, side, s, wanted, has, err);
}

static enum err_code
side_has_database(struct row_diff *d, const struct diff_side *side, const char *wanted,
    bool *has, struct err *err)
{
	for (size_t i = 0; i < side->count && !*has; i++)
		if (dump_has_database(d, side, &side->dumps[i], wanted, has, err))
			return err->code;
	return ERR_OK;
}

enum err_code
diff_check_names(struct row_diff *d, struct err *err)
{
	const struct diff_rows_options *opt = d->opt;
	/* A file's tables are known when it is read. */
	bool has_files = diff_has_sqlite(&d->a.snapshot) || diff_has_sqlite(&d->b.snapshot);
	bool is_known = d->n_unknown == 0 && !has_files;
	bool has_database = opt->database == NULL || !is_known;
	if (!has_database &&
	    (side_has_database(d, &d->a, opt->database, &has_database, err) ||
		side_has_database(d, &d->b, opt->database, &has_database, err)))
		return err->code;
	if (!has_database)
		return err_set(err, ERR_USAGE, "neither side has a database %s%s%s",
		    opt->database, opt->service != NULL ? " of service " : "",
		    opt->service != NULL ? opt->service : "");
	if (d->a.count + d->b.count == 0 && is_known && opt->service != NULL)
		return err_set(err, ERR_USAGE,
		    "neither side has a database of service %s: 'stacksnap show' lists those "
		    "of a snapshot",
		    opt->service);
	/* A server that cannot be asked may have it. */
	for (size_t i = 0; is_known && opt->tables != NULL && opt->tables[i] != NULL; i++)
		if (check_table(d, opt->tables[i], err))
			return err->code;
	return diff_check_columns(d, err);
}
