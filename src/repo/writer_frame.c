#include "repo/writer_impl.h"

#include "base/checksum.h"

/* Of so many frames, one is proved by the ids of its chunks; the others by their checksums. */
#define PROVED_BY_ID 32

const struct frame_rule frame_rules[KINDS] = {
	[CHUNK_DATA] = { 256 << 10, 1024 << 10, BLOCK_LEVEL_FRAME, PACK_DATA },
	/* Two rows that changed lie in two frames: what is unpacked beside them is what a diff
	 * costs. Measured in docs/decisions/0023-datasets.md. */
	[CHUNK_ROWS] = { 24 << 10, 24 << 10, BLOCK_LEVEL_ROWS, PACK_DATA },
	[CHUNK_TREE] = { 128 << 10, 256 << 10, 3, PACK_TREE },
};

bool
writer_is_large(enum chunk_kind kind, size_t len)
{
	return len >= frame_rules[kind].alone;
}

/* What goes into one frame. */
struct plain {
	enum chunk_kind kind;
	const uint8_t *data;
	size_t len;
	struct pack_chunk *chunks; /* the frame's, when it has its place */
	const uint64_t *sums;
	size_t count;
};

static enum err_code
prove_chunk(struct tools *t, const uint8_t *data, const struct pack_chunk *c, uint64_t sum,
    bool by_id, struct err *err)
{
	struct id id;
	if (by_id && repo_chunk_id(t, data, c->len, &id, err))
		return err->code;
	if (checksum_of(data, c->len, 0) != sum || (by_id && !id_equal(&id, &c->id)))
		return err_set(err, ERR_CORRUPT, "a chunk does not come out as it went in");
	return ERR_OK;
}

static enum err_code
prove_chunks(struct writer *w, struct tools *t, const struct pack_frame *f,
    const uint64_t *sums, const uint8_t *plain, size_t len, struct err *err)
{
	unsigned long number = __atomic_fetch_add(&w->frames_proved, 1, __ATOMIC_RELAXED);
	bool by_id = number % PROVED_BY_ID == 0;
	size_t at = 0;
	for (size_t i = 0; i < f->count; i++) {
		const struct pack_chunk *c = &f->chunks[i];
		if (c->len > len - at)
			return err_set(err, ERR_CORRUPT, "a frame comes out too short");
		if (prove_chunk(t, plain + at, c, sums[i], by_id, err))
			return err->code;
		at += c->len;
	}
	return at == len ? ERR_OK : err_set(err, ERR_CORRUPT, "a frame comes out too long");
}

/* Open the sealed frame again and see that each chunk comes out as what was hashed: bad memory
 * is found here, while the source is still at hand (docs/decisions/0011). */
static enum err_code
prove_frame(struct writer *w, struct tools *t, const struct open_pack *p,
    const struct pack_frame *f, const uint64_t *sums, struct err *err)
{
	/* The block that was sealed is not needed any more: its memory takes the opened one. */
	const uint8_t *plain;
	size_t len;
	if (pack_unseal(t->aead, p->key, p->data, PART_FRAME, f->offset, p->data + f->offset,
		f->len, t->block.data, err) ||
	    block_plain(t->unpacker, t->block.data, f->len - AEAD_TAG_SIZE, FRAME_MAX_PLAIN,
		&t->plain, &plain, &len, err) ||
	    prove_chunks(w, t, f, sums, plain, len, err))
		return err_wrap(err, "a pack failed its check before it was stored; this "
				     "machine's memory or processor may be faulty");
	return ERR_OK;
}

