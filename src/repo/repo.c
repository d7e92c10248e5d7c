#include "repo/repo.h"

#include "base/log.h"
#include "base/strv.h"
#include "crypto/kdf.h"
#include "repo/gone.h"
#include "repo/object.h"
#include "repo/repo_impl.h"
#include "sys/clock.h"

#define PACK_KEYS_MAX 32768
/* Where so many packs are gone, chunks are not looked for in others. */
#define PASS_OVER_MAX 1024
#define FRAME_CACHE_BYTES ((size_t)32 << 20)

#define SLOT_FOLDER "keys/"

/* Key slots without a config were left by an init that was broken off. */
static enum err_code
stop_at_first(void *arg, const struct store_entry *e, struct err *err)
{
	(void)arg;
	return str_starts(e->key, SLOT_FOLDER) ? ERR_OK
					       : err_set(err, ERR_EXISTS, "%s", e->key);
}

/* ERR_EXISTS when anything is in the store that somebody may miss. */
static enum err_code
check_empty(struct store *s, struct err *err)
{
	uint64_t size;
	struct err probe;
	if (store_size(s, CONFIG_KEY, &size, &probe) == ERR_OK)
		return err_set(
		    err, ERR_EXISTS, "%s holds a repository already", store_location(s));
	if (store_list(s, "", NULL, stop_at_first, NULL, err) == ERR_EXISTS) {
		struct err found = *err;
		return err_set(err, ERR_EXISTS, "%s is not empty (it holds %s)",
		    store_location(s), found.msg);
	}
	return err->code;
}

struct newcomer {
	struct store *store;
	const uint8_t *repo_id;
};

/* Of a repository that never came to be. */
static enum err_code
remove_foreign_slot(void *arg, const struct store_entry *e, struct err *err)
{
	const struct newcomer *n = arg;
	AUTO(bufv) struct buf slot = BUF_INIT;
	if (store_get(n->store, e->key, SLOT_SIZE, &slot, err))
		return err->code;
	if (slot.len == SLOT_SIZE &&
	    memcmp(slot_repo_id(slot.data), n->repo_id, REPO_ID_SIZE) == 0)
		return ERR_OK;
	return store_delete(n->store, e->key, err);
}

enum err_code
repo_create(struct store *s, const struct repo_key *key, const struct repo_create_options *opt,
    struct err *err)
{
	*err = (struct err)ERR_INIT;
	AUTO(secret) struct secret *master = NULL;
	AUTO(secret) struct secret *subkeys = NULL;
	struct config config;
	uint8_t raw[CONFIG_SIZE];
	if (check_empty(s, err) || config_make(&config, err) ||
	    secret_random(&master, MASTER_KEY_SIZE, err) ||
	    subkeys_derive(&subkeys, master, config.repo_id, err) ||
	    config_encode(&config, subkeys, raw, err))
		return err_wrap(err, "create repository");
	/* The config comes last: a repository without one does not exist. */
	uint8_t slot[SLOT_SIZE];
	struct id slot_id;
	if (slot_seal(slot, key, opt, config.repo_id, master, err) ||
	    slot_save(s, slot, sizeof slot, &slot_id, err) ||
	    store_put(s, CONFIG_KEY, raw, sizeof raw, err))
		return err_wrap(err, "create repository");
	struct newcomer n = { s, config.repo_id };
	struct err scratch; /* they open nothing; key list shows what stays */
	if (store_list(s, SLOT_FOLDER, NULL, remove_foreign_slot, &n, &scratch))
		log_debug("create repository: %s", scratch.msg);
	return ERR_OK;
}

static enum err_code
unlock(struct repo *r, const struct repo_key *key, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (config_load(&r->config, r->store, &raw, err) ||
	    slot_find(&r->opened_by, r->store, r->config.repo_id, key, err) ||
	    subkeys_derive(&r->subkeys, r->opened_by.master, r->config.repo_id, err) ||
	    config_authenticate(raw.data, r->subkeys, err))
		return err->code;
	const struct subkeys *k = (const struct subkeys *)(const void *)r->subkeys->data;
	uint8_t table[CHUNKER_TABLE_BYTES];
	if (hkdf_derive(k->chunker, sizeof k->chunker, r->config.repo_id, REPO_ID_SIZE,
		"stacksnap 1 gear", table, sizeof table, err))
		return err->code;
	chunker_table_init(&r->chunker, table);
	secret_wipe(table, sizeof table);
	return ERR_OK;
}

