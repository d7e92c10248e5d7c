#include "repo/frame_cache.h"

#include <pthread.h>

#define BUCKETS 1024

enum { FRAME_LOADING, FRAME_READY, FRAME_FAILED };

/* Buffers of frames are of few sizes, above what malloc keeps: given back to the system and
 * asked for again, each would cost a page fault for every 4 KiB of what is read. */
#define SPARES 6
#define SPARE_MAX ((size_t)4 << 20)

struct spare {
	uint8_t *data;
	size_t cap;
};

struct frame_cache {
	pthread_mutex_t lock; /* guards all below, and the frames' list fields */
	pthread_cond_t loaded;
	size_t max_bytes;
	size_t bytes; /* of ready frames in the table */
	struct frame *newest;
	struct frame *oldest;
	struct frame *buckets[BUCKETS];
	struct spare spares[SPARES];
	size_t spare_count;
};

enum err_code
frame_cache_new(struct frame_cache **out, size_t max_bytes, struct err *err)
{
	struct frame_cache *fc = calloc(1, sizeof *fc);
	if (fc == NULL)
		return err_nomem(err);
	pthread_mutex_init(&fc->lock, NULL);
	pthread_cond_init(&fc->loaded, NULL);
	fc->max_bytes = max_bytes;
	*out = fc;
	return ERR_OK;
}

static struct frame **
bucket_of(struct frame_cache *fc, const struct id *pack, uint32_t offset)
{
	return &fc->buckets[(get_u32(pack->b) ^ (offset >> 6)) % BUCKETS];
}

/* With the lock held. */
static void
free_frame(struct frame_cache *fc, struct frame *f)
{
	if (f->cap > 0 && f->cap <= SPARE_MAX && fc->spare_count < SPARES)
		fc->spares[fc->spare_count++] = (struct spare){ f->data, f->cap };
	else
		free(f->data);
	free(f);
}

uint8_t *
frame_cache_spare(struct frame_cache *fc, size_t *cap)
{
	struct spare s = { NULL, 0 };
	pthread_mutex_lock(&fc->lock);
	if (fc->spare_count > 0)
		s = fc->spares[--fc->spare_count];
	pthread_mutex_unlock(&fc->lock);
	*cap = s.cap;
	return s.data;
}

static void
unlink_from_age(struct frame_cache *fc, struct frame *f)
{
	*(f->newer != NULL ? &f->newer->older : &fc->newest) = f->older;
	*(f->older != NULL ? &f->older->newer : &fc->oldest) = f->newer;
}

static void
link_as_newest(struct frame_cache *fc, struct frame *f)
{
	f->newer = NULL;
	f->older = fc->newest;
	*(fc->newest != NULL ? &fc->newest->newer : &fc->oldest) = f;
	fc->newest = f;
}

/* Take f out of the table; it is freed by whoever drops the last reference. */
static void
detach(struct frame_cache *fc, struct frame *f)
{
	struct frame **p = bucket_of(fc, &f->pack, f->offset);
	while (*p != f)
		p = &(*p)->next_in_bucket;
	*p = f->next_in_bucket;
	unlink_from_age(fc, f);
	if (f->state == FRAME_READY)
		fc->bytes -= f->len;
	if (--f->refs == 0)
		free_frame(fc, f);
}

static void
shrink(struct frame_cache *fc)
{
	struct frame *f = fc->oldest;
	while (fc->bytes > fc->max_bytes && f != NULL) {
		struct frame *newer = f->newer;
		if (f->state == FRAME_READY)
			detach(fc, f);
		f = newer;
	}
}

void
frame_cache_free(struct frame_cache *fc)
{
	if (fc == NULL)
		return;
	while (fc->newest != NULL)
		detach(fc, fc->newest);
	for (size_t i = 0; i < fc->spare_count; i++)
		free(fc->spares[i].data);
	pthread_cond_destroy(&fc->loaded);
	pthread_mutex_destroy(&fc->lock);
	free(fc);
}

static struct frame *
find(struct frame_cache *fc, const struct id *pack, uint32_t offset)
{
	struct frame *f = *bucket_of(fc, pack, offset);
	while (f != NULL && (f->offset != offset || !id_equal(&f->pack, pack)))
		f = f->next_in_bucket;
	return f;
}

/* A new frame in the table, being loaded: one reference for the table, one for the caller. */
static struct frame *
start_loading(struct frame_cache *fc, const struct id *pack, uint32_t offset)
{
	struct frame *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	f->pack = *pack;
	f->offset = offset;
	f->refs = 2;
	f->state = FRAME_LOADING;
	struct frame **bucket = bucket_of(fc, pack, offset);
	f->next_in_bucket = *bucket;
	*bucket = f;
	link_as_newest(fc, f);
	return f;
}

enum err_code
frame_cache_get(struct frame_cache *fc, const struct id *pack, uint32_t offset,
    frame_load_fn *load, void *arg, struct frame **out, struct err *err)
{
	pthread_mutex_lock(&fc->lock);
	struct frame *f;
	while ((f = find(fc, pack, offset)) != NULL) {
		if (f->state == FRAME_READY) {
			f->refs++;
			unlink_from_age(fc, f);
			link_as_newest(fc, f);
			pthread_mutex_unlock(&fc->lock);
			*out = f;
			return ERR_OK;
		}
		/* If loading fails the frame leaves the table, and this thread tries itself. */
		pthread_cond_wait(&fc->loaded, &fc->lock);
	}
	f = start_loading(fc, pack, offset);
	pthread_mutex_unlock(&fc->lock);
	if (f == NULL)
		return err_nomem(err);

	enum err_code rc = load(arg, f, err);
	pthread_mutex_lock(&fc->lock);
	if (rc == ERR_OK) {
		f->state = FRAME_READY;
		fc->bytes += f->len;
		shrink(fc);
		*out = f;
	} else {
		f->state = FRAME_FAILED;
		detach(fc, f);
		f->refs--;
		free_frame(fc, f);
	}
	pthread_cond_broadcast(&fc->loaded);
	pthread_mutex_unlock(&fc->lock);
	return rc;
}

void
frame_cache_put(struct frame_cache *fc, struct frame *f)
{
	pthread_mutex_lock(&fc->lock);
	if (--f->refs == 0)
		free_frame(fc, f);
	pthread_mutex_unlock(&fc->lock);
}
