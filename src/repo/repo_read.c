/* Chunks and frames, out of packs. */
#include "repo/gone.h"
#include "repo/object.h"
#include "repo/repo.h"
#include "repo/repo_impl.h"
#include "sys/clock.h"

#define PACK_KEYS_MAX 32768
/* Where so many packs are gone, chunks are not looked for in others. */
#define PASS_OVER_MAX 1024

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
repo_forget_tools(struct repo *r)
{
	while (r->tools != NULL) {
		struct tools *next = r->tools->next;
		tools_free(r->tools);
		r->tools = next;
	}
	forget_pack_keys(r);
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
repo_fetch_sealed(struct repo *r, const struct location *loc, struct tools *t,
    struct pack_header *ph, struct err *err)
{
	char where[PACK_KEY_SIZE];
	size_t len = loc->frame_len;
	pack_key(where, &loc->pack);
	if (pack_header_of(r, &loc->pack, ph, err))
		return err->code;
	t->block.len = 0;
	if (buf_reserve(&t->block, len, err) ||
	    store_get_range(r->store, where, loc->frame_offset, t->block.data, len, err)) {
		secret_wipe(ph, sizeof *ph);
		return err->code;
	}
	return ERR_OK;
}

enum err_code
repo_fetch_frame(struct repo *r, const struct location *loc, struct tools *t, struct err *err)
{
	struct pack_header ph;
	char where[PACK_KEY_SIZE];
	if (repo_fetch_sealed(r, loc, t, &ph, err))
		return err->code;
	enum err_code rc =
	    repo_decode_frame(t, &ph, loc->frame_offset, t->block.data, loc->frame_len, err);
	secret_wipe(&ph, sizeof ph);
	pack_key(where, &loc->pack);
	return rc ? err_wrap(err, "%s: frame at %u", where, loc->frame_offset) : ERR_OK;
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