static enum err_code
open_index(struct repo *r, const char *cache_dir, struct err *err)
{
	AUTO(str) char *dir = NULL;
	char hex[2 * REPO_ID_SIZE + 1];
	hex_encode(hex, r->config.repo_id, REPO_ID_SIZE);
	if (cache_dir != NULL && str_printf(&dir, err, "%s/%s", cache_dir, hex))
		return err->code;
	struct err why;
	/* Without a usable cache folder, segments are kept in temporary files. */
	return index_new(&r->index, dir, &why) == ERR_OK ? ERR_OK
							 : index_new(&r->index, NULL, err);
}

enum err_code
repo_open_bare(struct repo **out, struct store *s, const struct repo_key *key,
    const char *cache_dir, struct err *err)
{
	AUTO(repo) struct repo *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->store = s;
	pthread_mutex_init(&r->lock, NULL);
	map_init(&r->pack_keys, ID_SIZE, sizeof(struct pack_header));
	map_init(&r->told, ID_SIZE, 0);
	map_init(&r->gone, ID_SIZE, 0);
	if (unlock(r, key, err) || frame_cache_new(&r->frames, FRAME_CACHE_BYTES, err) ||
	    open_index(r, cache_dir, err))
		return err_wrap(err, "open repository");
	*out = TAKE(r);
	return ERR_OK;
}

enum err_code
repo_open(struct repo **out, struct store *s, const struct repo_key *key, const char *cache_dir,
    struct err *err)
{
	AUTO(repo) struct repo *r = NULL;
	if (repo_open_bare(&r, s, key, cache_dir, err))
		return err->code;
	if (repo_refresh(r, err))
		return err_wrap(err, "open repository");
	*out = TAKE(r);
	return ERR_OK;
}

static void
tools_free(struct tools *t)
{
	mac_free(t->mac);
	aead_free(t->aead);
	packer_free(t->packer);
	unpacker_free(t->unpacker);
	buf_release(&t->block);
	buf_release(&t->opened);
	buf_release(&t->plain);
	free(t);
}

static void
forget_pack_keys(struct repo *r)
{
	size_t pos = 0;
	const void *key;
	void *value;
	while (map_next(&r->pack_keys, &pos, &key, &value))
		secret_wipe(value, sizeof(struct pack_header));
	map_clear(&r->pack_keys);
}

