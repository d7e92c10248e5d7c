#include "repo/writer_packs.h"

#include "repo/object.h"
#include "repo/pack_read.h"
#include "repo/writer_impl.h"
#include "sys/clock.h"
#include "sys/thread.h"

#define PACK_SIZE ((size_t)16 << 20)
#define TREE_PACK_SIZE ((size_t)4 << 20)
#define PACK_THREADS 2
/* One is filled while each thread stores one; of trees, which are few, one. */
#define TREE_PACKS_AT_ONCE 2
#define QUEUED 1
#define INDEX_CHUNKS 65536
/* Packs that no index names are found by nobody: a run that is killed loses at most these. */
#define INDEX_AGE_NS (300 * NS_PER_S)
/* Where credentials may end in the middle, and sending again takes long. */
#define INDEX_AGE_FAR_NS (120 * NS_PER_S)

static size_t
target_of(enum pack_kind kind)
{
	return kind == PACK_DATA ? PACK_SIZE : TREE_PACK_SIZE;
}

/* The last frame may overshoot the target by its whole length. */
static size_t
capacity_of(enum pack_kind kind)
{
	return target_of(kind) + block_bound(FRAME_MAX_PLAIN) + pack_tail_bound(0, 0);
}

static struct buffers *
memory_of(struct packs *p, enum pack_kind kind)
{
	return &p->memory[kind - 1];
}

void
packs_init(struct packs *p, struct writer *w, size_t index_chunks, int64_t index_age_ns)
{
	size_t parallel = store_parallel(w->repo->store);
	size_t threads = max_size(parallel, PACK_THREADS);
	int64_t age_ns = parallel > 1 ? INDEX_AGE_FAR_NS : INDEX_AGE_NS;
	*p = (struct packs){
		.writer = w,
		.wanted = (unsigned)min_size(threads, PACK_THREADS_MAX),
		.index_chunks = index_chunks > 0 ? index_chunks : INDEX_CHUNKS,
		.index_age_ns = index_age_ns > 0 ? index_age_ns : age_ns,
		.builder = INDEX_BUILDER_INIT,
		.indexed_ids = BUF_INIT,
	};
	buffers_init(memory_of(p, PACK_DATA), capacity_of(PACK_DATA), p->wanted + 1);
	buffers_init(memory_of(p, PACK_TREE), capacity_of(PACK_TREE), TREE_PACKS_AT_ONCE);
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->index_lock, NULL);
	pthread_cond_init(&p->changed, NULL);
}

static void
open_pack_free(struct packs *p, struct open_pack *pack)
{
	if (pack == NULL)
		return;
	buffers_put(memory_of(p, pack->kind), pack->data);
	pack_dir_release(&pack->dir);
	secret_wipe(pack->key, sizeof pack->key);
	free(pack);
}

static enum err_code
open_pack_new(struct packs *p, enum pack_kind kind, struct open_pack **out, struct err *err)
{
	struct open_pack *pack = calloc(1, sizeof *pack);
	if (pack == NULL)
		return err_nomem(err);
	pack->kind = kind;
	enum pack_kind found;
	if (buffers_get(memory_of(p, kind), &pack->data, err) ||
	    header_make(pack->data, PACK_MAGIC, (uint8_t)kind, err) ||
	    pack_open_header(
		pack->data, HEADER_SIZE, p->writer->repo->subkeys, pack->key, &found, err)) {
		open_pack_free(p, pack);
		return err->code;
	}
	pack->used = HEADER_SIZE;
	*out = pack;
	return ERR_OK;
}

/* Hand a closed pack to the pack threads; without the lock. */
static enum err_code
send_pack(struct packs *p, struct open_pack *pack, struct err *err)
{
	if (pack == NULL || queue_push(p->full, pack))
		return ERR_OK;
	open_pack_free(p, pack);
	return err_set(err, ERR_CANCELLED, "the writer is closed");
}

/* Close the open pack of a kind; with the lock held.  Gives the pack if it can go at once. */
static struct open_pack *
close_pack(struct packs *p, enum pack_kind kind)
{
	struct open_pack *pack = p->open[kind - 1];
	p->open[kind - 1] = NULL;
	if (pack == NULL)
		return NULL;
	pack->closed = true;
	p->closed++;
	return pack->sealing == 0 ? pack : NULL;
}

static bool
has_room(const struct open_pack *pack, size_t len, size_t chunks)
{
	size_t tail = pack_tail_bound(pack->dir.count + 1, pack->chunks + chunks);
	return (pack->dir.count == 0 || pack->used < target_of(pack->kind)) &&
	       pack->used + len + tail <= capacity_of(pack->kind);
}

/* Replace the open pack of a kind, which is full or not there.  The lock is held, but not
 * while waiting. */
