#include "repo/writer.h"

#include "base/checksum.h"
#include "repo/writer_impl.h"
#include "sys/thread.h"

/* The largest chunk and the beginning of the next one. */
#define SPARE_SLABS 2
/* Slabs and frames bound what is queued; this only has to be more than there can be. */
#define JOB_QUEUE 512

enum err_code
writer_fail(struct writer *w, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	if (w->failure.code == ERR_OK)
		w->failure = *err;
	*err = w->failure;
	pthread_mutex_unlock(&w->lock);
	buffers_stop(&w->slabs);
	buffers_stop(&w->frames);
	packs_stop(&w->packs);
	return err->code;
}

enum err_code
writer_check(struct writer *w, struct err *err)
{
	if (cancel_check(w->cancel, err))
		return writer_fail(w, err);
	pthread_mutex_lock(&w->lock);
	enum err_code rc = w->failure.code;
	if (rc)
		*err = w->failure;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

/* --- slabs --- */

enum err_code
writer_get_slab(struct writer *w, struct slab **out, struct err *err)
{
	struct slab *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	if (buffers_get(&w->slabs, &s->data, err)) {
		free(s);
		return writer_fail(w, err);
	}
	s->owner = w;
	s->size = SLAB_SIZE;
	__atomic_store_n(&s->refs, 1, __ATOMIC_RELAXED);
	*out = s;
	return ERR_OK;
}

void
slab_ref(struct slab *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
}

void
slab_unref(struct slab *s)
{
	if (s == NULL || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	buffers_put(&s->owner->slabs, s->data);
	free(s);
}

void
writer_allow_slabs(struct writer *w, int more)
{
	buffers_allow(&w->slabs, more);
}

/* --- jobs --- */

/* A large chunk, or a full frame of small ones. */
struct job {
	struct filling *filling; /* NULL: a chunk */
	enum chunk_kind kind;
	struct slab *slab;
	size_t offset;
	size_t len;
	chunk_done *done;
	void *arg;
	size_t index;
};

static void
end_job(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	if (--w->jobs_open == 0)
		pthread_cond_broadcast(&w->idle);
	pthread_mutex_unlock(&w->lock);
}

static enum err_code
add_job(struct writer *w, const struct job *what, struct err *err)
{
	struct job *j = malloc(sizeof *j);
	if (j == NULL)
		return err_nomem(err);
	*j = *what;
	pthread_mutex_lock(&w->lock);
	w->jobs_open++;
	pthread_mutex_unlock(&w->lock);
	if (queue_push(w->jobs, j))
		return ERR_OK;
	free(j);
	end_job(w);
	return err_set(err, ERR_CANCELLED, "the writer is closed");
}

enum err_code
writer_add(struct writer *w, enum chunk_kind kind, struct slab *slab, size_t offset, size_t len,
    chunk_done *done, void *arg, size_t index, struct err *err)
{
	if (writer_check(w, err))
		return err->code;
	struct job j = { NULL, kind, slab, offset, len, done, arg, index };
	slab_ref(slab);
	if (add_job(w, &j, err)) {
		slab_unref(slab);
		return err->code;
	}
	return ERR_OK;
}

enum err_code
writer_add_frame(struct writer *w, struct filling *f, struct err *err)
{
	struct job j = { .filling = f };
	if (add_job(w, &j, err)) {
		filling_free(f);
		return err->code;
	}
	return ERR_OK;
}

static enum err_code
take_chunk(
    struct writer *w, struct tools *t, const struct job *j, struct id *id, struct err *err)
{
	const uint8_t *data = j->slab->data + j->offset;
	bool is_new;
	uint64_t sum = checksum_of(data, j->len, 0); /* first, so that it covers the hashing */
	if (repo_chunk_id(t, data, j->len, id, err) ||
	    claims_take(&w->claims, id, j->len, &is_new, err))
		return err->code;
	return is_new ? frame_store_chunk(w, t, j->kind, data, j->len, id, sum, err) : ERR_OK;
}

static void
run_chunk(struct writer *w, struct tools *t, const struct job *j)
{
	struct err err;
	struct id id = { { 0 } };
	/* After a failure the ids mean nothing, but everybody who waits is told. */
	if (t != NULL && writer_check(w, &err) == ERR_OK && take_chunk(w, t, j, &id, &err))
		writer_fail(w, &err);
	slab_unref(j->slab);
	j->done(j->arg, j->index, &id);
}

static void
run_filling(struct writer *w, struct tools *t, struct filling *f)
{
	struct err err;
	if (t == NULL || writer_check(w, &err))
		filling_free(f);
	else if (filling_store(f, t, &err))
		writer_fail(w, &err);
}

static void *
run_jobs(void *arg)
{
	struct writer *w = arg;
	struct err err;
	struct tools *t = NULL;
	if (repo_borrow_tools(w->repo, &t, &err))
		writer_fail(w, &err);
	struct job *j;
	while ((j = queue_pop(w->jobs)) != NULL) {
		if (j->filling != NULL)
			run_filling(w, t, j->filling);
		else
			run_chunk(w, t, j);
		free(j);
		end_job(w);
	}
	if (t != NULL)
		repo_return_tools(w->repo, t);
	return NULL;
}

static enum err_code
add_at_once(struct writer *w, struct tools *t, enum chunk_kind kind, const uint8_t *data,
    size_t len, struct id *id, struct err *err)
{
	bool is_new;
	struct filling *full = NULL;
	uint64_t sum = checksum_of(data, len, 0);
	if (repo_chunk_id(t, data, len, id, err) ||
	    claims_take(&w->claims, id, len, &is_new, err))
		return err->code;
	if (!is_new)
		return ERR_OK;
	if (writer_is_large(kind, len))
		return frame_store_chunk(w, t, kind, data, len, id, sum, err);
	if (shared_add(w, kind, data, len, id, sum, &full, err))
		return err->code;
	return full != NULL ? filling_store(full, t, err) : ERR_OK;
}

enum err_code
writer_add_now(struct writer *w, enum chunk_kind kind, const void *data, size_t len,
    struct id *id, struct err *err)
{
	struct tools *t;
	if (writer_check(w, err) || repo_borrow_tools(w->repo, &t, err))
		return err->code;
	enum err_code rc = add_at_once(w, t, kind, data, len, id, err);
	repo_return_tools(w->repo, t);
	return rc ? writer_fail(w, err) : ERR_OK;
}

/* --- life --- */

static enum err_code
start_threads(struct writer *w, struct err *err)
{
	w->threads = calloc(w->workers, sizeof *w->threads);
	if (w->threads == NULL)
		return err_nomem(err);
	if (queue_new(&w->jobs, JOB_QUEUE, NULL, err) || packs_start(&w->packs, err))
		return err->code;
	for (; w->started < w->workers; w->started++)
		if (thread_start(&w->threads[w->started], run_jobs, w, "chunks", err))
			return err->code;
	return ERR_OK;
}

static size_t
frame_buffer_size(void)
{
	size_t size = 0;
	for (int kind = 0; kind < KINDS; kind++)
		size = max_size(size, frame_rules[kind].target + frame_rules[kind].alone);
	return size;
}

enum err_code
writer_open(
    struct writer **out, struct repo *r, const struct writer_options *opt, struct err *err)
{
	AUTO(writer) struct writer *w = calloc(1, sizeof *w);
	if (w == NULL)
		return err_nomem(err);
	w->repo = r;
	w->cancel = opt->cancel;
	w->workers = opt->workers > 0 ? opt->workers : thread_cpus();
	buffers_init(&w->slabs, SLAB_SIZE, SPARE_SLABS);
	/* Each worker has one at hand, and one waits; groups bring theirs. */
	buffers_init(&w->frames, frame_buffer_size(), w->workers + 1);
	claims_init(&w->claims, r->index);
	packs_init(&w->packs, w, opt->index_chunks, opt->index_age_ns);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->idle, NULL);
	if (store_check_writable(r->store, err) || watch_open(&w->watch, r, err))
		return err_wrap(err, "start writer");
	w->claims.watch = w->watch;
	if ((opt->adopts && packs_adopt(&w->packs, err)) || start_threads(w, err))
		return err_wrap(err, "start writer");
	*out = TAKE(w);
	return ERR_OK;
}

void
writer_close(struct writer *w)
{
	if (w == NULL)
		return;
	/* Jobs that are queued still run, so that their callbacks are called. */
	if (w->jobs != NULL)
		queue_close(w->jobs);
	for (unsigned i = 0; i < w->started; i++)
		pthread_join(w->threads[i], NULL);
	queue_free(w->jobs);
	free(w->threads);
	packs_release(&w->packs);
	for (int kind = 0; kind < KINDS; kind++)
		filling_free(w->shared[kind]);
	claims_release(&w->claims);
	buffers_release(&w->frames);
	buffers_release(&w->slabs);
	watch_close(w->watch);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void
wait_for_jobs(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->jobs_open > 0)
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

enum err_code
writer_flush(struct writer *w, struct err *err)
{
	wait_for_jobs(w);
	if (writer_check(w, err))
		return err->code;
	if (groups_share(w, err))
		return writer_fail(w, err);
	wait_for_jobs(w);
	if (writer_check(w, err))
		return err->code;
	if (shared_flush(w, err) || packs_flush(&w->packs, err))
		return writer_fail(w, err);
	return ERR_OK;
}

void
writer_get_stats(struct writer *w, struct writer_stats *out)
{
	struct writer_stats s = { 0 };
	pthread_mutex_lock(&w->claims.lock);
	s.chunks = w->claims.chunks;
	s.bytes = w->claims.bytes;
	s.new_chunks = w->claims.new_chunks;
	s.new_bytes = w->claims.new_bytes;
	pthread_mutex_unlock(&w->claims.lock);
	pthread_mutex_lock(&w->packs.lock);
	s.stored_bytes = w->packs.stored_bytes;
	s.packs = w->packs.stored;
	pthread_mutex_unlock(&w->packs.lock);
	*out = s;
}

struct watch *
writer_watch(const struct writer *w)
{
	return w->watch;
}

struct repo *
writer_repo(const struct writer *w)
{
	return w->repo;
}