void
repo_close(struct repo *r)
{
	if (r == NULL)
		return;
	while (r->tools != NULL) {
		struct tools *next = r->tools->next;
		tools_free(r->tools);
		r->tools = next;
	}
	forget_pack_keys(r);
	map_release(&r->pack_keys);
	map_release(&r->told);
	map_release(&r->gone);
	frame_cache_free(r->frames);
	index_free(r->index);
	secret_free(r->subkeys);
	secret_free(r->opened_by.master);
	secret_wipe(&r->chunker, sizeof r->chunker);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct store *
repo_store(const struct repo *r)
{
	return r->store;
}

const uint8_t *
repo_id(const struct repo *r)
{
	return r->config.repo_id;
}

int64_t
repo_created_ns(const struct repo *r)
{
	return (int64_t)r->config.created_ns;
}

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

enum err_code
repo_borrow_tools(struct repo *r, struct tools **out, struct err *err)
{
	pthread_mutex_lock(&r->lock);
	struct tools *t = r->tools;
	if (t != NULL)
		r->tools = t->next;
	pthread_mutex_unlock(&r->lock);
	if (t == NULL) {
		const struct subkeys *k =
		    (const struct subkeys *)(const void *)r->subkeys->data;
		t = calloc(1, sizeof *t);
		if (t == NULL)
			return err_nomem(err);
		if (mac_new(&t->mac, k->chunk, sizeof k->chunk, err) ||
		    aead_new(&t->aead, err) || packer_new(&t->packer, err) ||
		    unpacker_new(&t->unpacker, err)) {
			tools_free(t);
			return err->code;
		}
	}
	*out = t;
	return ERR_OK;
}

void
repo_return_tools(struct repo *r, struct tools *t)
{
	pthread_mutex_lock(&r->lock);
	t->next = r->tools;
	r->tools = t;
	pthread_mutex_unlock(&r->lock);
}

enum err_code
repo_chunk_id(struct tools *t, const void *data, size_t len, struct id *out, struct err *err)
{
	return mac_of(t->mac, data, len, out->b, err);
}

enum err_code
repo_decode_frame(struct tools *t, const struct pack_header *ph, uint32_t offset,
    const uint8_t *sealed, size_t len, struct err *err)
{
	t->opened.len = 0;
	t->plain.len = 0;
	size_t plain;
	if (buf_reserve(&t->opened, len, err) ||
	    pack_unseal(t->aead, ph->key, ph->header, PART_FRAME, offset, sealed, len,
		t->opened.data, err) ||
	    block_plain_len(
		t->opened.data, len - AEAD_TAG_SIZE, FRAME_MAX_PLAIN, &plain, err) ||
	    buf_reserve(&t->plain, plain + 1, err) ||
	    block_decode(
		t->unpacker, t->opened.data, len - AEAD_TAG_SIZE, t->plain.data, plain, err))
		return err->code;
	t->plain.len = plain;
	return ERR_OK;
}

/* For reading.  A local copy that cannot be read is made anew, once. */
static enum err_code
look_up(struct repo *r, const struct id *id, struct location *out, struct err *err)
{
	enum err_code rc = index_lookup(r->index, id, out, err);
	if (rc != ERR_IO)
		return rc;
	if (repo_refresh(r, err))
		return err->code;
	return index_lookup(r->index, id, out, err);
}

bool
repo_has_chunk(struct repo *r, const struct id *id)
{
	struct location loc;
	return index_find(r->index, id, &loc);
}

bool
repo_find_pack(struct repo *r, const struct id *id, struct id *pack)
{
	struct location loc;
	struct err why;
	if (look_up(r, id, &loc, &why))
		return false;
	*pack = loc.pack;
	return true;
}

/* Header and key of a pack, read once while they are few. */
static enum err_code
pack_header_of(struct repo *r, const struct id *pack, struct pack_header *out, struct err *err)
{
	pthread_mutex_lock(&r->lock);
	const struct pack_header *known = map_get(&r->pack_keys, pack->b);
	if (known != NULL)
		*out = *known;
	pthread_mutex_unlock(&r->lock);
	if (known != NULL)
		return ERR_OK;

	char where[PACK_KEY_SIZE];
	enum pack_kind kind;
	pack_key(where, pack);
	if (store_get_range(r->store, where, 0, out->header, HEADER_SIZE, err))
		return err->code;
	if (pack_open_header(out->header, HEADER_SIZE, r->subkeys, out->key, &kind, err))
		return err_wrap(err, "%s", where);
	struct err scratch; /* not remembering only costs time */
	void *value;
	bool is_new;
	pthread_mutex_lock(&r->lock);
	if (r->pack_keys.len >= PACK_KEYS_MAX)
		forget_pack_keys(r);
	if (map_put(&r->pack_keys, pack->b, &value, &is_new, &scratch) == ERR_OK)
		memcpy(value, out, sizeof *out);
	pthread_mutex_unlock(&r->lock);
	return ERR_OK;
}

struct frame_request {
	struct repo *repo;
	const struct location *loc;
};

enum err_code
repo_fetch_frame(struct repo *r, const struct location *loc, struct tools *t, struct err *err)
{
	struct pack_header ph;
	char where[PACK_KEY_SIZE];
	size_t len = loc->frame_len;
	pack_key(where, &loc->pack);
	if (pack_header_of(r, &loc->pack, &ph, err))
		return err->code;
	t->block.len = 0;
	enum err_code rc = buf_reserve(&t->block, len, err);
	if (rc == ERR_OK)
		rc = store_get_range(
		    r->store, where, loc->frame_offset, t->block.data, len, err);
	if (rc == ERR_OK) {
		rc = repo_decode_frame(t, &ph, loc->frame_offset, t->block.data, len, err);
		if (rc)
			err_wrap(err, "%s: frame at %u", where, loc->frame_offset);
	}
	secret_wipe(&ph, sizeof ph);
	return rc;
}

static enum err_code
load_frame(void *arg, struct frame *f, struct err *err)
{
	const struct frame_request *q = arg;
	struct repo *r = q->repo;
	struct tools *t;
	if (repo_borrow_tools(r, &t, err))
		return err->code;
	if (t->plain.data == NULL)
		t->plain.data = frame_cache_spare(r->frames, &t->plain.cap);
	enum err_code rc = repo_fetch_frame(r, q->loc, t, err);
	if (rc == ERR_OK) {
		/* The frame keeps the decoded bytes. */
		f->data = t->plain.data;
		f->len = t->plain.len;
		f->cap = t->plain.cap;
		t->plain = (struct buf)BUF_INIT;
	}
	repo_return_tools(r, t);
	return rc;
}

struct held_frame {
	struct frame_cache *cache;
	struct frame *frame;
};

enum err_code
repo_chunk_is(struct repo *r, const struct id *id, const void *data, size_t len, bool *is,
    struct err *err)
{
	struct tools *t;
	struct id actual;
	if (repo_borrow_tools(r, &t, err))
		return err->code;
	enum err_code rc = repo_chunk_id(t, data, len, &actual, err);
	repo_return_tools(r, t);
	if (rc == ERR_OK)
		*is = id_equal(&actual, id);
	return rc;
}

/* Is this really the chunk?  The seal speaks for the frame, the id for the chunk. */
static enum err_code
check_chunk(
    struct repo *r, const struct id *id, const uint8_t *data, size_t len, struct err *err)
{
	bool is = false;
	if (repo_chunk_is(r, id, data, len, &is, err))
		return err->code;
	return is ? ERR_OK : err_set(err, ERR_CORRUPT, "its bytes do not fit its id");
}

/* The frame that holds a chunk; loc is filled once the chunk is known. */
static enum err_code
frame_of(struct repo *r, const struct id *id, struct location *loc, struct frame **f,
    struct err *err)
{
	struct frame_request q = { r, loc };
	if (look_up(r, id, loc, err) ||
	    frame_cache_get(r->frames, &loc->pack, loc->frame_offset, load_frame, &q, f, err))
		return err->code;
	return ERR_OK;
}

/* A pack is gone: a prune may have stored its chunks anew. Where many are gone, a look a second
 * is enough. */
static bool
refresh_for_gone_pack(struct repo *r)
{
	struct err why; /* that the pack is gone says more */
	int64_t now_ns = clock_mono_ns();
	int64_t last_ns = atomic_load(&r->gone_refresh_ns);
	if (last_ns != 0 && now_ns - last_ns < NS_PER_S)
		return false;
	atomic_store(&r->gone_refresh_ns, now_ns);
	return repo_refresh(r, &why) == ERR_OK;
}

/* Its pack is gone: an older index may still name that one, and another have the chunk as well.
 */
static enum err_code
frame_from_elsewhere(struct repo *r, const struct id *id, struct location *loc,
    struct frame **f, struct err *err)
{
	enum err_code rc = ERR_NOT_FOUND;
	for (bool is_same = false; rc == ERR_NOT_FOUND && !is_same;) {
		struct pack_list gone = { &loc->pack, 1, 1 };
		struct id before = loc->pack;
		struct err why; /* that the pack is gone says more */
		if (gone_count(r) >= PASS_OVER_MAX || gone_note(r, &gone, &why) ||
		    index_doom_also(r->index, &before, &why))
			return ERR_NOT_FOUND;
		rc = frame_of(r, id, loc, f, err);
		is_same = id_equal(&loc->pack, &before);
	}
	return rc;
}

enum err_code
repo_read_chunk(struct repo *r, const struct id *id, struct chunk_view *out, struct err *err)
{
	struct location loc = { .frame_len = 0 };
	struct frame *f;
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	enum err_code rc = frame_of(r, id, &loc, &f, err);
	if (rc == ERR_NOT_FOUND && loc.frame_len > 0 && refresh_for_gone_pack(r))
		rc = frame_of(r, id, &loc, &f, err);
	if (rc == ERR_NOT_FOUND && loc.frame_len > 0)
		rc = frame_from_elsewhere(r, id, &loc, &f, err);
	if (rc)
		return err_wrap(err, "chunk %.16s", hex);
	if (loc.offset > f->len || loc.len > f->len - loc.offset)
		rc = err_set(err, ERR_CORRUPT, "it lies outside its frame");
	else
		rc = check_chunk(r, id, f->data + loc.offset, loc.len, err);
	if (rc) {
		frame_cache_put(r->frames, f);
		return err_wrap(err, "chunk %.16s", hex);
	}
	struct held_frame *hold = malloc(sizeof *hold);
	if (hold == NULL) {
		frame_cache_put(r->frames, f);
		return err_nomem(err);
	}
	*hold = (struct held_frame){ r->frames, f };
	*out = (struct chunk_view){ f->data + loc.offset, loc.len, hold };
	return ERR_OK;
}

void
chunk_view_release(struct chunk_view *v)
{
	struct held_frame *hold = v->hold;
	if (hold == NULL)
		return;
	frame_cache_put(hold->cache, hold->frame);
	free(hold);
	v->hold = NULL;
}
