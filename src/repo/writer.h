/*
 * writer.h: one run of adding chunks to a repository.
 *
 * A chunk is hashed, and looked up; a new one goes into a frame, and full
 * frames are compressed, sealed, opened again and compared, and go into packs;
 * full packs are written to the store.  Large chunks take this way on the
 * writer's worker threads, each as a frame of its own.  Small ones are hashed
 * by the thread that brings them, which collects them in a group; only full
 * frames are handed over.  Queues and buffers are bounded, so memory is too.
 *
 * Most callers use repo/stream.h, which cuts bytes into chunks.
 *
 * Ownership: writer_open borrows the repo.  writer_close ends the threads and
 *            drops what was not flushed.
 * Threads:   any number may add at once; one flushes or closes, when no other adds.
 * Errors:    the first failure of any step sticks: all later calls give it.
 */
#ifndef REPO_WRITER_H
#define REPO_WRITER_H

#include "repo/marks.h"

struct writer;

enum chunk_kind {
	CHUNK_DATA, /* pieces of files */
	CHUNK_ROWS, /* pieces of database dumps: small frames, since they are read at random */
	CHUNK_TREE, /* folder listings and lists of extents: kept in packs of their own */
};

struct writer_options {
	unsigned workers; /* 0: one per processor */
	const struct cancel *cancel;
	/* An index is written whenever this many chunks wait for one, or one has waited so
	 * long; 0: 65,536 chunks, five minutes. */
	size_t index_chunks;
	int64_t index_age_ns;
	/* Packs that an earlier run on this host has put, and that no index names since it was
	 * killed or could not write one, get one first. */
	bool adopts;
};

#define WRITER_OPTIONS_INIT          \
	{                            \
		0, NULL, 0, 0, false \
	}

struct writer_stats {
	uint64_t chunks; /* given to the writer */
	uint64_t bytes; /* their plaintext */
	uint64_t new_chunks; /* not stored before */
	uint64_t new_bytes; /* their plaintext */
	uint64_t stored_bytes; /* what they take in packs */
	uint64_t packs;
};

MUST_CHECK enum err_code writer_open(
    struct writer **out, struct repo *r, const struct writer_options *opt, struct err *err);
void writer_close(struct writer *w);
AUTO_FREE(writer, struct writer *, writer_close)

/* Memory that chunks lie in until they are stored, counted by references. */
#define SLAB_SIZE ((size_t)5 << 20)
struct slab {
	struct writer *owner;
	size_t size;
	uint8_t *data;
	int refs; /* atomic */
};

/* Wait for a slab; it has one reference. */
MUST_CHECK enum err_code writer_get_slab(struct writer *w, struct slab **out, struct err *err);
void slab_ref(struct slab *s);
void slab_unref(struct slab *s);

/* Let there be this many slabs more: an intake keeps one at hand. */
void writer_allow_slabs(struct writer *w, int more);

/* Does a chunk of this size get a frame of its own?  If not, give it to a group. */
bool writer_is_large(enum chunk_kind kind, size_t len);

/* Told the id of a chunk, from a worker thread.  Must not wait for other chunks. */
typedef void chunk_done(void *arg, size_t index, const struct id *id);

/* Queue the large chunk slab[offset, offset+len); the writer takes a reference of its own.
 * done is called once for each chunk that was queued; when the writer has failed, with an id of
 * zeros. */
MUST_CHECK enum err_code writer_add(struct writer *w, enum chunk_kind kind, struct slab *slab,
    size_t offset, size_t len, chunk_done *done, void *arg, size_t index, struct err *err);

/* Where one thread collects small chunks of data and rows, so that neighbours share frames. */
struct group;
MUST_CHECK enum err_code group_new(struct group **out, struct writer *w, struct err *err);
/* What it holds goes on to the writer. */
void group_free(struct group *g);
AUTO_FREE(group, struct group *, group_free)
/* The id is known on return.  May wait for the workers. */
MUST_CHECK enum err_code group_add(struct group *g, enum chunk_kind kind, const void *data,
    size_t len, struct id *id, struct err *err);

/* A chunk of a tree, at once, on this thread, copying the bytes: also for worker callbacks,
 * since it waits for no queue. */
MUST_CHECK enum err_code writer_add_now(struct writer *w, enum chunk_kind kind,
    const void *data, size_t len, struct id *id, struct err *err);

/* Write everything out, what lies in groups too: on return all chunks added before are durable,
 * indexed, and can be read through the repo.  More may be added afterwards. */
MUST_CHECK enum err_code writer_flush(struct writer *w, struct err *err);

/* Has a step failed? Gives its error. */
MUST_CHECK enum err_code writer_check(struct writer *w, struct err *err);
void writer_get_stats(struct writer *w, struct writer_stats *out);
/* What this run saw of those who delete: for engine/publish. */
struct watch *writer_watch(const struct writer *w);
struct repo *writer_repo(const struct writer *w);

#endif
