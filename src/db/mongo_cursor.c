#include "db/mongo_cursor.h"

#include "base/strv.h"

#include <string.h>

/* Take the batch of that name, and the cursor's number, out of an answer. */
static enum err_code
take_batch(
    struct mongo_cursor *c, const struct mongo_answer *a, const char *name, struct err *err)
{
	struct bson_value cursor;
	struct bson_value batch;
	struct bson_value id;
	struct bson_value partial;
	if (!bson_get(a->data, a->len, "cursor", &cursor) || cursor.type != BSON_DOCUMENT ||
	    !bson_get(cursor.data, cursor.len, name, &batch) || batch.type != BSON_ARRAY ||
	    !bson_get(cursor.data, cursor.len, "id", &id) ||
	    (id.type != BSON_INT64 && id.type != BSON_INT32))
		return err_set(
		    err, ERR_INCOMPLETE, "the server answers without a cursor's %s", name);
	if (bson_get(cursor.data, cursor.len, "partialResultsReturned", &partial) &&
	    bson_is_true(&partial))
		return err_set(err, ERR_INCOMPLETE, "the server gives a part of it only");
	c->id = bson_integer(&id, 0);
	bson_walk_init(&c->batch, batch.data, batch.len);
	return ERR_OK;
}

/* "shop.orders.old" is collection orders.old of shop. */
static enum err_code
take_namespace(struct mongo_cursor *c, const struct mongo_answer *a, struct err *err)
{
	static const char *const path[] = { "cursor", "ns", NULL };
	struct bson_value ns;
	size_t n = strlen(c->database);
	const char *name = bson_find(a->data, a->len, path, &ns) ? bson_string(&ns) : NULL;
	if (name == NULL || strncmp(name, c->database, n) != 0 || name[n] != '.')
		return err_set(err, ERR_INCOMPLETE, "the server answers without a namespace");
	return str_dup(&c->collection, name + n + 1, err);
}

enum err_code
mongo_cursor_open(struct mongo_cursor *c, struct mongo_link *k, const char *database,
    const struct buf *command, struct err *err)
{
	struct mongo_answer a;
	c->link = k;
	c->database = database;
	if (mongo_command(k, database, command, &a, err) ||
	    take_batch(c, &a, "firstBatch", err))
		return err->code;
	return c->id != 0 ? take_namespace(c, &a, err) : ERR_OK;
}

static enum err_code
get_more(struct mongo_cursor *c, struct err *err)
{
	struct bson_maker m;
	struct mongo_answer a;
	int64_t id = c->id;
	AUTO(bufv) struct buf command = BUF_INIT;
	bson_begin(&m, &command);
	bson_put_int64(&m, "getMore", c->id);
	bson_put_string(&m, "collection", c->collection);
	if (bson_finish(&m, err))
		return err->code;
	if (mongo_command(c->link, c->database, &command, &a, err)) {
		c->id = 0;
		return err->code;
	}
	if (take_batch(c, &a, "nextBatch", err))
		return err->code;
	if (c->id != 0 && c->id != id)
		return err_set(err, ERR_INCOMPLETE, "the server goes on with another cursor");
	return ERR_OK;
}

enum err_code
mongo_cursor_next(struct mongo_cursor *c, const uint8_t **doc, size_t *len, struct err *err)
{
	struct bson_value v;
	for (;;) {
		if (bson_walk_next(&c->batch, &v)) {
			if (v.type != BSON_DOCUMENT)
				break;
			*doc = v.data;
			*len = v.len;
			return ERR_OK;
		}
		if (c->batch.is_broken)
			break;
		if (c->id == 0) {
			*doc = NULL;
			return ERR_OK;
		}
		if (get_more(c, err))
			return err->code;
	}
	return err_set(err, ERR_INCOMPLETE, "the server's answer is no row of documents");
}

void
mongo_cursor_close(struct mongo_cursor *c)
{
	if (c->id != 0) {
		struct bson_maker m;
		struct mongo_answer a;
		struct err ignored; /* the server forgets it after a while */
		AUTO(bufv) struct buf command = BUF_INIT;
		bson_begin(&m, &command);
		bson_put_string(&m, "killCursors", c->collection);
		bson_open_array(&m, "cursors");
		bson_put_int64(&m, NULL, c->id);
		bson_shut(&m);
		if (bson_finish(&m, &ignored) == ERR_OK)
			(void)!mongo_command(c->link, c->database, &command, &a, &ignored);
	}
	free(c->collection);
	*c = (struct mongo_cursor)MONGO_CURSOR_INIT;
}
