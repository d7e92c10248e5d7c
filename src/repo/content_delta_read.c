/*
 * The bytes of runs.  Runs are collected into batches; the chunks of a batch are
 * read in order of packs and frames, all of one frame by one thread, so that no two wait for
 * the same. Other threads begin with a batch as soon as it is full; the thread that asks takes
 * part when it has nothing else to do.  Runs are handed over in order, batch after batch.
 */
#include "base/room.h"
#include "crypto/secret.h"
#include "repo/content_delta_impl.h"
#include "repo/repo_impl.h"
#include "sys/pool.h"

#define BATCHES 4
#define BATCH_BYTES ((size_t)1 << 20)
#define BATCH_RUNS 256
/* Besides the thread that asks, which reads as well. */
#define HELPERS_MAX 31
/* Stored bytes that one thread fetches at once. */
#define SPAN_BYTES ((uint64_t)64 << 10)
/* Fewer chunks are read by the thread that asks. */
#define CHUNKS_FOR_THREADS 4

/* A chunk, and where its bytes go. */
struct piece {
	struct repo *repo;
	struct extent extent;
	struct location where;
	size_t at; /* in the batch's bytes */
};

/* Pieces of frames that lie one behind the other in a pack: fetched at once. */
struct span {
	size_t first;
	size_t count;
};

struct batch;

/* A thread that works on a batch until no span is left. */
struct helper {
	struct job job;
	struct batch *batch;
};

struct batch_run {
	size_t at[2];
	size_t len[2];
};

struct batch {
	struct piece *pieces;
	size_t piece_count;
	size_t piece_cap;
	struct span *spans;
	size_t span_count;
	size_t span_cap;
	atomic_size_t next; /* span */
	struct batch_run runs[BATCH_RUNS];
	size_t run_count;
	struct buf bytes;
	size_t len;
	bool is_started;
	struct helper helpers[HELPERS_MAX];
	pthread_mutex_t lock; /* guards what is below */
	pthread_cond_t done;
	size_t helpers_left;
	bool has_failed;
	struct err err; /* the first */
};

struct reading {
	struct content_delta *delta;
	struct pool *pool; /* NULL: this thread reads alone */
	size_t helpers; /* threads of the pool */
	content_run_bytes_fn *fn;
	void *arg;
	struct batch batches[BATCHES];
	size_t
	    filling; /* number of the batch that runs are put into; those before it, in turn */
};

/* --- pieces and frames --- */

static int
by_place(const void *x, const void *y)
{
	const struct piece *a = x;
	const struct piece *b = y;
	int c = id_compare(&a->where.pack, &b->where.pack);
	if (c != 0)
		return c;
	return (a->where.frame_offset > b->where.frame_offset) -
	       (a->where.frame_offset < b->where.frame_offset);
}

static bool
is_same_frame(const struct piece *a, const struct piece *b)
{
	return a->repo == b->repo && by_place(a, b) == 0;
}

/* So many of the pieces, at least one, lie in the first one's frame. */
static size_t
same_frame(const struct piece *p, size_t count)
{
	size_t n = 1;
	while (n < count && is_same_frame(p, p + n))
		n++;
	return n;
}

static uint64_t
frame_end(const struct piece *p)
{
	return (uint64_t)p->where.frame_offset + p->where.frame_len;
}

/* The stored bytes from the first piece's frame to the end of the last one's. */
static uint64_t
span_len(const struct piece *p, size_t count)
{
	return frame_end(&p[count - 1]) - p->where.frame_offset;
}

/* Does the frame of the next piece begin where that of this one ends? */
static bool
is_behind(const struct piece *a, const struct piece *b)
{
	return a->repo == b->repo && id_equal(&a->where.pack, &b->where.pack) &&
	       a->where.frame_len > 0 && b->where.frame_offset == frame_end(a);
}

/* --- on any thread --- */

/* From a decoded frame; false when it is not as the index says. */
static bool
copy_piece(struct batch *b, const struct piece *p, struct tools *t)
{
	const struct location *l = &p->where;
	struct id id;
	struct err why;
	if (l->len != p->extent.len || l->offset > t->plain.len ||
	    l->len > t->plain.len - l->offset ||
	    repo_chunk_id(t, t->plain.data + l->offset, l->len, &id, &why) ||
	    !id_equal(&id, &p->extent.id))
		return false;
	memcpy(b->bytes.data + p->at, t->plain.data + l->offset, l->len);
	return true;
}

static bool
copy_frame(struct batch *b, const struct piece *p, size_t count, const struct pack_header *ph,
    const uint8_t *sealed, struct tools *t)
{
	struct err why;
	if (repo_decode_frame(t, ph, p->where.frame_offset, sealed, p->where.frame_len, &why))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!copy_piece(b, &p[i], t))
			return false;
	return true;
}

