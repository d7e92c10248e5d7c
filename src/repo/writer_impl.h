/*
 * writer_impl.h: the inside of struct writer, for writer*.c only.
 *
 * The way of a chunk:
 *
 *	large: writer_add → jobs → worker: id, claim → a frame of its own
 *	small: group_add: id, claim → the group's filling → when full: jobs → worker
 *	tree:  writer_add_now: id, claim → the shared filling → when full: there and then
 *
 *	frame: compress, take a place in the open pack, seal there, open again, compare
 *	full pack → the pack threads: directory, store, index entry
 *
 * Locks: each is taken alone.
 */
#ifndef REPO_WRITER_IMPL_H
#define REPO_WRITER_IMPL_H

#include "repo/repo_impl.h"
#include "repo/writer.h"
#include "repo/writer_buffers.h"
#include "repo/writer_claims.h"
#include "repo/writer_packs.h"
#include "sys/queue.h"

#define KINDS 3

/* How chunks of a kind are grouped into frames. */
struct frame_rule {
	size_t alone; /* a chunk of this size gets a frame of its own */
	size_t target; /* others share one of about this size */
	int level; /* of the block */
	enum pack_kind pack;
};
extern const struct frame_rule frame_rules[KINDS];

/* A frame being filled with small chunks. */
struct filling {
	struct writer *writer;
	enum chunk_kind kind;
	bool is_pooled; /* data is from writer.frames, else malloc */
	uint8_t *data;
	size_t len;
	size_t count;
	size_t cap;
	struct pack_chunk *chunks;
	uint64_t *sums; /* of each chunk, taken before it was hashed */
};

struct writer {
	struct repo *repo;
	struct watch *watch;
	const struct cancel *cancel;
	unsigned workers;
	pthread_t *threads;
	unsigned started;
	struct queue *jobs;
	struct buffers slabs;
	struct buffers frames;
	struct claims claims;
	struct packs packs;
	unsigned long frames_proved; /* atomic */

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t idle; /* jobs_open became 0 */
	struct err failure;
	size_t jobs_open; /* queued or being worked on */
	struct filling *shared[KINDS]; /* trees, and what groups left */
	struct group *groups;
};

/* The first failure sticks, is given back in err, and wakes whoever waits. */
enum err_code writer_fail(struct writer *w, struct err *err);

/* writer_frame.c */

/* A pooled one may have to wait for its memory. */
MUST_CHECK enum err_code filling_new(struct filling **out, struct writer *w,
    enum chunk_kind kind, bool is_pooled, struct err *err);
void filling_free(struct filling *f);
MUST_CHECK enum err_code filling_add(struct filling *f, const uint8_t *data, size_t len,
    const struct id *id, uint64_t sum, struct err *err);
bool filling_is_full(const struct filling *f);
/* Store it as a frame.  Frees f, also on failure. */
MUST_CHECK enum err_code filling_store(struct filling *f, struct tools *t, struct err *err);
/* Store a chunk as a frame of its own. */
MUST_CHECK enum err_code frame_store_chunk(struct writer *w, struct tools *t,
    enum chunk_kind kind, const uint8_t *data, size_t len, const struct id *id, uint64_t sum,
    struct err *err);

/* writer_group.c */

/* Add a chunk to the filling that all threads share; a full one comes out. */
MUST_CHECK enum err_code shared_add(struct writer *w, enum chunk_kind kind, const uint8_t *data,
    size_t len, const struct id *id, uint64_t sum, struct filling **full, struct err *err);
/* Give what groups hold to the shared fillings; what becomes full is queued. */
MUST_CHECK enum err_code groups_share(struct writer *w, struct err *err);
/* Store the shared fillings as they are. */
MUST_CHECK enum err_code shared_flush(struct writer *w, struct err *err);

/* writer.c */

/* Hand a full filling to the workers; it becomes theirs, also on failure. */
MUST_CHECK enum err_code writer_add_frame(struct writer *w, struct filling *f, struct err *err);

#endif
