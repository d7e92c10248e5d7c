#include "db/census.h"

#include "base/json.h"
#include "base/map.h"
#include "base/room.h"
#include "db/bson_scan.h"
#include "db/census_impl.h"
#include "db/mongo_name.h"
#include "db/rdb_scan.h"
#include "db/sql_name.h"

#include <stdlib.h>
#include <string.h>

#define OTHERS "other statements"

struct census {
	enum census_dump kind;
	struct census_item *items;
	size_t count;
	size_t cap;
	struct map places; /* checksum of what and name: index of the item */
	struct sql_scan *sql;
	struct rdb_scan *rdb;
	struct cuts *cuts; /* NULL: nobody asks where rows are */
	struct bson_scan bson;
	struct buf text; /* of metadata, whole: it is small */
	char *file; /* what census_of_file was told */
	struct buf name; /* scratch */
	char *database; /* MySQL: the one in use */
	char *server;
	bool is_restricted; /* behind \restrict, which \unrestrict ends */
	struct checksum128 opened; /* the lo_open that lowrite is for, and what was written */
	bool is_unknown;
	bool is_finished;
};

/* --- items --- */

static struct checksum128
key_of(enum census_what what, const char *name)
{
	struct checksum128 key = checksum128_of(name, strlen(name));
	key.low += (uint64_t)what;
	return key;
}

enum err_code
census_add(struct census *c, const struct census_item *more, struct err *err)
{
	struct checksum128 key = key_of(more->what, more->name);
	void *place;
	bool is_new;
	if (ROOM(c->items, c->count, c->cap, 64, err) ||
	    map_put(&c->places, &key, &place, &is_new, err))
		return err->code;
	if (is_new) {
		char *copy;
		if (str_dup(&copy, more->name, err)) {
			map_remove(&c->places, &key);
			return err->code;
		}
		*(size_t *)place = c->count;
		c->items[c->count++] = (struct census_item){ .what = more->what, .name = copy };
	}
	struct census_item *item = &c->items[*(size_t *)place];
	item->count += more->count;
	item->bytes += more->bytes;
	checksum128_sum(&item->content, more->content);
	return ERR_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct census_item *x = a;
	const struct census_item *y = b;
	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	return strcmp(x->name, y->name);
}

void
census_sort(struct census *c)
{
	if (c->count > 0)
		qsort(c->items, c->count, sizeof *c->items, by_name);
	map_clear(&c->places);
	c->is_finished = true;
}

/* --- what a SQL dump says --- */

static enum sql_dialect
dialect_of(const struct census *c)
{
	return c->kind == CENSUS_MYSQL ? SQL_MYSQL : SQL_POSTGRES;
}

static const char *
database_in_use(const struct census *c)
{
	return c->database != NULL ? c->database : "";
}

/* The pieces of a large object count in their order, and as that object's. */
static struct checksum128
chain(struct census *c, const struct sql_head *head, struct checksum128 content)
{
	struct checksum128 both[2] = { c->opened, content };
	if (sql_is(head, 3, "lo_open"))
		c->opened = content;
	else
		c->opened = checksum128_of(both, sizeof both);
	return c->opened;
}

static enum err_code
note_statement(void *arg, const struct sql_head *head, uint64_t bytes,
    struct checksum128 content, struct err *err)
{
	struct census *c = arg;
	if (c->kind == CENSUS_MYSQL && sql_is(head, 0, "USE")) {
		free(TAKE(c->database));
		return str_dup(&c->database, sql_text(head, 1), err);
	}
	c->name.len = 0;
	if (sql_object_name(&c->name, head, dialect_of(c), database_in_use(c), err))
		return err->code;
	const char *name = c->name.len > 0 ? buf_cstr(&c->name) : OTHERS;
	if (name == NULL)
		return err_nomem(err);
	if (strcmp(name, SQL_LARGE_DATA) == 0)
		content = chain(c, head, content);
	struct census_item item = { CENSUS_OBJECT, name, 1, bytes, content };
	return census_add(c, &item, err);
}

static enum err_code
name_rows(const char **out, struct census *c, const struct sql_head *head, struct err *err)
{
	c->name.len = 0;
	if (sql_rows_name(&c->name, head, dialect_of(c), database_in_use(c), err))
		return err->code;
	*out = buf_cstr(&c->name);
	return *out != NULL ? ERR_OK : err_nomem(err);
}

static enum err_code
note_table(
    void *arg, const struct sql_head *head, uint64_t from, uint64_t rows, struct err *err)
{
	struct census *c = arg;
	const char *name;
	if (name_rows(&name, c, head, err))
		return err->code;
	return cuts_table(c->cuts, from, rows, name, err);
}