static bool
copy_frames(struct batch *b, const struct span *s, struct tools *t)
{
	const struct piece *p = &b->pieces[s->first];
	struct location whole = p->where;
	struct pack_header ph;
	struct err why;
	whole.frame_len = (uint32_t)span_len(p, s->count);
	if (repo_fetch_sealed(p->repo, &whole, t, &ph, &why))
		return false;
	bool is_done = true;
	for (size_t i = 0, n; i < s->count && is_done; i += n) {
		n = same_frame(p + i, s->count - i);
		const uint8_t *sealed =
		    t->block.data + (p[i].where.frame_offset - whole.frame_offset);
		is_done = copy_frame(b, p + i, n, &ph, sealed, t);
	}
	secret_wipe(&ph, sizeof ph);
	return is_done;
}

/* Past the cache: what is read once would only push out what is read again, and a buffer that
 * is used for frame after frame stays near the processor.  False when anything fails. */
static bool
copy_span(struct batch *b, const struct span *s)
{
	struct repo *r = b->pieces[s->first].repo;
	struct tools *t;
	struct err why;
	if (b->pieces[s->first].where.frame_len == 0 || repo_borrow_tools(r, &t, &why))
		return false;
	bool is_done = copy_frames(b, s, t);
	repo_return_tools(r, t);
	return is_done;
}

/* By way of the cache: knows what to do when a pack is gone, and what to say. */
static enum err_code
read_piece(struct batch *b, const struct piece *p, struct err *err)
{
	struct chunk_view v;
	if (repo_read_chunk(p->repo, &p->extent.id, &v, err))
		return err->code;
	enum err_code rc = ERR_OK;
	if (v.len == p->extent.len)
		memcpy(b->bytes.data + p->at, v.data, v.len);
	else
		rc = err_set(
		    err, ERR_CORRUPT, "content: a chunk has another length than listed");
	chunk_view_release(&v);
	return rc;
}

/* False when all spans of the batch have been begun. */
static bool
run_span(struct batch *b)
{
	size_t number = atomic_fetch_add(&b->next, 1);
	if (number >= b->span_count)
		return false;
	const struct span *s = &b->spans[number];
	struct err err;
	enum err_code rc = ERR_OK;
	bool is_done = copy_span(b, s);
	for (size_t i = 0; i < s->count && rc == ERR_OK && !is_done; i++)
		rc = read_piece(b, &b->pieces[s->first + i], &err);
	if (rc == ERR_OK)
		return true;
	pthread_mutex_lock(&b->lock);
	if (!b->has_failed) {
		b->has_failed = true;
		b->err = err;
	}
	pthread_mutex_unlock(&b->lock);
	return true;
}

static void
run_helper(struct job *job)
{
	struct batch *b = ((struct helper *)(void *)job)->batch;
	while (run_span(b))
		continue;
	pthread_mutex_lock(&b->lock);
	if (--b->helpers_left == 0)
		pthread_cond_signal(&b->done);
	pthread_mutex_unlock(&b->lock);
}

/* --- on the thread that asks --- */

static struct batch *
batch_at(struct reading *r, size_t number)
{
	return &r->batches[number % BATCHES];
}

