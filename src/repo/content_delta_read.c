/*
 * The bytes of runs.  Runs are collected into batches; the chunks of a batch are
 * read on other threads, in order of packs and frames, all of one frame by one
 * thread, so that no two wait for the same; runs are handed over in order, batch after batch.
 */
#include "base/room.h"
#include "repo/content_delta_impl.h"
#include "repo/repo_impl.h"
#include "sys/pool.h"

#define BATCHES 4
#define BATCH_BYTES ((size_t)1 << 20)
#define BATCH_RUNS 256
#define JOBS_WAITING 64
/* Fewer chunks are read by the thread that asks. */
#define CHUNKS_FOR_THREADS 4

/* A chunk, and where its bytes go. */
struct piece {
	struct repo *repo;
	struct extent extent;
	struct location where;
	size_t at; /* in the batch's bytes */
};

struct batch;

/* The pieces of one frame. */
struct frame_job {
	struct job job;
	struct batch *batch;
	size_t first;
	size_t count;
};

struct batch_run {
	size_t at[2];
	size_t len[2];
};

struct batch {
	struct piece *pieces;
	size_t piece_count;
	size_t piece_cap;
	struct frame_job *jobs;
	size_t job_cap;
	struct batch_run runs[BATCH_RUNS];
	size_t run_count;
	struct buf bytes;
	size_t len;
	bool is_started;
	pthread_mutex_t lock; /* guards what is below */
	pthread_cond_t done;
	size_t jobs_left;
	bool has_failed;
	struct err err; /* the first */
};

struct reading {
	struct content_delta *delta;
	struct pool *pool; /* NULL: this thread reads */
	content_run_bytes_fn *fn;
	void *arg;
	struct batch batches[BATCHES];
	size_t
	    filling; /* number of the batch that runs are put into; those before it, in turn */
};

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

/* Past the cache: what is read once would only push out what is read again, and a buffer that
 * is used for frame after frame stays near the processor.  False when anything fails. */
static bool
copy_frame(struct batch *b, const struct frame_job *j)
{
	const struct piece *p = &b->pieces[j->first];
	struct tools *t;
	struct err why;
	if (p->where.frame_len == 0 || repo_borrow_tools(p->repo, &t, &why))
		return false;
	bool is_done = repo_fetch_frame(p->repo, &p->where, t, &why) == ERR_OK;
	for (size_t i = 0; i < j->count && is_done; i++)
		is_done = copy_piece(b, &p[i], t);
	repo_return_tools(p->repo, t);
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

static void
run_frame_job(struct job *job)
{
	struct frame_job *j = (struct frame_job *)(void *)job;
	struct batch *b = j->batch;
	struct err err;
	enum err_code rc = ERR_OK;
	bool is_done = copy_frame(b, j);
	for (size_t i = 0; i < j->count && rc == ERR_OK && !is_done; i++)
		rc = read_piece(b, &b->pieces[j->first + i], &err);
	pthread_mutex_lock(&b->lock);
	if (rc != ERR_OK && !b->has_failed) {
		b->has_failed = true;
		b->err = err;
	}
	if (--b->jobs_left == 0)
		pthread_cond_signal(&b->done);
	pthread_mutex_unlock(&b->lock);
}

/* --- on the thread that asks --- */

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

/* A chunk that no index knows is told by who reads it. */
static void
locate(struct piece *p)
{
	struct err why;
	if (index_lookup(p->repo->index, &p->extent.id, &p->where, &why))
		memset(&p->where, 0, sizeof p->where);
}

static enum err_code
make_jobs(struct batch *b, size_t *count, struct err *err)
{
	if (b->job_cap < b->piece_count) {
		free(b->jobs);
		b->job_cap = 0;
		b->jobs = calloc(b->piece_cap, sizeof *b->jobs);
		if (b->jobs == NULL)
			return err_nomem(err);
		b->job_cap = b->piece_cap;
	}
	*count = 0;
	for (size_t i = 0; i < b->piece_count; i++) {
		if (i > 0 && is_same_frame(&b->pieces[i - 1], &b->pieces[i])) {
			b->jobs[*count - 1].count++;
			continue;
		}
		b->jobs[(*count)++] = (struct frame_job){
			.job = { run_frame_job }, .batch = b, .first = i, .count = 1
		};
	}
	return ERR_OK;
}

static enum err_code
start_batch(struct reading *r, struct batch *b, struct err *err)
{
	size_t count;
	if (b->piece_count == 0)
		return ERR_OK;
	for (size_t i = 0; i < b->piece_count; i++)
		locate(&b->pieces[i]);
	qsort(b->pieces, b->piece_count, sizeof *b->pieces, by_place);
	b->bytes.len = 0;
	if (buf_reserve(&b->bytes, b->len + 1, err) || make_jobs(b, &count, err))
		return err->code;
	b->is_started = true;
	b->jobs_left = count;
	for (size_t i = 0; i < count; i++) {
		if (r->pool != NULL)
			pool_submit(r->pool, &b->jobs[i].job);
		else
			run_frame_job(&b->jobs[i].job);
	}
	return ERR_OK;
}

static void
wait_for(struct batch *b)
{
	pthread_mutex_lock(&b->lock);
	while (b->jobs_left > 0)
		pthread_cond_wait(&b->done, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

/* Hand over the runs of a batch, and make it empty. */
static enum err_code
finish_batch(struct reading *r, struct batch *b, struct err *err)
{
	if (!b->is_started)
		return ERR_OK;
	wait_for(b);
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

static struct batch *
batch_at(struct reading *r, size_t number)
{
	return &r->batches[number % BATCHES];
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
		if (r->batches[i].is_started)
			wait_for(&r->batches[i]);
	pool_close(r->pool);
	for (size_t i = 0; i < BATCHES; i++) {
		struct batch *b = &r->batches[i];
		free(b->pieces);
		free(b->jobs);
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
	if (has_threads && pool_open(&r.pool, delta_threads(d), JOBS_WAITING, "delta", err))
		return err->code;
	if (content_delta_walk(d, add_run, &r, err) ||
	    start_batch(&r, batch_at(&r, r.filling), err))
		return err->code;
	for (size_t i = 1; i <= BATCHES; i++)
		if (finish_batch(&r, batch_at(&r, r.filling + i), err))
			return err->code;
	return ERR_OK;
}
