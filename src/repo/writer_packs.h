/*
 * writer_packs.h: packs being filled, and on their way to the store.
 *
 * A worker seals straight into the pack's memory: under the lock it only takes
 * a place.  A pack that has no room left is closed to new frames and goes on
 * when the last worker that has a place in it is done.  Two threads,
 * more for a store far away, finish full packs, put them (one hashes while the
 * others wait for the store), and write the index.
 *
 * Threads: any.  For the writer only.
 */
#ifndef REPO_WRITER_PACKS_H
#define REPO_WRITER_PACKS_H

#include "repo/repo_impl.h"
#include "repo/strays.h"
#include "repo/writer_buffers.h"
#include "sys/queue.h"

#define PACK_KINDS 2
#define PACK_THREADS_MAX 8

struct open_pack {
	enum pack_kind kind;
	uint8_t key[AEAD_KEY_SIZE];
	uint8_t *data; /* from packs.memory of its kind */
	/* guarded by packs.lock until it is closed and nobody is sealing */
	size_t used;
	size_t chunks;
	struct pack_dir dir;
	unsigned sealing; /* workers that have a place and are not done */
	bool closed; /* no more places */
};

struct writer;

struct packs {
	struct writer *writer;
	struct buffers memory[PACK_KINDS];
	struct queue *full;
	pthread_t threads[PACK_THREADS_MAX];
	unsigned wanted;
	unsigned started;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed; /* a pack was opened, or closed became 0 */
	struct open_pack *open[PACK_KINDS];
	bool opening[PACK_KINDS]; /* somebody is making the next one */
	size_t closed; /* not yet stored */
	uint64_t stored_bytes;
	uint64_t stored;

	size_t index_chunks;
	int64_t index_age_ns;
	pthread_mutex_t index_lock; /* guards all below */
	struct index_builder builder;
	struct buf indexed_ids; /* of the chunks in builder */
	int64_t waiting_since_ns; /* the first pack in builder */
	struct strays *strays; /* what is in builder, for who comes after us */
};

void packs_init(struct packs *p, struct writer *w, size_t index_chunks, int64_t index_age_ns);
/* Write an index for what an earlier run on this host has put and not come to index.  Before
 * packs_start; needs the writer's watch. */
MUST_CHECK enum err_code packs_adopt(struct packs *p, struct err *err);
MUST_CHECK enum err_code packs_start(struct packs *p, struct err *err);
/* Nobody who waits for memory is given any. */
void packs_stop(struct packs *p);
/* End the threads; what is not stored is dropped. */
void packs_release(struct packs *p);

/* A place in an open pack for a frame of f->len bytes; sets f->offset.  Takes over f->chunks on
 * success. */
MUST_CHECK enum err_code packs_take_place(struct packs *p, enum pack_kind kind,
    struct pack_frame *f, struct open_pack **out, struct err *err);
/* The frame in its place is done.  A failure must be known to the writer before: the pack may
 * go. */
MUST_CHECK enum err_code packs_leave_place(
    struct packs *p, struct open_pack *pack, struct err *err);

/* Store what is there and index it; nobody takes places meanwhile. */
MUST_CHECK enum err_code packs_flush(struct packs *p, struct err *err);

#endif
