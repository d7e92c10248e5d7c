/* What the store's index objects are by now. */
#include "repo/object.h"
#include "repo/repo.h"
#include "repo/repo_impl.h"

static enum err_code
collect_index(void *arg, const struct store_entry *e, struct err *err)
{
	struct buf *ids = arg;
	struct id id;
	/* What is not named like an index is not one; check reports it. */
	if (!object_id_of_key(&id, e->key, object_folder(OBJECT_INDEX)))
		return ERR_OK;
	return buf_add(ids, id.b, ID_SIZE, err);
}

/* Listings that were out of date before they were read: so often another one is made. */
#define LISTINGS_MAX 5

struct refresh {
	struct repo *repo;
	struct id fetched; /* the last one */
	bool has_missed; /* an object went between the listing and now */
};

static enum err_code
fetch_index(void *arg, const struct id *id, struct buf *payload, struct err *err)
{
	struct refresh *f = arg;
	f->fetched = *id;
	enum err_code rc =
	    object_load(f->repo->store, f->repo->subkeys, OBJECT_INDEX, id, payload, err);
	f->has_missed = f->has_missed || rc == ERR_NOT_FOUND;
	return rc;
}

static bool
index_is_gone(void *arg, const struct id *id)
{
	struct repo *r = ((const struct refresh *)arg)->repo;
	char key[OBJECT_KEY_SIZE];
	uint64_t size;
	struct err why;
	object_key(key, OBJECT_INDEX, id);
	if (store_size(r->store, key, &size, &why) != ERR_NOT_FOUND)
		return false;
	atomic_fetch_add(&r->losses, 1);
	return true;
}

static bool
index_never_goes(void *arg, const struct id *id)
{
	(void)arg;
	(void)id;
	return false;
}

void
repo_pass_over_damage(struct repo *r, repo_damaged_fn *fn, void *arg)
{
	r->damaged = fn;
	r->damaged_arg = arg;
}

static enum err_code
tell_damage(struct repo *r, const struct id *id, const struct err *why, struct err *err)
{
	char key[OBJECT_KEY_SIZE];
	void *value;
	bool is_new;
	object_key(key, OBJECT_INDEX, id);
	pthread_mutex_lock(&r->lock);
	enum err_code rc = map_put(&r->told, id->b, &value, &is_new, err);
	pthread_mutex_unlock(&r->lock);
	if (rc == ERR_OK && is_new)
		r->damaged(r->damaged_arg, key, why);
	return rc;
}

/* Take an id out of a list; false when it is not there. */
static bool
take_out(struct id *list, size_t *count, const struct id *id)
{
	for (size_t i = 0; i < *count; i++)
		if (id_equal(&list[i], id)) {
			(*count)--;
			memmove(list + i, list + i + 1, (*count - i) * sizeof *list);
			return true;
		}
	return false;
}

/* Load what a listing has; it may lose what is damaged. */
static enum err_code
sync_index(
    struct refresh *f, const struct index_source *source, struct buf *ids, struct err *err)
{
	struct repo *r = f->repo;
	/* Listed in key order, which is the order of ids. */
	struct id *list = (struct id *)(void *)ids->data;
	size_t count = ids->len / ID_SIZE;
	while (index_sync(r->index, list, count, source, err)) {
		struct err why = *err;
		bool is_damage = why.code == ERR_CORRUPT || why.code == ERR_UNSUPPORTED;
		if (r->damaged == NULL || !is_damage || !take_out(list, &count, &f->fetched))
			return err_wrap(err, "load index");
		if (tell_damage(r, &f->fetched, &why, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
refresh(struct repo *r, bool (*is_gone)(void *, const struct id *), struct err *err)
{
	struct refresh f = { .repo = r };
	struct index_source source = { fetch_index, is_gone, &f };
	AUTO(bufv) struct buf seen = BUF_INIT;
	/* An object that went was replaced by one that the listing may not have had: it may
	 * have come where the listing had passed, and the other gone where the listing had yet
	 * to come. The next listing has it. */
	for (int i = 0; i < LISTINGS_MAX; i++) {
		AUTO(bufv) struct buf ids = BUF_INIT;
		if (store_list(
			r->store, object_folder(OBJECT_INDEX), NULL, collect_index, &ids, err))
			return err->code;
		bool is_same = i > 0 && !f.has_missed && ids.len == seen.len &&
			       (ids.len == 0 || memcmp(ids.data, seen.data, ids.len) == 0);
		if (is_same)
			return ERR_OK;
		seen.len = 0;
		f.has_missed = false;
		if (buf_add(&seen, ids.data, ids.len, err) ||
		    sync_index(&f, &source, &ids, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
repo_refresh(struct repo *r, struct err *err)
{
	return refresh(r, index_is_gone, err);
}

enum err_code
repo_refresh_keeping(struct repo *r, struct err *err)
{
	return refresh(r, index_never_goes, err);
}