static void
wait_for_helpers(struct batch *b)
{
	pthread_mutex_lock(&b->lock);
	while (b->helpers_left > 0)
		pthread_cond_wait(&b->done, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

/* A chunk that no index knows is told by who reads it. */
static void
locate(struct piece *p)
{
	struct err why;
	if (index_lookup(p->repo->index, &p->extent.id, &p->where, &why))
		memset(&p->where, 0, sizeof p->where);
}

static enum err_code
make_spans(struct batch *b, struct err *err)
{
	if (b->span_cap < b->piece_count) {
		free(b->spans);
		b->span_cap = 0;
		b->spans = calloc(b->piece_cap, sizeof *b->spans);
		if (b->spans == NULL)
			return err_nomem(err);
		b->span_cap = b->piece_cap;
	}
	b->span_count = 0;
	for (size_t i = 0; i < b->piece_count; i++) {
		const struct piece *p = &b->pieces[i];
		struct span *s = i > 0 ? &b->spans[b->span_count - 1] : NULL;
		if (s != NULL &&
		    (is_same_frame(p - 1, p) ||
			(is_behind(p - 1, p) &&
			    span_len(&b->pieces[s->first], i + 1 - s->first) <= SPAN_BYTES)))
			s->count++;
		else
			b->spans[b->span_count++] = (struct span){ .first = i, .count = 1 };
	}
	return ERR_OK;
}

static enum err_code
start_batch(struct reading *r, struct batch *b, struct err *err)
{
	if (b->piece_count == 0)
		return ERR_OK;
	for (size_t i = 0; i < b->piece_count; i++)
		locate(&b->pieces[i]);
	qsort(b->pieces, b->piece_count, sizeof *b->pieces, by_place);
	b->bytes.len = 0;
	if (buf_reserve(&b->bytes, b->len + 1, err) || make_spans(b, err))
		return err->code;
	b->is_started = true;
	atomic_store(&b->next, 0);
	size_t helpers = min_size(r->helpers, b->span_count);
	b->helpers_left = helpers;
	for (size_t i = 0; i < helpers; i++) {
		b->helpers[i] = (struct helper){ { run_helper }, b };
		pool_submit(r->pool, &b->helpers[i].job);
	}
	return ERR_OK;
}

static bool
has_helpers(struct batch *b)
{
	pthread_mutex_lock(&b->lock);
	bool has = b->helpers_left > 0;
	pthread_mutex_unlock(&b->lock);
	return has;
}

/* Until all is read that belongs to the batch; while others are at its last spans, this thread
 * works on later batches. */
static void
complete(struct reading *r, struct batch *b)
{
	while (run_span(b))
		continue;
	for (size_t i = 0; i < BATCHES; i++) {
		struct batch *later = batch_at(r, r->filling + i);
		while (later->is_started && has_helpers(b) && run_span(later))
			continue;
	}
	wait_for_helpers(b);
}

/* Hand over the runs of a batch, and make it empty. */
static enum err_code
finish_batch(struct reading *r, struct batch *b, struct err *err)
{
	if (!b->is_started)
		return ERR_OK;
	complete(r, b);
	b->is_started = false;
	if (b->has_failed) {
		*err = b->err;
		return err->code;
	}
	for (size_t i = 0; i < b->run_count; i++) {
		const struct batch_run *run = &b->runs[i];
		struct content_run_bytes out = {
			.data = { b->bytes.data + run->at[0], b->bytes.data + run->at[1] },
			.len = { run->len[0], run->len[1] },
		};
		if (r->fn(r->arg, &out, err))
			return err->code;
	}
	b->run_count = 0;
	b->piece_count = 0;
	b->len = 0;
	return ERR_OK;
}

/* Start the batch that was filled; the next one must have been handed over before. */
static enum err_code
next_batch(struct reading *r, struct err *err)
{
	if (start_batch(r, batch_at(r, r->filling), err))
		return err->code;
	r->filling++;
	return finish_batch(r, batch_at(r, r->filling), err);
}

static enum err_code
add_piece(struct batch *b, const struct piece *p, struct err *err)
{
	if (ROOM(b->pieces, b->piece_count, b->piece_cap, 256, err))
		return err->code;
	b->pieces[b->piece_count++] = *p;
	return ERR_OK;
}

static enum err_code
add_run(void *arg, const struct content_run *run, struct err *err)
{
	struct reading *r = arg;
	struct batch *b = batch_at(r, r->filling);
	struct batch_run *to = &b->runs[b->run_count];
	for (unsigned side = 0; side < 2; side++) {
		to->at[side] = b->len;
		for (size_t i = 0; i < run->count[side]; i++) {
			struct piece p = { .repo = r->delta->sides[side].repo,
				.extent = run->extents[side][i],
				.at = b->len };
			if (p.extent.is_hole)
				return err_set(err, ERR_CORRUPT, "content: rows with a hole");
			if (p.extent.len > SIZE_MAX / 2 - b->len)
				return err_nomem(err);
			b->len += (size_t)p.extent.len;
			if (add_piece(b, &p, err))
				return err->code;
		}
		to->len[side] = b->len - to->at[side];
	}
	b->run_count++;
	if (b->run_count < BATCH_RUNS && b->len < BATCH_BYTES)
		return ERR_OK;
	return next_batch(r, err);
}

static void
reading_auto(struct reading *r)
{
	for (size_t i = 0; i < BATCHES; i++)
		wait_for_helpers(&r->batches[i]);
	pool_close(r->pool);
	for (size_t i = 0; i < BATCHES; i++) {
		struct batch *b = &r->batches[i];
		free(b->pieces);
		free(b->spans);
		buf_release(&b->bytes);
		pthread_cond_destroy(&b->done);
		pthread_mutex_destroy(&b->lock);
	}
}

enum err_code
content_delta_read(
    struct content_delta *d, content_run_bytes_fn *fn, void *arg, struct err *err)
{
	AUTO(reading) struct reading r = { .delta = d, .fn = fn, .arg = arg };
	for (size_t i = 0; i < BATCHES; i++) {
		pthread_mutex_init(&r.batches[i].lock, NULL);
		pthread_cond_init(&r.batches[i].done, NULL);
	}
	bool has_threads =
	    delta_threads(d) > 1 && d->rest.chunks[0] + d->rest.chunks[1] >= CHUNKS_FOR_THREADS;
	r.helpers = has_threads ? min_size(delta_threads(d) - 1, HELPERS_MAX) : 0;
	if (r.helpers > 0 &&
	    pool_open(&r.pool, (unsigned)r.helpers, BATCHES * HELPERS_MAX, "delta", err))
		return err->code;
	if (content_delta_walk(d, add_run, &r, err) ||
	    start_batch(&r, batch_at(&r, r.filling), err))
		return err->code;
	for (size_t i = 1; i <= BATCHES; i++)
		if (finish_batch(&r, batch_at(&r, r.filling + i), err))
			return err->code;
	return ERR_OK;
}
