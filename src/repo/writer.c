#include "repo/writer.h"

#include "base/map.h"
#include "repo/object.h"
#include "repo/repo_impl.h"
#include "sys/queue.h"
#include "sys/thread.h"

/*
 * The way of a chunk:
 *
 *	writer_add → jobs → worker: id, known? → frame being filled (by kind)
 *	    → full frame: compress, place in the open pack, seal, open again, compare
 *	    → full pack: packs → pack thread: directory, store, index entry
 *
 * A worker seals straight into the pack's memory: under the lock it only takes
 * a place.  A pack that has no room left is closed to new frames and goes on
 * when the last worker that has a place in it is done.
 */

#define SLAB_SIZE ((size_t)5 << 20)
#define SPARE_SLABS 3
#define JOB_QUEUE 512
#define PACK_QUEUE 1
#define PACK_SIZE ((size_t)16 << 20)
#define TREE_PACK_SIZE ((size_t)4 << 20)
#define INDEX_CHUNKS 65536
#define KINDS 3
#define PACK_KINDS 2

/* How chunks of a kind are grouped into frames. */
static const struct frame_rule {
	size_t alone; /* a chunk of this size gets a frame of its own */
	size_t target; /* others share one of about this size */
	int level; /* of zstd */
	enum pack_kind pack;
} rules[KINDS] = {
	[CHUNK_DATA] = { 256 << 10, 512 << 10, 3, PACK_DATA },
	[CHUNK_ROWS] = { 64 << 10, 64 << 10, 3, PACK_DATA },
	[CHUNK_TREE] = { 128 << 10, 256 << 10, 3, PACK_TREE },
};

/* A frame being filled. */
struct filling {
	uint8_t *data;
	size_t len;
	struct pack_chunk *chunks;
	size_t count;
	size_t cap;
};

/* A pack being filled, or on its way to the store. */
struct open_pack {
	enum pack_kind kind;
	uint8_t key[AEAD_KEY_SIZE];
	uint8_t *data;
	size_t cap;
	size_t used;
	size_t chunks;
	struct pack_dir dir;
	unsigned sealing; /* workers that have a place and are not done */
	bool closed; /* no more places */
};

struct job {
	enum chunk_kind kind;
	struct slab *slab;
	size_t offset;
	size_t len;
	chunk_done *done;
	void *arg;
	size_t index;
};

struct writer {
	struct repo *repo;
	const struct cancel *cancel;
	unsigned workers;
	pthread_t *threads;
	unsigned started;
	pthread_t pack_thread;
	bool pack_thread_started;
	struct queue *jobs;
	struct queue *packs;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t idle; /* jobs_open or packs_open became 0 */
	pthread_cond_t slab_free;
	struct err failure;
	size_t jobs_open; /* queued or being worked on */
	size_t packs_open; /* closed, not yet stored */
	struct map known; /* ids taken on by this writer and not yet in the repo's index */
	struct filling filling[KINDS];
	struct open_pack *open[PACK_KINDS];
	struct writer_stats stats;
	struct slab *free_slabs;
	size_t slabs;
	size_t slab_limit;

	struct index_builder builder; /* the pack thread's; flush's when that is idle */
};

static enum err_code
fail(struct writer *w, const struct err *err)
{
	pthread_mutex_lock(&w->lock);
	if (w->failure.code == ERR_OK)
		w->failure = *err;
	pthread_cond_broadcast(&w->idle);
	pthread_cond_broadcast(&w->slab_free);
	pthread_mutex_unlock(&w->lock);
	return err->code;
}