static enum err_code
open_next(struct packs *p, enum pack_kind kind, struct err *err)
{
	struct open_pack *full = close_pack(p, kind);
	struct open_pack *fresh = NULL;
	p->opening[kind - 1] = true;
	pthread_mutex_unlock(&p->lock);
	enum err_code rc = send_pack(p, full, err);
	if (rc == ERR_OK)
		rc = open_pack_new(p, kind, &fresh, err);
	pthread_mutex_lock(&p->lock);
	p->opening[kind - 1] = false;
	p->open[kind - 1] = fresh;
	pthread_cond_broadcast(&p->changed);
	return rc;
}

/* The open pack of a kind with room for a frame; the lock is held. */
static enum err_code
find_room(struct packs *p, enum pack_kind kind, const struct pack_frame *f,
    struct open_pack **out, struct err *err)
{
	for (;;) {
		struct open_pack *pack = p->open[kind - 1];
		if (p->opening[kind - 1]) {
			pthread_cond_wait(&p->changed, &p->lock);
		} else if (pack != NULL && has_room(pack, f->len, f->count)) {
			*out = pack;
			return ERR_OK;
		} else if (open_next(p, kind, err)) {
			return err->code;
		}
	}
}

enum err_code
packs_take_place(struct packs *p, enum pack_kind kind, struct pack_frame *f,
    struct open_pack **out, struct err *err)
{
	struct open_pack *pack = NULL;
	pthread_mutex_lock(&p->lock);
	enum err_code rc = find_room(p, kind, f, &pack, err);
	if (rc == ERR_OK) {
		f->offset = (uint32_t)pack->used;
		rc = pack_dir_add(&pack->dir, f, err);
	}
	if (rc == ERR_OK) {
		pack->used += f->len;
		pack->chunks += f->count;
		pack->sealing++;
		p->stored_bytes += f->len;
		*out = pack;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

enum err_code
packs_leave_place(struct packs *p, struct open_pack *pack, struct err *err)
{
	pthread_mutex_lock(&p->lock);
	bool goes = --pack->sealing == 0 && pack->closed;
	pthread_mutex_unlock(&p->lock);
	return goes ? send_pack(p, pack, err) : ERR_OK;
}

/* --- the pack threads --- */

/* With index_lock held. */
static enum err_code
write_index(struct packs *p, struct err *err)
{
	struct repo *r = p->writer->repo;
	AUTO(bufv) struct buf payload = BUF_INIT;
	struct id object;
	if (p->builder.pack_count == 0)
		return ERR_OK;
	if (index_builder_finish(&p->builder, &payload, err) ||
	    object_save(
		r->store, r->subkeys, OBJECT_INDEX, payload.data, payload.len, &object, err) ||
	    index_add(r->index, &object, &payload, err) ||
	    watch_own_index(p->writer->watch, &object, &payload, err))
		return err_wrap(err, "write index");
	claims_forget(&p->writer->claims, (const struct id *)(const void *)p->indexed_ids.data,
	    p->indexed_ids.len / ID_SIZE);
	p->indexed_ids.len = 0;
	strays_settle(p->strays);
	return ERR_OK;
}

static enum err_code
note_for_index(struct packs *p, const struct id *id, struct open_pack *pack, struct err *err)
{
	strays_note(p->strays, id);
	if (p->builder.pack_count == 0)
		p->waiting_since_ns = clock_mono_ns();
	if (index_builder_add(&p->builder, id, pack->kind, pack->used, &pack->dir, err))
		return err->code;
	for (size_t i = 0; i < pack->dir.count; i++) {
		const struct pack_frame *f = &pack->dir.frames[i];
		for (size_t k = 0; k < f->count; k++)
			if (buf_add(&p->indexed_ids, f->chunks[k].id.b, ID_SIZE, err))
				return err->code;
	}
	return ERR_OK;
}

static bool
index_is_due(const struct packs *p)
{
	return p->builder.chunk_count >= p->index_chunks ||
	       clock_mono_ns() - p->waiting_since_ns >= p->index_age_ns;
}

/* A pack is stored: the index shall name it. */
static enum err_code
index_pack(struct packs *p, const struct id *id, struct open_pack *pack, struct err *err)
{
	pthread_mutex_lock(&p->index_lock);
	enum err_code rc = note_for_index(p, id, pack, err);
	if (rc == ERR_OK && index_is_due(p))
		rc = write_index(p, err);
	pthread_mutex_unlock(&p->index_lock);
	return rc;
}

static enum err_code
store_pack(struct packs *p, struct tools *t, struct open_pack *pack, struct err *err)
{
	if (writer_check(p->writer, err))
		return err->code;
	struct id id;
	char where[PACK_KEY_SIZE];
	if (pack_finish(
		t->aead, pack->key, &pack->dir, t->packer, pack->data, &pack->used, err) ||
	    sha256_of(pack->data, pack->used, id.b, err))
		return err->code;
	pack_key(where, &id);
	if (store_put(p->writer->repo->store, where, pack->data, pack->used, err) ||
	    watch_own_pack(p->writer->watch, &id, err) || index_pack(p, &id, pack, err))
		return err->code;
	pthread_mutex_lock(&p->lock);
	p->stored++;
	pthread_mutex_unlock(&p->lock);
	return ERR_OK;
}

/* --- what an earlier run has left --- */

/* As if this run had put it.  One that is gone, or damaged, is no loss. */
static enum err_code
adopt_pack(struct packs *p, const struct id *id, struct err *err)
{
	AUTO(pack_reading) struct pack_reading r = PACK_READING_INIT;
	struct err why;
	enum err_code rc = pack_reading_open(&r, p->writer->repo, id, FETCH_FRAMES, &why);
	if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED)
		return ERR_OK;
	if (rc != ERR_OK) {
		*err = why;
		return rc;
	}
	if (watch_own_pack(p->writer->watch, id, err))
		return err->code;
	return index_builder_add(&p->builder, id, r.kind, r.size, &r.dir, err);
}

static enum err_code
adopt_all(struct packs *p, const struct pack_list *left, struct err *err)
{
	AUTO(pack_list) struct pack_list named = PACK_LIST_INIT;
	if (prune_find_named(p->writer->repo, left, &named, err))
		return err->code;
	for (size_t i = 0; i < left->count; i++) {
		if (pack_list_has(&named, &left->ids[i]))
			continue;
		if (adopt_pack(p, &left->ids[i], err) ||
		    (p->builder.chunk_count >= p->index_chunks && write_index(p, err)))
			return err->code;
	}
	return write_index(p, err);
}

enum err_code
packs_adopt(struct packs *p, struct err *err)
{
	struct strays_left left;
	enum err_code rc = ERR_OK;
	strays_look(&left, index_cache_dir(p->writer->repo->index));
	if (left.packs.count > 0)
		rc = adopt_all(p, &left.packs, err);
	if (rc == ERR_OK)
		strays_forget(&left);
	strays_left_release(&left);
	return rc == ERR_OK ? ERR_OK : err_wrap(err, "index what an earlier run has left");
}

static void *
run_packs(void *arg)
{
	struct packs *p = arg;
	struct writer *w = p->writer;
	struct err err;
	struct tools *t = NULL;
	if (repo_borrow_tools(w->repo, &t, &err))
		writer_fail(w, &err);
	struct open_pack *pack;
	while ((pack = queue_pop(p->full)) != NULL) {
		if (t != NULL && store_pack(p, t, pack, &err))
			writer_fail(w, &err);
		open_pack_free(p, pack);
		pthread_mutex_lock(&p->lock);
		if (--p->closed == 0)
			pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
	}
	if (t != NULL)
		repo_return_tools(w->repo, t);
	return NULL;
}

void
packs_stop(struct packs *p)
{
	for (int i = 0; i < PACK_KINDS; i++)
		buffers_stop(&p->memory[i]);
}

enum err_code
packs_start(struct packs *p, struct err *err)
{
	if (queue_new(&p->full, QUEUED, NULL, err))
		return err->code;
	p->strays = strays_open(index_cache_dir(p->writer->repo->index));
	for (; p->started < p->wanted; p->started++)
		if (thread_start(&p->threads[p->started], run_packs, p, "packs", err))
			return err->code;
	return ERR_OK;
}

void
packs_release(struct packs *p)
{
	if (p->full != NULL)
		queue_close(p->full);
	/* They take what is queued: nothing is left in the queue. */
	for (unsigned i = 0; i < p->started; i++)
		pthread_join(p->threads[i], NULL);
	queue_free(p->full);
	for (int i = 0; i < PACK_KINDS; i++)
		open_pack_free(p, p->open[i]);
	strays_close(p->strays);
	buf_release(&p->builder.packs);
	buf_release(&p->indexed_ids);
	for (int i = 0; i < PACK_KINDS; i++)
		buffers_release(&p->memory[i]);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->index_lock);
	pthread_mutex_destroy(&p->lock);
}

enum err_code
packs_flush(struct packs *p, struct err *err)
{
	for (int kind = PACK_DATA; kind <= PACK_TREE; kind++) {
		pthread_mutex_lock(&p->lock);
		struct open_pack *pack = close_pack(p, (enum pack_kind)kind);
		pthread_mutex_unlock(&p->lock);
		if (send_pack(p, pack, err))
			return err->code;
	}
	pthread_mutex_lock(&p->lock);
	while (p->closed > 0)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
	if (writer_check(p->writer, err))
		return err->code;
	pthread_mutex_lock(&p->index_lock);
	enum err_code rc = write_index(p, err);
	pthread_mutex_unlock(&p->index_lock);
	return rc;
}