/* Compress, place, seal and prove one frame.  Takes over its chunks. */
static enum err_code
store_frame(struct writer *w, struct tools *t, const struct plain *in, struct err *err)
{
	AUTO(mem) struct pack_chunk *owned = in->chunks;
	const struct frame_rule *rule = &frame_rules[in->kind];
	size_t n;
	t->block.len = 0;
	if (buf_reserve(&t->block, block_bound(in->len), err) ||
	    block_encode(t->packer, in->data, in->len, rule->level, t->block.data, &n, err))
		return err->code;
	struct pack_frame f = {
		.len = (uint32_t)(n + AEAD_TAG_SIZE),
		.count = (uint32_t)in->count,
		.chunks = in->chunks,
	};
	struct open_pack *p = NULL;
	if (packs_take_place(&w->packs, rule->pack, &f, &p, err))
		return err->code;
	owned = NULL; /* the pack's; it stays until this frame has left its place */
	enum err_code rc = pack_seal(t->aead, p->key, p->data, PART_FRAME, f.offset,
	    t->block.data, n, p->data + f.offset, err);
	if (rc == ERR_OK)
		rc = prove_frame(w, t, p, &f, in->sums, err);
	/* A frame that failed must not reach the store: the failure is set before its pack
	 * goes. */
	if (rc)
		writer_fail(w, err);
	struct err scratch;
	if (packs_leave_place(&w->packs, p, rc ? &scratch : err) && rc == ERR_OK)
		rc = err->code;
	return rc;
}

enum err_code
frame_store_chunk(struct writer *w, struct tools *t, enum chunk_kind kind, const uint8_t *data,
    size_t len, const struct id *id, uint64_t sum, struct err *err)
{
	struct pack_chunk *one = malloc(sizeof *one);
	if (one == NULL)
		return err_nomem(err);
	*one = (struct pack_chunk){ *id, (uint32_t)len };
	struct plain in = { kind, data, len, one, &sum, 1 };
	return store_frame(w, t, &in, err);
}

/* --- fillings --- */

enum err_code
filling_new(struct filling **out, struct writer *w, enum chunk_kind kind, bool is_pooled,
    struct err *err)
{
	const struct frame_rule *rule = &frame_rules[kind];
	struct filling *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	f->writer = w;
	f->kind = kind;
	f->is_pooled = is_pooled;
	if (is_pooled) {
		if (buffers_get(&w->frames, &f->data, err)) {
			free(f);
			return err->code;
		}
	} else if ((f->data = malloc(rule->target + rule->alone)) == NULL) {
		free(f);
		return err_nomem(err);
	}
	*out = f;
	return ERR_OK;
}

void
filling_free(struct filling *f)
{
	if (f == NULL)
		return;
	if (f->is_pooled)
		buffers_put(&f->writer->frames, f->data);
	else
		free(f->data);
	free(f->chunks);
	free(f->sums);
	free(f);
}

static enum err_code
grow(struct filling *f, struct err *err)
{
	size_t cap = max_size(64, 2 * f->cap);
	struct pack_chunk *c = realloc(f->chunks, cap * sizeof *c);
	if (c == NULL)
		return err_nomem(err);
	f->chunks = c;
	uint64_t *s = realloc(f->sums, cap * sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	f->sums = s;
	f->cap = cap;
	return ERR_OK;
}

enum err_code
filling_add(struct filling *f, const uint8_t *data, size_t len, const struct id *id,
    uint64_t sum, struct err *err)
{
	if (f->count == f->cap && grow(f, err))
		return err->code;
	if (len > 0)
		memcpy(f->data + f->len, data, len);
	f->len += len;
	f->chunks[f->count] = (struct pack_chunk){ *id, (uint32_t)len };
	f->sums[f->count++] = sum;
	return ERR_OK;
}

bool
filling_is_full(const struct filling *f)
{
	return f->len >= frame_rules[f->kind].target || f->count >= FRAME_MAX_CHUNKS / 16;
}

enum err_code
filling_store(struct filling *f, struct tools *t, struct err *err)
{
	struct plain in = { f->kind, f->data, f->len, TAKE(f->chunks), f->sums, f->count };
	enum err_code rc = store_frame(f->writer, t, &in, err);
	filling_free(f);
	return rc;
}
