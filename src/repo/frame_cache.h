/*
 * frame_cache.h: decoded frames, kept while they are likely to be read again.
 *
 * A frame that two threads want at once is decoded once: the second waits.
 *
 * Threads: any.
 */
#ifndef REPO_FRAME_CACHE_H
#define REPO_FRAME_CACHE_H

#include "base/err.h"
#include "repo/id.h"

struct frame_cache;

/* A decoded frame, counted by references; data stays until the last is dropped. */
struct frame {
	struct id pack;
	uint32_t offset;
	uint8_t *data;
	size_t len;
	size_t cap; /* of data, for reuse; 0: not known */
	/* guarded by the cache's lock */
	int refs;
	int state;
	struct frame *newer;
	struct frame *older;
	struct frame *next_in_bucket;
};

/* Decode the frame's bytes into f->data (malloc) and f->len. */
typedef enum err_code frame_load_fn(void *arg, struct frame *f, struct err *err);

MUST_CHECK enum err_code frame_cache_new(
    struct frame_cache **out, size_t max_bytes, struct err *err);
void frame_cache_free(struct frame_cache *fc);
/* The frame at offset in pack, from the cache or by load; give it back by frame_cache_put. */
MUST_CHECK enum err_code frame_cache_get(struct frame_cache *fc, const struct id *pack,
    uint32_t offset, frame_load_fn *load, void *arg, struct frame **out, struct err *err);
/* A buffer of a frame that is no longer needed, the caller's now; NULL when there is none. */
uint8_t *frame_cache_spare(struct frame_cache *fc, size_t *cap);
void frame_cache_put(struct frame_cache *fc, struct frame *f);

#endif
