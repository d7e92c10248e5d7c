#include "repo/snapshot.h"

#include "base/room.h"
#include "repo/object.h"
#include "repo/repo_impl.h"

enum err_code
snapshot_save(struct repo *r, const struct buf *document, struct id *id, struct err *err)
{
	/* It may rely on an index whose writer was killed before that was durable. */
	if (store_settle(r->store, object_folder(OBJECT_INDEX), err) ||
	    object_save(
		r->store, r->subkeys, OBJECT_SNAPSHOT, document->data, document->len, id, err))
		return err_wrap(err, "write snapshot");
	return ERR_OK;
}

enum err_code
snapshot_delete(struct repo *r, const struct id *id, struct err *err)
{
	char key[OBJECT_KEY_SIZE];
	object_key(key, OBJECT_SNAPSHOT, id);
	if (store_delete(r->store, key, err))
		return err_wrap(err, "remove snapshot");
	return ERR_OK;
}

bool
snapshot_is_gone(struct repo *r, const struct id *id)
{
	char key[OBJECT_KEY_SIZE];
	uint64_t size;
	struct err why;
	object_key(key, OBJECT_SNAPSHOT, id);
	return store_size(r->store, key, &size, &why) == ERR_NOT_FOUND;
}

enum err_code
snapshot_load(struct repo *r, const struct id *id, json_t **document, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (object_load(r->store, r->subkeys, OBJECT_SNAPSHOT, id, &raw, err))
		return err_wrap(err, "load snapshot");
	AUTO(json) json_t *doc = NULL;
	if (json_parse(&doc, raw.data, raw.len, "snapshot", err))
		return err->code;
	int64_t version = json_get_int(doc, "version", 0);
	if (version != 1)
		return err_set(err, ERR_UNSUPPORTED,
		    "snapshot document of version %lld: use a newer StackSnap",
		    (long long)version);
	*document = TAKE(doc);
	return ERR_OK;
}

struct id_listing {
	snapshot_id_fn *fn;
	void *arg;
};

static enum err_code
give_id(void *arg, const struct store_entry *e, struct err *err)
{
	const struct id_listing *l = arg;
	struct id id;
	if (!object_id_of_key(&id, e->key, object_folder(OBJECT_SNAPSHOT)))
		return ERR_OK;
	return l->fn(l->arg, &id, err);
}

enum err_code
snapshot_ids(struct repo *r, snapshot_id_fn *fn, void *arg, struct err *err)
{
	struct id_listing l = { fn, arg };
	return store_list(r->store, object_folder(OBJECT_SNAPSHOT), NULL, give_id, &l, err);
}

struct found {
	struct id id;
	int64_t time_ns;
	json_t *doc;
};

struct listing {
	struct repo *repo;
	struct found *items;
	size_t count;
	size_t cap;
	snapshot_damaged_fn *damaged; /* NULL: such a one ends the listing */
	void *arg;
};

static void
listing_auto(struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		json_decref(l->items[i].doc);
	free(l->items);
}

static enum err_code
add_found(void *arg, const struct store_entry *e, struct err *err)
{
	struct listing *l = arg;
	struct found f;
	if (!object_id_of_key(&f.id, e->key, object_folder(OBJECT_SNAPSHOT)))
		return ERR_OK;
	if (snapshot_load(l->repo, &f.id, &f.doc, err)) {
		if (err->code == ERR_NOT_FOUND) /* deleted meanwhile */
			return ERR_OK;
		struct err why = *err;
		if (l->damaged != NULL &&
		    (why.code == ERR_CORRUPT || why.code == ERR_UNSUPPORTED ||
			why.code == ERR_IO))
			return l->damaged(l->arg, &f.id, &why, err);
		return err->code;
	}
	f.time_ns = json_get_int(f.doc, "time_ns", 0);
	if (ROOM(l->items, l->count, l->cap, 16, err)) {
		json_decref(f.doc);
		return err->code;
	}
	l->items[l->count++] = f;
	return ERR_OK;
}

static int
by_time(const void *a, const void *b)
{
	const struct found *x = a;
	const struct found *y = b;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return id_compare(&x->id, &y->id);
}

enum err_code
snapshot_list(struct repo *r, snapshot_fn *fn, void *arg, struct err *err)
{
	return snapshot_list_sound(r, fn, NULL, arg, err);
}

enum err_code
snapshot_list_sound(
    struct repo *r, snapshot_fn *fn, snapshot_damaged_fn *damaged, void *arg, struct err *err)
{
	AUTO(listing) struct listing l = { .repo = r, .damaged = damaged, .arg = arg };
	if (store_list(r->store, object_folder(OBJECT_SNAPSHOT), NULL, add_found, &l, err))
		return err->code;
	if (l.count > 1)
		qsort(l.items, l.count, sizeof *l.items, by_time);
	for (size_t i = 0; i < l.count; i++)
		if (fn(arg, &l.items[i].id, l.items[i].doc, err))
			return err->code;
	return ERR_OK;
}