enum err_code
writer_check(struct writer *w, struct err *err)
{
	if (cancel_check(w->cancel, err))
		return fail(w, err);
	pthread_mutex_lock(&w->lock);
	enum err_code rc = w->failure.code;
	if (rc)
		*err = w->failure;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

/* --- slabs --- */

static void
slab_free_memory(struct slab *s)
{
	if (s == NULL)
		return;
	free(s->data);
	free(s);
}

enum err_code
writer_get_slab(struct writer *w, struct slab **out, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	while (w->free_slabs == NULL && w->slabs >= w->slab_limit && w->failure.code == ERR_OK)
		pthread_cond_wait(&w->slab_free, &w->lock);
	struct slab *s = w->free_slabs;
	enum err_code rc = w->failure.code;
	if (rc)
		*err = w->failure;
	else if (s != NULL)
		w->free_slabs = s->next_free;
	else
		w->slabs++;
	pthread_mutex_unlock(&w->lock);
	if (rc)
		return rc;
	if (s == NULL) {
		s = calloc(1, sizeof *s);
		uint8_t *data = malloc(SLAB_SIZE);
		if (s == NULL || data == NULL) {
			free(s);
			free(data);
			return err_nomem(err);
		}
		s->owner = w;
		s->size = SLAB_SIZE;
		s->data = data;
	}
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
	struct writer *w = s->owner;
	pthread_mutex_lock(&w->lock);
	s->next_free = w->free_slabs;
	w->free_slabs = s;
	pthread_cond_signal(&w->slab_free);
	pthread_mutex_unlock(&w->lock);
}

void
writer_allow_slabs(struct writer *w, int more)
{
	pthread_mutex_lock(&w->lock);
	w->slab_limit = (size_t)((long)w->slab_limit + more);
	pthread_cond_broadcast(&w->slab_free);
	pthread_mutex_unlock(&w->lock);
}

/* --- packs --- */

static void
open_pack_free(void *item)
{
	struct open_pack *p = item;
	if (p == NULL)
		return;
	pack_dir_release(&p->dir);
	secret_wipe(p->key, sizeof p->key);
	free(p->data);
	free(p);
}

static enum err_code
open_pack_new(struct writer *w, enum pack_kind kind, struct open_pack **out, struct err *err)
{
	struct open_pack *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	enum pack_kind found;
	/* The last frame may overshoot the target by its whole length. */
	p->cap = (kind == PACK_DATA ? PACK_SIZE : TREE_PACK_SIZE) +
		 block_bound(FRAME_MAX_PLAIN) + pack_tail_bound(0, 0);
	p->data = malloc(p->cap);
	if (p->data == NULL) {
		free(p);
		return err_nomem(err);
	}
	p->kind = kind;
	if (header_make(p->data, PACK_MAGIC, (uint8_t)kind, err) ||
	    pack_open_header(p->data, HEADER_SIZE, w->repo->subkeys, p->key, &found, err)) {
		open_pack_free(p);
		return err->code;
	}
	p->used = HEADER_SIZE;
	*out = p;
	return ERR_OK;
}

/* Hand a closed pack to the pack thread.  Without the lock. */
static enum err_code
send_pack(struct writer *w, struct open_pack *p, struct err *err)
{
	if (queue_push(w->packs, p))
		return ERR_OK;
	open_pack_free(p);
	return err_set(err, ERR_CANCELLED, "the writer is closed");
}

/* Close the open pack of a kind; with the lock held.  Gives the pack if it can go at once. */
static struct open_pack *
close_pack(struct writer *w, enum pack_kind kind)
{
	struct open_pack *p = w->open[kind - 1];
	w->open[kind - 1] = NULL;
	if (p == NULL)
		return NULL;
	p->closed = true;
	w->packs_open++;
	return p->sealing == 0 ? p : NULL;
}

static bool
has_room(const struct open_pack *p, size_t len, size_t chunks)
{
	size_t target = p->kind == PACK_DATA ? PACK_SIZE : TREE_PACK_SIZE;
	size_t tail = pack_tail_bound(p->dir.count + 1, p->chunks + chunks);
	return (p->dir.count == 0 || p->used < target) && p->used + len + tail <= p->cap;
}

/* A place for a sealed frame.  Takes over f->chunks on success. */
static enum err_code
take_place(struct writer *w, enum pack_kind kind, struct pack_frame *f, struct open_pack **out,
    struct err *err)
{
	struct open_pack *full = NULL;
	struct open_pack *spare = NULL;
	enum err_code rc = ERR_OK;
	pthread_mutex_lock(&w->lock);
	struct open_pack *p = w->open[kind - 1];
	if (p != NULL && !has_room(p, f->len, f->count))
		full = close_pack(w, kind);
	p = w->open[kind - 1];
	if (p == NULL) {
		rc = open_pack_new(w, kind, &spare, err);
		if (rc == ERR_OK)
			p = w->open[kind - 1] = spare;
	}
	if (rc == ERR_OK) {
		f->offset = (uint32_t)p->used;
		rc = pack_dir_add(&p->dir, f, err);
	}
	if (rc == ERR_OK) {
		p->used += f->len;
		p->chunks += f->count;
		p->sealing++;
		w->stats.stored_bytes += f->len;
		*out = p;
	}
	pthread_mutex_unlock(&w->lock);
	struct err lost; /* the place is taken all the same; the writer remembers the failure */
	if (full != NULL && send_pack(w, full, &lost))
		fail(w, &lost);
	return rc;
}

/* The frame in its place is done. */
static enum err_code
leave_place(struct writer *w, struct open_pack *p, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	bool goes = --p->sealing == 0 && p->closed;
	pthread_mutex_unlock(&w->lock);
	return goes ? send_pack(w, p, err) : ERR_OK;
}

/* Open the sealed frame again and see that each chunk comes out with its id: bad memory is
 * found here, while the source is still at hand. */
static enum err_code
prove_frame(struct tools *t, const struct open_pack *p, const struct pack_frame *f,
    const struct pack_chunk *chunks, struct err *err)
{
	struct pack_header ph;
	memcpy(ph.header, p->data, HEADER_SIZE);
	memcpy(ph.key, p->key, AEAD_KEY_SIZE);
	enum err_code rc =
	    repo_decode_frame(t, &ph, f->offset, p->data + f->offset, f->len, err);
	secret_wipe(&ph, sizeof ph);
	size_t at = 0;
	for (size_t i = 0; i < f->count && rc == ERR_OK; i++) {
		struct id id;
		rc = repo_chunk_id(t, t->plain.data + at, chunks[i].len, &id, err);
		if (rc == ERR_OK && !id_equal(&id, &chunks[i].id))
			rc = err_set(
			    err, ERR_CORRUPT, "a chunk does not come out as it went in");
		at += chunks[i].len;
	}
	if (rc)
		return err_wrap(err, "a pack failed its check before it was stored; this "
				     "machine's memory or processor may be faulty");
	return ERR_OK;
}

/* Compress, place, seal and prove one frame.  Takes over chunks. */
static enum err_code
store_frame(struct writer *w, struct tools *t, enum chunk_kind kind, const uint8_t *data,
    size_t len, struct pack_chunk *chunks, size_t count, struct err *err)
{
	AUTO(mem) struct pack_chunk *owned = chunks;
	size_t n;
	t->block.len = 0;
	if (buf_reserve(&t->block, block_bound(len), err) ||
	    block_encode(t->packer, data, len, rules[kind].level, t->block.data, &n, err))
		return err->code;
	struct pack_frame f = {
		.len = (uint32_t)(n + AEAD_TAG_SIZE),
		.count = (uint32_t)count,
		.chunks = chunks,
	};
	struct open_pack *p = NULL;
	if (take_place(w, rules[kind].pack, &f, &p, err))
		return err->code;
	owned = NULL; /* the pack's; it stays until this frame has left its place */
	enum err_code rc = pack_seal(t->aead, p->key, p->data, PART_FRAME, f.offset,
	    t->block.data, n, p->data + f.offset, err);
	if (rc == ERR_OK)
		rc = prove_frame(t, p, &f, chunks, err);
	/* A frame that failed must not reach the store: the failure is set before its pack
	 * goes. */
	if (rc)
		fail(w, err);
	struct err scratch;
	if (leave_place(w, p, rc ? &scratch : err) && rc == ERR_OK)
		rc = err->code;
	return rc;
}

static enum err_code
add_to_index(struct writer *w, bool all, struct err *err)
{
	if (w->builder.pack_count == 0 || (!all && w->builder.chunk_count < INDEX_CHUNKS))
		return ERR_OK;
	AUTO(bufv) struct buf payload = BUF_INIT;
	struct id object;
	if (index_builder_finish(&w->builder, &payload, err) ||
	    object_save(w->repo->store, w->repo->subkeys, OBJECT_INDEX, payload.data,
		payload.len, &object, err) ||
	    index_add(w->repo->index, &object, &payload, err))
		return err_wrap(err, "write index");
	return ERR_OK;
}

static enum err_code
store_pack(struct writer *w, struct tools *t, struct open_pack *p, struct err *err)
{
	if (writer_check(w, err))
		return err->code;
	struct id id;
	char where[PACK_KEY_SIZE];
	if (pack_finish(t->aead, p->key, &p->dir, t->packer, p->data, &p->used, err) ||
	    sha256_of(p->data, p->used, id.b, err))
		return err->code;
	pack_key(where, &id);
	if (store_put(w->repo->store, where, p->data, p->used, err) ||
	    index_builder_add(&w->builder, &id, p->kind, p->used, &p->dir, err))
		return err->code;
	pthread_mutex_lock(&w->lock);
	w->stats.packs++;
	pthread_mutex_unlock(&w->lock);
	return add_to_index(w, false, err);
}

static void *
run_packs(void *arg)
{
	struct writer *w = arg;
	struct err err;
	struct tools *t = NULL;
	if (repo_borrow_tools(w->repo, &t, &err))
		fail(w, &err);
	struct open_pack *p;
	while ((p = queue_pop(w->packs)) != NULL) {
		if (t != NULL && store_pack(w, t, p, &err))
			fail(w, &err);
		open_pack_free(p);
		pthread_mutex_lock(&w->lock);
		if (--w->packs_open == 0)
			pthread_cond_broadcast(&w->idle);
		pthread_mutex_unlock(&w->lock);
	}
	if (t != NULL)
		repo_return_tools(w->repo, t);
	return NULL;
}

/* --- chunks --- */

static void
filling_release(struct filling *f)
{
	free(f->data);
	free(f->chunks);
	*f = (struct filling){ 0 };
}

static enum err_code
filling_add(struct filling *f, const struct frame_rule *rule, const uint8_t *data, size_t len,
    const struct id *id, struct err *err)
{
	if (f->data == NULL) {
		f->data = malloc(rule->target + rule->alone);
		if (f->data == NULL)
			return err_nomem(err);
	}
	if (f->count == f->cap) {
		size_t cap = max_size(64, 2 * f->cap);
		struct pack_chunk *c = realloc(f->chunks, cap * sizeof *c);
		if (c == NULL)
			return err_nomem(err);
		f->chunks = c;
		f->cap = cap;
	}
	if (len > 0)
		memcpy(f->data + f->len, data, len);
	f->len += len;
	f->chunks[f->count++] = (struct pack_chunk){ *id, (uint32_t)len };
	return ERR_OK;
}

/* Seal what a frame holds so far. */
static enum err_code
store_filling(
    struct writer *w, struct tools *t, enum chunk_kind kind, struct filling *f, struct err *err)
{
	enum err_code rc =
	    store_frame(w, t, kind, f->data, f->len, TAKE(f->chunks), f->count, err);
	filling_release(f);
	return rc;
}

/* A new chunk: into the frame of its kind, or one of its own. */
static enum err_code
store_chunk(struct writer *w, struct tools *t, enum chunk_kind kind, const uint8_t *data,
    size_t len, const struct id *id, struct err *err)
{
	const struct frame_rule *rule = &rules[kind];
	if (len >= rule->alone) {
		struct pack_chunk *one = malloc(sizeof *one);
		if (one == NULL)
			return err_nomem(err);
		*one = (struct pack_chunk){ *id, (uint32_t)len };
		return store_frame(w, t, kind, data, len, one, 1, err);
	}
	struct filling full = { 0 };
	pthread_mutex_lock(&w->lock);
	struct filling *f = &w->filling[kind];
	enum err_code rc = filling_add(f, rule, data, len, id, err);
	if (rc == ERR_OK && (f->len >= rule->target || f->count >= FRAME_MAX_CHUNKS / 16)) {
		full = *f;
		*f = (struct filling){ 0 };
	}
	pthread_mutex_unlock(&w->lock);
	if (rc == ERR_OK && full.count > 0)
		rc = store_filling(w, t, kind, &full, err);
	return rc;
}

/* Is this chunk new? Then it is this caller's to store. */
static enum err_code
claim(struct writer *w, const struct id *id, size_t len, bool *is_new, struct err *err)
{
	struct location loc;
	bool stored = index_find(w->repo->index, id, &loc);
	void *value;
	enum err_code rc = ERR_OK;
	*is_new = false;
	pthread_mutex_lock(&w->lock);
	if (!stored)
		rc = map_put(&w->known, id->b, &value, is_new, err);
	w->stats.chunks++;
	w->stats.bytes += len;
	if (*is_new) {
		w->stats.new_chunks++;
		w->stats.new_bytes += len;
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

static enum err_code
take_chunk(struct writer *w, struct tools *t, enum chunk_kind kind, const uint8_t *data,
    size_t len, struct id *id, struct err *err)
{
	bool is_new;
	if (repo_chunk_id(t, data, len, id, err) || claim(w, id, len, &is_new, err))
		return err->code;
	return is_new ? store_chunk(w, t, kind, data, len, id, err) : ERR_OK;
}

enum err_code
writer_add_now(struct writer *w, enum chunk_kind kind, const void *data, size_t len,
    struct id *id, struct err *err)
{
	struct tools *t;
	if (writer_check(w, err) || repo_borrow_tools(w->repo, &t, err))
		return err->code;
	enum err_code rc = take_chunk(w, t, kind, data, len, id, err);
	repo_return_tools(w->repo, t);
	return rc ? fail(w, err) : ERR_OK;
}

static void *
run_jobs(void *arg)
{
	struct writer *w = arg;
	struct err err;
	struct tools *t = NULL;
	if (repo_borrow_tools(w->repo, &t, &err))
		fail(w, &err);
	struct job *j;
	while ((j = queue_pop(w->jobs)) != NULL) {
		struct id id = { { 0 } };
		/* After a failure the ids mean nothing, but everybody who waits is told. */
		if (t != NULL && writer_check(w, &err) == ERR_OK &&
		    take_chunk(w, t, j->kind, j->slab->data + j->offset, j->len, &id, &err))
			fail(w, &err);
		slab_unref(j->slab);
		j->done(j->arg, j->index, &id);
		free(j);
		pthread_mutex_lock(&w->lock);
		if (--w->jobs_open == 0)
			pthread_cond_broadcast(&w->idle);
		pthread_mutex_unlock(&w->lock);
	}
	if (t != NULL)
		repo_return_tools(w->repo, t);
	return NULL;
}

enum err_code
writer_add(struct writer *w, enum chunk_kind kind, struct slab *slab, size_t offset, size_t len,
    chunk_done *done, void *arg, size_t index, struct err *err)
{
	if (writer_check(w, err))
		return err->code;
	struct job *j = malloc(sizeof *j);
	if (j == NULL)
		return err_nomem(err);
	*j = (struct job){ kind, slab, offset, len, done, arg, index };
	slab_ref(slab);
	pthread_mutex_lock(&w->lock);
	w->jobs_open++;
	pthread_mutex_unlock(&w->lock);
	if (queue_push(w->jobs, j))
		return ERR_OK;
	slab_unref(slab);
	free(j);
	pthread_mutex_lock(&w->lock);
	w->jobs_open--;
	pthread_mutex_unlock(&w->lock);
	return err_set(err, ERR_CANCELLED, "the writer is closed");
}

/* --- life --- */

static enum err_code
start_threads(struct writer *w, struct err *err)
{
	w->threads = calloc(w->workers, sizeof *w->threads);
	if (w->threads == NULL)
		return err_nomem(err);
	if (queue_new(&w->jobs, JOB_QUEUE, free, err) ||
	    queue_new(&w->packs, PACK_QUEUE, open_pack_free, err) ||
	    thread_start(&w->pack_thread, run_packs, w, "packs", err))
		return err->code;
	w->pack_thread_started = true;
	for (; w->started < w->workers; w->started++)
		if (thread_start(&w->threads[w->started], run_jobs, w, "chunks", err))
			return err->code;
	return ERR_OK;
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
	w->slab_limit = SPARE_SLABS;
	w->builder = (struct index_builder)INDEX_BUILDER_INIT;
	map_init(&w->known, ID_SIZE, 0);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->idle, NULL);
	pthread_cond_init(&w->slab_free, NULL);
	if (store_check_writable(r->store, err) || repo_refuse_marks(r, err) ||
	    start_threads(w, err))
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
	if (w->packs != NULL)
		queue_close(w->packs);
	if (w->pack_thread_started)
		pthread_join(w->pack_thread, NULL);
	queue_free(w->jobs);
	queue_free(w->packs);
	free(w->threads);
	for (int i = 0; i < KINDS; i++)
		filling_release(&w->filling[i]);
	for (int i = 0; i < PACK_KINDS; i++)
		open_pack_free(w->open[i]);
	while (w->free_slabs != NULL) {
		struct slab *next = w->free_slabs->next_free;
		slab_free_memory(w->free_slabs);
		w->free_slabs = next;
	}
	buf_release(&w->builder.packs);
	map_release(&w->known);
	pthread_cond_destroy(&w->slab_free);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void
wait_until_zero(struct writer *w, const size_t *count)
{
	pthread_mutex_lock(&w->lock);
	while (*count > 0)
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static enum err_code
store_partial_frames(struct writer *w, struct err *err)
{
	struct tools *t;
	if (repo_borrow_tools(w->repo, &t, err))
		return err->code;
	enum err_code rc = ERR_OK;
	for (int kind = 0; kind < KINDS && rc == ERR_OK; kind++) {
		struct filling f = w->filling[kind];
		w->filling[kind] = (struct filling){ 0 };
		if (f.count > 0)
			rc = store_filling(w, t, (enum chunk_kind)kind, &f, err);
	}
	repo_return_tools(w->repo, t);
	return rc;
}

static enum err_code
send_partial_packs(struct writer *w, struct err *err)
{
	for (int kind = PACK_DATA; kind <= PACK_TREE; kind++) {
		pthread_mutex_lock(&w->lock);
		struct open_pack *p = close_pack(w, (enum pack_kind)kind);
		pthread_mutex_unlock(&w->lock);
		if (p != NULL && send_pack(w, p, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
writer_flush(struct writer *w, struct err *err)
{
	wait_until_zero(w, &w->jobs_open);
	if (writer_check(w, err))
		return err->code;
	if (store_partial_frames(w, err) || send_partial_packs(w, err))
		return fail(w, err);
	wait_until_zero(w, &w->packs_open);
	if (writer_check(w, err))
		return err->code;
	if (add_to_index(w, true, err))
		return fail(w, err);
	map_clear(&w->known);
	return ERR_OK;
}

void
writer_get_stats(struct writer *w, struct writer_stats *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->stats;
	pthread_mutex_unlock(&w->lock);
}

struct repo *
writer_repo(const struct writer *w)
{
	return w->repo;
}
