/*
 * index.h: where each chunk lies.
 *
 * The store holds index objects (docs/format.md, "Index"); this module keeps
 * each as a segment: a file of sorted entries in the local cache, read through
 * mmap, so that memory does not grow with the repository.  A cached segment is
 * a copy that can always be made again from the store.
 *
 * Threads: any number look up at once; index_add waits for them.
 * For repo/ only.
 */
#ifndef REPO_INDEX_H
#define REPO_INDEX_H

#include "repo/pack.h"

struct index;

struct location {
	struct id pack;
	enum pack_kind kind;
	uint32_t frame_offset; /* in the pack */
	uint32_t frame_len; /* stored */
	uint32_t offset; /* in the frame's plain bytes */
	uint32_t len; /* of the chunk */
};

/* cache_dir may be NULL: segments then live in unnamed files. */
MUST_CHECK enum err_code index_new(struct index **out, const char *cache_dir, struct err *err);
void index_free(struct index *ix);
AUTO_FREE(index, struct index *, index_free)

bool index_find(struct index *ix, const struct id *id, struct location *out);

/* Is the segment of this index object loaded? */
bool index_has(struct index *ix, const struct id *object);
/* Load the segment of an object from the cache; ERR_NOT_FOUND when it is not there or not
 * sound. */
MUST_CHECK enum err_code index_load_cached(
    struct index *ix, const struct id *object, struct err *err);
/* Load an object's payload, and cache it. */
MUST_CHECK enum err_code index_add(
    struct index *ix, const struct id *object, const struct buf *payload, struct err *err);
/* Forget segments, also cached ones, whose objects are not among keep (sorted). */
void index_keep_only(struct index *ix, const struct id *keep, size_t count);

/* Chunks known, counting one as often as it is stored. */
uint64_t index_entries(struct index *ix);

/* Packs known, each once; a code other than ERR_OK ends the walk. */
struct index_pack {
	struct id id;
	uint64_t size;
	enum pack_kind kind;
};
typedef enum err_code index_pack_fn(void *arg, const struct index_pack *p, struct err *err);
MUST_CHECK enum err_code index_walk_packs(
    struct index *ix, index_pack_fn *fn, void *arg, struct err *err);
/* All entries. */
typedef enum err_code index_entry_fn(
    void *arg, const struct id *id, const struct location *loc, struct err *err);
MUST_CHECK enum err_code index_walk(
    struct index *ix, index_entry_fn *fn, void *arg, struct err *err);

/* The payload of an index object, put together pack by pack. */
struct index_builder {
	struct buf packs;
	size_t pack_count;
	size_t chunk_count;
};
#define INDEX_BUILDER_INIT     \
	{                      \
		BUF_INIT, 0, 0 \
	}
MUST_CHECK enum err_code index_builder_add(struct index_builder *b, const struct id *pack,
    enum pack_kind kind, uint64_t size, const struct pack_dir *dir, struct err *err);
/* Append the payload to out and start anew. */
MUST_CHECK enum err_code index_builder_finish(
    struct index_builder *b, struct buf *out, struct err *err);

#endif
