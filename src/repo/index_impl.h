/*
 * index_impl.h: the inside of struct index and of its views.
 */
#ifndef REPO_INDEX_IMPL_H
#define REPO_INDEX_IMPL_H

#include "repo/index.h"
#include "repo/index_segment.h"

#include <pthread.h>

/* Packs that are about to go, sorted. */
struct doomed {
	atomic_uint refs;
	size_t count;
	struct id ids[];
};

/* The segments at one time, largest first.  Never changes. */
struct index_view {
	atomic_uint refs;
	struct doomed *doomed; /* may be NULL */
	uint64_t entries;
	uint64_t packs;
	size_t count;
	struct index_part {
		struct segment *segment;
		uint64_t first_entry; /* its number in the view */
		uint64_t first_pack;
	} parts[];
};

struct index {
	char *cache_dir; /* NULL: segments are unnamed */
	bool cannot_merge; /* it failed once: no more attempts in this run */
	pthread_mutex_t change; /* held by who changes the segments; taken before lock */
	pthread_mutex_t lock; /* guards view */
	struct index_view *view;
};

/* Largest first. */
void segments_sort(struct segment **segments, size_t count);
/* A view of these segments, which are counted anew; doomed too. */
MUST_CHECK enum err_code view_make(struct index_view **out, struct segment *const *segments,
    size_t count, struct doomed *doomed, struct err *err);
struct index_view *view_ref(struct index_view *v);
struct doomed *doomed_ref(struct doomed *d);
void doomed_unref(struct doomed *d);
bool view_is_doomed(const struct index_view *v, const struct id *pack);

/* Is the object in a segment that can be read? */
bool view_has_object(const struct index_view *v, const struct id *object);

/* Where a chunk lies; with any, also in a doomed pack when there is no other.  ERR_NOT_FOUND is
 * given without a message, since it is given often. */
MUST_CHECK enum err_code view_locate(
    struct index_view *v, const struct id *id, bool any, struct location *out, struct err *err);

/* The segments of a cache folder, those of versions before removed. */
MUST_CHECK enum err_code index_attach_cached(struct index *ix, struct err *err);
/* Put these segments in place of the present ones.  With the change lock. */
MUST_CHECK enum err_code index_publish(
    struct index *ix, struct segment *const *segments, size_t count, struct err *err);

#endif