static enum err_code
note_rows(void *arg, const struct sql_head *head, const struct sql_rows *rows, struct err *err)
{
	struct census *c = arg;
	const char *name;
	if (name_rows(&name, c, head, err))
		return err->code;
	struct census_item item = { CENSUS_ROWS, name, rows->count, rows->bytes,
		rows->content };
	return census_add(c, &item, err);
}

/* What stands behind prefix in text, without blanks around it; NULL when it does not. */
static const char *
behind(const char *text, const char *prefix)
{
	if (!str_starts(text, prefix))
		return NULL;
	text += strlen(prefix);
	return text + strspn(text, " \t");
}

static void
note_line(void *arg, const char *text)
{
	struct census *c = arg;
	const char *server = behind(text, " Dumped from database version");
	if (server == NULL)
		server = behind(text, " Server version");
	if (server != NULL && c->server == NULL)
		c->server = strndup(server, strcspn(server, "\r"));
	if (behind(text, "\\restrict ") != NULL)
		c->is_restricted = true;
	if (behind(text, "\\unrestrict ") != NULL)
		c->is_restricted = false;
}

static const struct sql_scan_ops scan_ops = { note_statement, note_rows, note_line };

static enum err_code
note_key(void *arg, const struct census_item *item, struct err *err)
{
	return census_add(arg, item, err);
}

/* --- what a collection's files say --- */

static enum err_code
finish_bson(struct census *c, struct err *err)
{
	c->name.len = 0;
	if (bson_scan_finish(&c->bson, err) ||
	    mongo_census_name(&c->name, c->file != NULL ? c->file : "documents", err))
		return err->code;
	const char *name = buf_cstr(&c->name);
	if (name == NULL)
		return err_nomem(err);
	struct census_item item = { CENSUS_ROWS, name, c->bson.count, c->bson.bytes,
		c->bson.content };
	return census_add(c, &item, err);
}

static enum err_code
add_words(
    struct census *c, const char *title, const char *name, const json_t *value, struct err *err)
{
	AUTO(str) char *words = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	AUTO(str) char *object = NULL;
	if (words == NULL)
		return err_nomem(err);
	if (str_printf(&object, err, "%s %s", title, name))
		return err->code;
	struct census_item item = { CENSUS_OBJECT, object, 1, strlen(words),
		checksum128_of(words, strlen(words)) };
	return census_add(c, &item, err);
}

