/*
 * prune.h: what a pruner does to packs and indexes, step by step; engine/prune
 * says in which order and why that is safe (docs/decisions/0010).
 *
 * Threads: one at a time.
 */
#ifndef REPO_PRUNE_H
#define REPO_PRUNE_H

#include "repo/chunk_set.h"
#include "repo/writer.h"

struct pack_list {
	struct id *ids;
	size_t count;
	size_t cap;
};

#define PACK_LIST_INIT     \
	{                  \
		NULL, 0, 0 \
	}

void pack_list_release(struct pack_list *l);
static inline void UNUSED
pack_list_auto(struct pack_list *l)
{
	pack_list_release(l);
}
MUST_CHECK enum err_code pack_list_add(
    struct pack_list *l, const struct id *id, struct err *err);
void pack_list_sort(struct pack_list *l);
/* Of a sorted list. */
bool pack_list_has(const struct pack_list *l, const struct id *id);
/* Take those out that are in other, which is sorted; the order stays. */
void pack_list_subtract(struct pack_list *l, const struct pack_list *other);

/* Load the indexes anew, and see to it that what they say outlasts a power cut. */
MUST_CHECK enum err_code prune_load_index(struct repo *r, struct err *err);
/* Load what is new only: what others have removed stays known. */
MUST_CHECK enum err_code prune_load_more(struct repo *r, struct err *err);
MUST_CHECK enum err_code prune_doom(struct repo *r, const struct pack_list *l, struct err *err);

/* Compare the packs in the store with those that indexes name. */
struct prune_stray {
	struct id pack;
	uint64_t size;
	int64_t modified_ns;
};
struct prune_difference {
	/* In the store, and no index names it. */
	enum err_code (*stray)(void *arg, const struct prune_stray *s, struct err *err);
	/* Named, and certainly not in the store. */
	enum err_code (*missing)(void *arg, const struct id *pack, struct err *err);
	void *arg;
};
MUST_CHECK enum err_code prune_compare(
    struct repo *r, const struct prune_difference *d, struct err *err);

/* Of a sorted list, those that an index names by now. */
MUST_CHECK enum err_code prune_find_named(
    struct repo *r, const struct pack_list *l, struct pack_list *named, struct err *err);

/* Of doomed packs, those that hold a chunk of the set that lies in no other pack. */
MUST_CHECK enum err_code prune_find_needed(struct repo *r, struct chunk_set *used,
    const struct pack_list *doomed, struct pack_list *needed, struct err *err);

/* Store anew the chunks of a doomed pack that are in the set and in no other pack. */
MUST_CHECK enum err_code prune_copy(
    struct writer *w, struct chunk_set *used, const struct pack_use *pack, struct err *err);

/* How many index objects there are. */
MUST_CHECK enum err_code prune_count_indexes(struct repo *r, uint64_t *count, struct err *err);

/* Put indexes without the doomed packs, then delete those that named them; join small ones,
 * with PRUNE_JOIN, when they are many. */
enum prune_join { PRUNE_AS_IS, PRUNE_JOIN };
MUST_CHECK enum err_code prune_rewrite_index(
    struct repo *r, const struct pack_list *doomed, enum prune_join join, struct err *err);

/* Put an index for packs that are there; one that is gone or damaged is passed over. */
MUST_CHECK enum err_code prune_put_back(
    struct repo *r, const struct pack_list *packs, struct err *err);

/* Fine when it is gone. */
MUST_CHECK enum err_code prune_delete_pack(
    struct repo *r, const struct id *pack, struct err *err);

#endif
