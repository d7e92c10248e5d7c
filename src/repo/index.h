/*
 * index.h: where each chunk lies.
 *
 * The store holds index objects (docs/format.md, "Index"); this module keeps
 * them as segments: files of sorted entries in the local cache, each made from
 * one or more objects.  Segments are read by pread, with a few bytes for each
 * page of entries in memory, and are merged as they become many: so that
 * neither memory nor the time of a look-up grows with the repository.  A
 * cached segment is a copy that can always be made again from the store.
 *
 * A view is the segments as they were at one time: it stays as it is while
 * others add, refresh and merge.  Its entries and packs have numbers.
 *
 * Threads: any number look up at once, also while one adds.
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
/* NULL when segments are unnamed. */
const char *index_cache_dir(const struct index *ix);
void index_free(struct index *ix);
AUTO_FREE(index, struct index *, index_free)

/* Where a chunk lies on which a writer may rely: not in a doomed pack.  False also when the
 * cache cannot be read: the chunk is then stored again, which is safe. */
bool index_find(struct index *ix, const struct id *id, struct location *out);
/* Where a chunk lies, for reading it: doomed packs too, but after others.  ERR_NOT_FOUND when
 * no index knows it, ERR_IO when the cache cannot be read. */
MUST_CHECK enum err_code index_lookup(
    struct index *ix, const struct id *id, struct location *out, struct err *err);

/* From now on index_find passes these packs over (docs/decisions/0010).  Replaces earlier ones;
 * the ids are copied. */
MUST_CHECK enum err_code index_doom(
    struct index *ix, const struct id *packs, size_t count, struct err *err);
/* One more; the others stay. */
MUST_CHECK enum err_code index_doom_also(
    struct index *ix, const struct id *pack, struct err *err);

/* The segments as they are now. */
struct index_view;
MUST_CHECK enum err_code index_view_get(
    struct index_view **out, struct index *ix, struct err *err);
void index_view_release(struct index_view *v);
AUTO_FREE(index_view, struct index_view *, index_view_release)
/* Entries are numbered from 0, packs too; a chunk or a pack that occurs twice has two numbers.
 */
uint64_t index_view_entries(const struct index_view *v);
uint64_t index_view_packs(const struct index_view *v);
struct index_hit {
	uint64_t entry;
	uint64_t pack; /* number */
	uint32_t frame_offset;
	uint32_t frame_len;
	uint32_t offset;
	uint32_t len;
	uint32_t frame; /* number of the frame in its pack, from 0 */
};
/* The same entry for the same id, always. ERR_NOT_FOUND when there is none. */
MUST_CHECK enum err_code index_view_find(
    struct index_view *v, const struct id *id, struct index_hit *out, struct err *err);
struct index_pack;
MUST_CHECK enum err_code index_view_pack(
    struct index_view *v, uint64_t number, struct index_pack *out, struct err *err);
/* All entries, in order of their numbers. */
typedef enum err_code index_hit_fn(
    void *arg, const struct id *id, const struct index_hit *hit, struct err *err);
MUST_CHECK enum err_code index_view_walk(
    struct index_view *v, index_hit_fn *fn, void *arg, struct err *err);

/* All packs in order of their ids; one that several index objects name comes once for each. */
struct index_pack_cursor;
MUST_CHECK enum err_code index_pack_cursor_open(
    struct index_pack_cursor **out, struct index_view *v, struct err *err);
void index_pack_cursor_close(struct index_pack_cursor *c);
AUTO_FREE(index_pack_cursor, struct index_pack_cursor *, index_pack_cursor_close)
MUST_CHECK enum err_code index_pack_cursor_next(struct index_pack_cursor *c,
    struct index_pack *out, uint64_t *number, bool *is_end, struct err *err);

/* Is this index object loaded? */
bool index_has(struct index *ix, const struct id *object);
/* Load an object's payload, and cache it. */
MUST_CHECK enum err_code index_add(
    struct index *ix, const struct id *object, const struct buf *payload, struct err *err);

/* Where index objects come from. */
struct index_source {
	/* Append the payload; ERR_NOT_FOUND when the object is gone. */
	enum err_code (*fetch)(
	    void *arg, const struct id *object, struct buf *payload, struct err *err);
	/* Is an object that is not listed really gone? It may have come after the listing. */
	bool (*is_gone)(void *arg, const struct id *object);
	void *arg;
};
/* Have exactly the objects listed (sorted): fetch those that are missing, drop those that are
 * gone, merge segments when they are many. */
MUST_CHECK enum err_code index_sync(struct index *ix, const struct id *listed, size_t count,
    const struct index_source *source, struct err *err);

/* Chunks known, counting one as often as it is stored. */
uint64_t index_entries(struct index *ix);

/* Packs known, each once, in order of their ids; a code other than ERR_OK ends the walk. */
struct index_pack {
	struct id id;
	uint64_t size;
	enum pack_kind kind;
	struct id object; /* an index object that named it */
	uint64_t bytes; /* plain bytes of its chunks */
	uint32_t chunks;
	uint32_t frames;
};
typedef enum err_code index_pack_fn(void *arg, const struct index_pack *p, struct err *err);
MUST_CHECK enum err_code index_walk_packs(
    struct index *ix, index_pack_fn *fn, void *arg, struct err *err);

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