static enum err_code
finish_metadata(struct census *c, struct err *err)
{
	AUTO(json) json_t *j = NULL;
	size_t i;
	const json_t *index;
	const char *file = c->file != NULL ? c->file : "metadata";
	c->name.len = 0;
	if (json_parse(&j, c->text.data, c->text.len, file, err))
		return err_set(err, ERR_INCOMPLETE, "%s is cut off, or no JSON", file);
	if (mongo_census_name(&c->name, file, err))
		return err->code;
	const char *name = buf_cstr(&c->name);
	if (name == NULL)
		return err_nomem(err);
	const char *type = json_get_str(j, "type");
	bool is_view = type != NULL && strcmp(type, "view") == 0;
	if (add_words(
		c, is_view ? "VIEW" : "COLLECTION", name, json_object_get(j, "options"), err))
		return err->code;
	json_array_foreach(json_object_get(j, "indexes"), i, index)
	{
		AUTO(str) char *title = NULL;
		const char *of = json_get_str(index, "name");
		if (str_printf(&title, err, "INDEX %s ON", of != NULL ? of : "?") ||
		    add_words(c, title, name, index, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- the whole --- */

static enum err_code
open_scan(struct census *c, struct err *err)
{
	switch (c->kind) {
	case CENSUS_RDB:
		return rdb_scan_new(&c->rdb, note_key, c, err);
	case CENSUS_BSON:
		return bson_scan_init(&c->bson, err);
	case CENSUS_METADATA:
		return ERR_OK;
	default:
		return sql_scan_new(&c->sql, dialect_of(c), &scan_ops, c, err);
	}
}

enum err_code
census_of_file(struct census *c, const char *stream, struct err *err)
{
	free(TAKE(c->file));
	return str_dup(&c->file, stream, err);
}

enum err_code
census_new(struct census **out, enum census_dump kind, struct err *err)
{
	AUTO(census) struct census *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_nomem(err);
	c->kind = kind;
	map_init(&c->places, sizeof(struct checksum128), sizeof(size_t));
	if (open_scan(c, err))
		return err->code;
	*out = TAKE(c);
	return ERR_OK;
}

void
census_free(struct census *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->count; i++)
		free((void *)(uintptr_t)c->items[i].name);
	free(c->items);
	map_release(&c->places);
	sql_scan_free(c->sql);
	rdb_scan_free(c->rdb);
	bson_scan_release(&c->bson);
	buf_release(&c->text);
	free(c->file);
	buf_release(&c->name);
	free(c->database);
	free(c->server);
	free(c);
}

void
census_pass_over(struct census *c, int64_t before_ms)
{
	if (c->rdb != NULL)
		rdb_scan_pass_over(c->rdb, before_ms);
}

uint64_t
census_passed(const struct census *c)
{
	return c->rdb != NULL ? rdb_scan_passed(c->rdb) : 0;
}

enum err_code
census_feed(struct census *c, const void *data, size_t len, struct err *err)
{
	switch (c->kind) {
	case CENSUS_RDB:
		return rdb_scan_feed(c->rdb, data, len, err);
	case CENSUS_BSON:
		return bson_scan_feed(&c->bson, data, len, err);
	case CENSUS_METADATA:
		return buf_add(&c->text, data, len, err);
	default:
		return sql_scan_feed(c->sql, data, len, err);
	}
}

enum census_dump
census_cut(struct census *c, struct cuts *cuts)
{
	c->cuts = cuts;
	if (c->rdb != NULL)
		rdb_scan_cut(c->rdb, cuts);
	else if (c->sql != NULL)
		sql_scan_cut(c->sql, cuts, note_table);
	return c->kind;
}

enum err_code
census_decide(struct census *c, struct err *err)
{
	return c->sql != NULL ? sql_scan_decide(c->sql, err) : ERR_OK;
}

enum err_code
census_end_cuts(struct census *c, struct err *err)
{
	return c->sql != NULL ? sql_scan_end_cuts(c->sql, err) : ERR_OK;
}

enum err_code
census_at_end(const struct census *c, struct err *err)
{
	if (c->rdb != NULL)
		return rdb_scan_finish(c->rdb, err);
	if (c->sql == NULL)
		return ERR_OK; /* census_finish looks at those, once */
	if (sql_scan_finish(c->sql, err))
		return err->code;
	if (c->is_restricted)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump is cut off: \\unrestrict is missing at its end");
	return ERR_OK;
}

enum err_code
census_finish(struct census *c, struct err *err)
{
	if (census_at_end(c, err) || (c->kind == CENSUS_BSON && finish_bson(c, err)) ||
	    (c->kind == CENSUS_METADATA && finish_metadata(c, err)))
		return err->code;
	c->is_unknown = c->rdb != NULL && !rdb_scan_is_known(c->rdb);
	census_sort(c);
	return ERR_OK;
}

bool
census_is_known(const struct census *c)
{
	return !c->is_unknown;
}

const char *
census_server(const struct census *c)
{
	return c->server;
}

size_t
census_count(const struct census *c)
{
	return c->is_unknown ? 0 : c->count;
}

const struct census_item *
census_item(const struct census *c, size_t i)
{
	return &c->items[i];
}

const struct census_item *
census_find(const struct census *c, enum census_what what, const char *name)
{
	struct census_item want = { .what = what, .name = name };
	if (!c->is_finished || census_count(c) == 0)
		return NULL;
	return bsearch(&want, c->items, c->count, sizeof *c->items, by_name);
}

enum err_code
census_name(struct buf *out, const char *const *parts, struct err *err)
{
	for (size_t i = 0; parts[i] != NULL; i++)
		if ((i > 0 && buf_str(out, ".", err)) || sql_name_part(out, parts[i], err))
			return err->code;
	return ERR_OK;
}

/* --- comparing --- */

static unsigned
differences_of(const struct census_item *a, const struct census_item *b)
{
	if (a->count != b->count)
		return CENSUS_COUNT | CENSUS_CONTENT;
	bool is_same = a->content.low == b->content.low && a->content.high == b->content.high;
	return is_same ? 0 : CENSUS_CONTENT;
}

enum err_code
census_compare(const struct census *a, const struct census *b, census_differs_fn *fn, void *arg,
    struct err *err)
{
	size_t i = 0;
	size_t k = 0;
	while (i < census_count(a) || k < census_count(b)) {
		const struct census_item *x = i < census_count(a) ? &a->items[i] : NULL;
		const struct census_item *y = k < census_count(b) ? &b->items[k] : NULL;
		int order = x == NULL ? 1 : y == NULL ? -1 : by_name(x, y);
		unsigned differences = order < 0   ? CENSUS_MISSING
				       : order > 0 ? CENSUS_EXTRA
						   : differences_of(x, y);
		i += order <= 0;
		k += order >= 0;
		if (differences != 0 &&
		    fn(arg, differences, order <= 0 ? x : NULL, order >= 0 ? y : NULL, err))
			return err->code;
	}
	return ERR_OK;
}
