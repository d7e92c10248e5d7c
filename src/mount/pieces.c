#include "mount/pieces.h"

#include "sys/pool.h"

#include <stdatomic.h>

#define AHEAD_QUEUE 16

struct pieces {
	struct repo *repo;
	struct frame_cache *cache;
	struct pool *pool;
};

struct reading {
	struct pieces *pieces;
	struct content content;
	struct id digest;
	atomic_uint refs;
};

enum err_code
pieces_open(
    struct pieces **out, struct repo *r, size_t max_bytes, unsigned threads, struct err *err)
{
	AUTO(pieces) struct pieces *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->repo = r;
	if (frame_cache_new(&p->cache, max_bytes, err) ||
	    pool_open(&p->pool, threads, AHEAD_QUEUE, "read-ahead", err))
		return err->code;
	*out = TAKE(p);
	return ERR_OK;
}

void
pieces_close(struct pieces *p)
{
	if (p == NULL)
		return;
	pool_close(p->pool);
	frame_cache_free(p->cache);
	free(p);
}

enum err_code
reading_open(struct reading **out, struct pieces *p, const struct content *c, struct err *err)
{
	AUTO(reading) struct reading *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	atomic_init(&r->refs, 1);
	r->pieces = p;
	if (content_copy(&r->content, c, err) || content_digest(c, r->digest.b, err))
		return err->code;
	*out = TAKE(r);
	return ERR_OK;
}

void
reading_ref(struct reading *r)
{
	atomic_fetch_add(&r->refs, 1);
}

void
reading_unref(struct reading *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	content_release(&r->content);
	free(r);
}

uint64_t
reading_size(const struct reading *r)
{
	return r->content.size;
}

enum err_code
reading_read(
    struct reading *r, uint64_t offset, void *out, size_t len, size_t *got, struct err *err)
{
	if (content_read_at(r->pieces->repo, &r->content, offset, out, len, got, err)) {
		/* To callers "not found" is a name that is not in a folder. */
		if (err->code == ERR_NOT_FOUND)
			err->code = ERR_CORRUPT;
		return err->code;
	}
	return ERR_OK;
}

struct piece_request {
	struct reading *run;
	uint64_t n;
};

static enum err_code
load_piece(void *arg, struct frame *f, struct err *err)
{
	const struct piece_request *q = arg;
	struct reading *r = q->run;
	uint64_t at = q->n * PIECE_SIZE;
	size_t want =
	    r->content.size - at < PIECE_SIZE ? (size_t)(r->content.size - at) : PIECE_SIZE;
	AUTO(mem) uint8_t *data = malloc(want);
	size_t got;
	if (data == NULL)
		return err_nomem(err);
	if (reading_read(r, at, data, want, &got, err))
		return err->code;
	if (got != want)
		return err_set(err, ERR_CORRUPT, "it ends before its size");
	f->data = TAKE(data);
	f->len = want;
	return ERR_OK;
}

/* The cache tells its frames apart by an id and 32 bits: what a very large number has above
 * these goes into the id. */
static void
name_of(const struct reading *r, uint64_t n, struct id *id, uint32_t *low)
{
	*id = r->digest;
	uint64_t high = n >> 32;
	for (int i = 0; i < 4; i++)
		id->b[8 + i] ^= (uint8_t)(high >> (8 * i));
	*low = (uint32_t)n;
}

enum err_code
piece_get(struct reading *r, uint64_t n, struct frame **out, struct err *err)
{
	struct piece_request q = { r, n };
	struct id id;
	uint32_t low;
	if (n >= r->content.size / PIECE_SIZE + (r->content.size % PIECE_SIZE != 0))
		return err_set(err, ERR_CORRUPT, "it ends before there");
	name_of(r, n, &id, &low);
	return frame_cache_get(r->pieces->cache, &id, low, load_piece, &q, out, err);
}

void
piece_put(struct reading *r, struct frame *f)
{
	frame_cache_put(r->pieces->cache, f);
}

struct ahead {
	struct job job; /* first */
	struct reading *run;
	uint64_t n;
};

static void
fetch_ahead(struct job *j)
{
	struct ahead *a = (struct ahead *)j;
	struct frame *f;
	struct err scratch; /* whoever reads it will meet the error and tell it */
	if (piece_get(a->run, a->n, &f, &scratch) == ERR_OK)
		piece_put(a->run, f);
	reading_unref(a->run);
	free(a);
}

void
piece_ahead(struct reading *r, uint64_t n)
{
	if (n * PIECE_SIZE >= r->content.size)
		return;
	struct ahead *a = malloc(sizeof *a);
	if (a == NULL) /* then it is read when it is asked for */
		return;
	*a = (struct ahead){ { fetch_ahead }, r, n };
	reading_ref(r);
	if (!pool_try_submit(r->pieces->pool, &a->job)) {
		reading_unref(r);
		free(a);
	}
}
