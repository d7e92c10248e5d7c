#include "repo/check_pack.h"

#include "repo/object.h"

#define WINDOW ((size_t)2 << 20)

/* The finalizer of MurmurHash3 (Austin Appleby, public domain): every bit depends on all. */
static uint64_t
mix(uint64_t v)
{
	v = (v ^ v >> 33) * UINT64_C(0xff51afd7ed558ccd);
	v = (v ^ v >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return v ^ v >> 33;
}

void
entry_sum_add(struct entry_sum *s, const struct id *id, const struct location *loc)
{
	uint64_t frame = (uint64_t)loc->frame_offset << 32 | loc->frame_len;
	uint64_t place = (uint64_t)loc->offset << 32 | loc->len;
	s->entries++;
	s->sum += mix(get_u64(id->b) ^ mix(frame ^ mix(place)));
}

static void
add_frame(struct entry_sum *s, const struct pack_frame *f)
{
	uint32_t at = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct location loc = { .frame_offset = f->offset,
			.frame_len = f->len,
			.offset = at,
			.len = f->chunks[i].len };
		entry_sum_add(s, &f->chunks[i].id, &loc);
		at += f->chunks[i].len;
	}
}

/* A pack that several index objects name has each entry as often. */
static bool
fits(const struct pack_dir *d, const struct entry_sum *indexed)
{
	struct entry_sum own = { 0, 0 };
	for (size_t i = 0; i < d->count; i++)
		add_frame(&own, &d->frames[i]);
	if (own.entries == 0 || indexed->entries % own.entries != 0)
		return own.entries == indexed->entries;
	return indexed->sum == own.sum * (indexed->entries / own.entries);
}

enum err_code
check_frame(struct tools *t, const struct pack_header *ph, const struct pack_frame *f,
    const uint8_t *sealed, struct err *err)
{
	if (repo_decode_frame(t, ph, f->offset, sealed, f->len, err))
		return err->code;
	size_t at = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct id id;
		if (f->chunks[i].len > t->plain.len - at)
			return err_set(err, ERR_CORRUPT, "a chunk lies outside its frame");
		if (repo_chunk_id(t, t->plain.data + at, f->chunks[i].len, &id, err))
			return err->code;
		if (!id_equal(&id, &f->chunks[i].id))
			return err_set(err, ERR_CORRUPT, "a chunk does not fit its id");
		at += f->chunks[i].len;
	}
	return at == t->plain.len
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "a frame holds more than its chunks");
}

/* A pack, of which a window is in memory. */
struct pack_window {
	struct store *store;
	char key[PACK_KEY_SIZE];
	uint64_t size;
	uint64_t at;
	struct buf bytes;
};

/* len bytes of the pack, which stay until the next call. */
static enum err_code
look_at(struct pack_window *w, uint64_t at, size_t len, const uint8_t **out, struct err *err)
{
	if (at < w->at || at + len > w->at + w->bytes.len) {
		size_t n = max_size(len, min_size(WINDOW, w->size - min_size(at, w->size)));
		w->bytes.len = 0;
		if (buf_reserve(&w->bytes, n, err) ||
		    store_get_range(w->store, w->key, at, w->bytes.data, n, err))
			return err->code;
		w->bytes.len = n;
		w->at = at;
	}
	*out = w->bytes.data + (at - w->at);
	return ERR_OK;
}

static enum err_code
check_name(const struct id *id, struct pack_window *w, struct err *err)
{
	AUTO(sha256) struct sha256 *h = NULL;
	struct id actual;
	if (sha256_new(&h, err))
		return err->code;
	for (uint64_t at = 0; at < w->size;) {
		const uint8_t *p;
		size_t n = min_size(WINDOW, w->size - at);
		if (look_at(w, at, n, &p, err) || sha256_add(h, p, n, err))
			return err->code;
		at += n;
	}
	if (sha256_finish(h, actual.b, err))
		return err->code;
	return id_equal(&actual, id)
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "its bytes do not fit its name");
}

static enum err_code
check_frames(struct repo *r, struct tools *t, struct pack_window *w, const struct pack_dir *d,
    uint64_t *chunks, struct err *err)
{
	struct pack_header ph;
	enum pack_kind kind;
	const uint8_t *p;
	if (look_at(w, 0, HEADER_SIZE, &p, err) ||
	    pack_open_header(p, HEADER_SIZE, r->subkeys, ph.key, &kind, err))
		return err->code;
	memcpy(ph.header, p, HEADER_SIZE);
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < d->count && rc == ERR_OK; i++) {
		const struct pack_frame *f = &d->frames[i];
		rc = look_at(w, f->offset, f->len, &p, err);
		if (rc == ERR_OK)
			rc = check_frame(t, &ph, f, p, err);
		if (rc)
			err_wrap(err, "frame at %u", f->offset);
		else
			*chunks += f->count;
	}
	secret_wipe(&ph, sizeof ph);
	return rc;
}

/*
 * The name is the hash of the pack's bytes.  When all frames and the directory open, they are
 * as they were sealed, header and trailer are as they must be, and nothing is left: then, if
 * the directory is the one that is indexed under this name, hashing the bytes once more can
 * tell nothing new, and costs a fifth of the time.  Otherwise it tells whether pack or index is
 * wrong.
 */
enum err_code
check_pack(struct repo *r, struct tools *t, const struct id *id, uint64_t size,
    const struct entry_sum *indexed, uint64_t *chunks, struct err *err)
{
	struct pack_window w = { .store = r->store, .size = size };
	enum pack_kind kind;
	AUTO(pack_dir) struct pack_dir dir = PACK_DIR_INIT;
	pack_key(w.key, id);
	enum err_code rc = pack_load_dir(
	    &dir, &kind, r->store, w.key, size, r->subkeys, t->aead, t->unpacker, err);
	if (rc == ERR_OK)
		rc = check_frames(r, t, &w, &dir, chunks, err);
	if (rc == ERR_OK && !fits(&dir, indexed)) {
		rc = check_name(id, &w, err);
		if (rc == ERR_OK && indexed->entries > 0)
			rc = err_set(err, ERR_CORRUPT,
			    "its directory is not what the index says of it: 'stacksnap repair "
			    "index --read-all' mends the index");
	}
	buf_release(&w.bytes);
	return rc;
}
