#include "db/mongo_impl.h"

#include "base/bytes.h"
#include "base/room.h"

#include <string.h>

static void
collection_release(struct mongo_collection *c)
{
	free(c->database);
	free(c->name);
	buf_release(&c->options);
}

void
mongo_list_release(struct mongo_list *l)
{
	for (size_t i = 0; i < l->len; i++)
		collection_release(&l->items[i]);
	free(l->items);
	*l = (struct mongo_list)MONGO_LIST_INIT;
}

static int
compare(const char *database, const char *name, const struct mongo_collection *c)
{
	int order = strcmp(database, c->database);
	return order != 0 ? order : strcmp(name, c->name);
}

static int
by_name(const void *a, const void *b)
{
	const struct mongo_collection *x = a;
	return compare(x->database, x->name, b);
}

const struct mongo_collection *
mongo_list_find(const struct mongo_list *l, const char *database, const char *name)
{
	for (size_t i = 0; i < l->len; i++)
		if (compare(database, name, &l->items[i]) == 0)
			return &l->items[i];
	return NULL;
}

/* What the server makes by itself: views, profiles, users, which are taken otherwise or not at
 * all, as mongodump does. */
static bool
is_system(const char *database, const char *name)
{
	if (!str_starts(name, "system."))
		return false;
	return strcmp(database, "admin") == 0 || strcmp(name, "system.js") != 0;
}

static enum mongo_shape
shape_of(const char *type)
{
	if (type != NULL && strcmp(type, "view") == 0)
		return MONGO_VIEW;
	return type != NULL && strcmp(type, "timeseries") == 0 ? MONGO_TIMESERIES
							       : MONGO_COLLECTION;
}

static void
take_uuid(struct mongo_collection *c, const uint8_t *doc, size_t len)
{
	static const char *const path[] = { "info", "uuid", NULL };
	struct bson_value v;
	/* A length, a kind, sixteen bytes. */
	if (bson_find(doc, len, path, &v) && v.type == BSON_BINARY && v.len == 21)
		hex_encode(c->uuid, v.data + 5, 16);
}

static enum err_code
take_options(struct mongo_collection *c, const uint8_t *doc, size_t len, struct err *err)
{
	struct bson_value v;
	struct bson_value part;
	static const uint8_t empty[BSON_MIN] = { BSON_MIN };
	bool has = bson_get(doc, len, "options", &v) && v.type == BSON_DOCUMENT;
	if (!has)
		return buf_add(&c->options, empty, sizeof empty, err);
	if (bson_check(v.data, v.len, err))
		return err->code;
	if (bson_get(v.data, v.len, "timeseries", &part))
		c->shape = MONGO_TIMESERIES;
	if (bson_get(v.data, v.len, "capped", &part))
		c->is_capped = bson_is_true(&part);
	return buf_add(&c->options, v.data, v.len, err);
}

static enum err_code
add_collection(struct mongo_list *l, const char *database, const char *name, const uint8_t *doc,
    size_t len, struct err *err)
{
	struct bson_value type;
	if (ROOM_SHORT(l->items, l->len, err))
		return err->code;
	struct mongo_collection *c = &l->items[l->len++];
	*c = (struct mongo_collection){ .options = BUF_INIT };
	c->shape = shape_of(bson_get(doc, len, "type", &type) ? bson_string(&type) : NULL);
	take_uuid(c, doc, len);
	if (str_dup(&c->database, database, err) || str_dup(&c->name, name, err))
		return err->code;
	return take_options(c, doc, len, err);
}

static enum err_code
read_collections(struct mongo_list *l, struct mongo_link *k, const char *database,
    uint64_t *count, struct err *err)
{
	struct bson_maker m;
	const uint8_t *doc;
	size_t len;
	AUTO(strv) struct strv buckets = STRV_INIT;
	AUTO(bufv) struct buf command = BUF_INIT;
	AUTO(mongo_cursor) struct mongo_cursor c = MONGO_CURSOR_INIT;
	size_t first = l->len;
	bson_begin(&m, &command);
	bson_put_int32(&m, "listCollections", 1);
	if (bson_finish(&m, err) || mongo_cursor_open(&c, k, database, &command, err))
		return err->code;
	for (;;) {
		struct bson_value v;
		if (mongo_cursor_next(&c, &doc, &len, err))
			return err->code;
		if (doc == NULL)
			break;
		const char *name = bson_get(doc, len, "name", &v) ? bson_string(&v) : NULL;
		if (name == NULL)
			return err_set(
			    err, ERR_INCOMPLETE, "a collection of %s has no name", database);
		enum err_code rc = ERR_OK;
		if (str_starts(name, MONGO_BUCKETS))
			rc = strv_add(&buckets, name + strlen(MONGO_BUCKETS), err);
		else if (!is_system(database, name))
			rc = add_collection(l, database, name, doc, len, err);
		if (rc)
			return rc;
	}
	for (size_t i = first; i < l->len; i++)
		l->items[i].has_buckets = strv_has(&buckets, l->items[i].name);
	*count = l->len - first;
	return ERR_OK;
}

static enum err_code
read_databases(struct strv *names, struct mongo_link *k, struct db_info *info, struct err *err)
{
	struct mongo_answer a;
	struct bson_value list;
	struct bson_walk w;
	struct bson_value v;
	struct bson_value part;
	if (mongo_simple(k, "admin", "listDatabases", &a, err))
		return err->code;
	if (!bson_get(a.data, a.len, "databases", &list) || list.type != BSON_ARRAY)
		return err_set(err, ERR_INCOMPLETE, "the server lists no databases");
	bson_walk_init(&w, list.data, list.len);
	while (bson_walk_next(&w, &v)) {
		const char *name =
		    v.type == BSON_DOCUMENT && bson_get(v.data, v.len, "name", &part)
			? bson_string(&part)
			: NULL;
		if (name == NULL)
			return err_set(err, ERR_INCOMPLETE, "a database has no name");
		if (strcmp(name, "local") == 0 || strcmp(name, "config") == 0)
			continue;
		uint64_t bytes = bson_get(v.data, v.len, "sizeOnDisk", &part)
				     ? (uint64_t)bson_integer(&part, 0)
				     : 0;
		if (strv_add(names, name, err) ||
		    (info != NULL && info_add_database(info, name, bytes, 0, err)))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
mongo_list_read(
    struct mongo_list *out, struct mongo_link *k, struct db_info *databases, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(mongo_list) struct mongo_list l = MONGO_LIST_INIT;
	if (read_databases(&names, k, databases, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		uint64_t count;
		if (read_collections(&l, k, names.items[i], &count, err))
			return err_wrap(err, "database %s", names.items[i]);
		if (databases != NULL)
			databases->databases[i].objects = count;
	}
	if (l.len > 0)
		qsort(l.items, l.len, sizeof *l.items, by_name);
	mongo_list_release(out);
	*out = l;
	l = (struct mongo_list)MONGO_LIST_INIT;
	return ERR_OK;
}
