#include "repo/gone.h"

#include "repo/index_payload.h"
#include "repo/object.h"
#include "repo/repo_impl.h"

enum err_code
gone_ask(struct repo *r, const struct id *pack, struct pack_list *gone, struct err *err)
{
	char key[PACK_KEY_SIZE];
	uint64_t size;
	pack_key(key, pack);
	enum err_code rc = store_size(r->store, key, &size, err);
	return rc == ERR_NOT_FOUND ? pack_list_add(gone, pack, err) : rc;
}

enum err_code
gone_note(struct repo *r, const struct pack_list *gone, struct err *err)
{
	enum err_code rc = ERR_OK;
	bool is_any_new = false;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < gone->count && rc == ERR_OK; i++) {
		void *value;
		bool is_new = false;
		rc = map_put(&r->gone, gone->ids[i].b, &value, &is_new, err);
		is_any_new = is_any_new || is_new;
	}
	pthread_mutex_unlock(&r->lock);
	if (is_any_new)
		atomic_fetch_add(&r->losses, 1);
	return rc;
}

size_t
gone_count(struct repo *r)
{
	pthread_mutex_lock(&r->lock);
	size_t n = r->gone.len;
	pthread_mutex_unlock(&r->lock);
	return n;
}

enum err_code
gone_list(struct repo *r, struct buf *out, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t pos = 0;
	const void *id;
	void *value;
	pthread_mutex_lock(&r->lock);
	while (rc == ERR_OK && map_next(&r->gone, &pos, &id, &value))
		rc = buf_add(out, id, ID_SIZE, err);
	pthread_mutex_unlock(&r->lock);
	return rc;
}

/* --- an index that names them --- */

struct sorting {
	struct repo *repo;
	struct pack_list *gone;
	struct index_builder present;
};

static enum err_code
sort_pack(void *arg, const struct id *pack, enum pack_kind kind, uint64_t size,
    const struct pack_dir *dir, struct err *err)
{
	struct sorting *s = arg;
	size_t before = s->gone->count;
	enum err_code rc = gone_ask(s->repo, pack, s->gone, err);
	if (rc == ERR_OK && s->gone->count == before)
		rc = index_builder_add(&s->present, pack, kind, size, dir, err);
	return rc;
}

static enum err_code
put_present(struct sorting *s, struct id *other, struct err *err)
{
	AUTO(bufv) struct buf payload = BUF_INIT;
	if (s->present.pack_count == 0)
		return ERR_OK;
	if (index_builder_finish(&s->present, &payload, err))
		return err->code;
	return object_save(s->repo->store, s->repo->subkeys, OBJECT_INDEX, payload.data,
	    payload.len, other, err);
}

/* First the other, then this one away: no pack that is there is without an index at any time.
 */
static enum err_code
replace(struct sorting *s, const struct id *object, struct id *other, struct err *err)
{
	char key[OBJECT_KEY_SIZE];
	object_key(key, OBJECT_INDEX, object);
	if (put_present(s, other, err))
		return err->code;
	enum err_code rc = store_delete(s->repo->store, key, err);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc; /* a prune has done so */
}

enum err_code
gone_take_back(struct repo *r, const struct id *object, const struct buf *payload,
    struct pack_list *gone, struct id *other, struct err *err)
{
	struct sorting s = { r, gone, INDEX_BUILDER_INIT };
	size_t before = gone->count;
	*other = (struct id){ { 0 } };
	enum err_code rc = index_payload_walk(payload, sort_pack, &s, err);
	if (rc == ERR_OK && gone->count > before)
		rc = replace(&s, object, other, err);
	buf_release(&s.present.packs);
	return rc ? err_wrap(err, "take back an index") : ERR_OK;
}
