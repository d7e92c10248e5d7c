/*
 * writer.h: one run of adding chunks to a repository.
 *
 * A writer has a pool of worker threads: they hash a chunk, look whether it is
 * stored already, and put new ones into frames; full frames are compressed,
 * sealed, opened again and compared, and go into packs; full packs are written
 * to the store.  Bounded queues join the steps, so memory is bounded too.
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

#include "repo/repo.h"

struct writer;

enum chunk_kind {
	CHUNK_DATA, /* pieces of files */
	CHUNK_ROWS, /* pieces of database dumps: small frames, since they are read at random */
	CHUNK_TREE, /* folder listings and lists of extents: kept in packs of their own */
};

struct writer_options {
	unsigned workers; /* 0: one per processor */
	const struct cancel *cancel;
};

#define WRITER_OPTIONS_INIT \
	{                   \
		0, NULL     \
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
struct slab {
	struct writer *owner;
	size_t size;
	uint8_t *data;
	int refs; /* atomic */
	struct slab *next_free;
};

/* Wait for a slab; it has one reference. */
MUST_CHECK enum err_code writer_get_slab(struct writer *w, struct slab **out, struct err *err);
void slab_ref(struct slab *s);
void slab_unref(struct slab *s);

/* Let the pool hold this many slabs more: an intake keeps one at hand. */
void writer_allow_slabs(struct writer *w, int more);

/* Told the id of a chunk, from a worker thread.  Must not wait for other chunks. */
typedef void chunk_done(void *arg, size_t index, const struct id *id);

/* Queue the chunk slab[offset, offset+len); the writer takes a reference of its own.  done is
 * called once for each chunk that was queued; when the writer has failed, with an id of zeros.
 */
MUST_CHECK enum err_code writer_add(struct writer *w, enum chunk_kind kind, struct slab *slab,
    size_t offset, size_t len, chunk_done *done, void *arg, size_t index, struct err *err);

/* The same at once, on this thread, copying the bytes: for worker callbacks, which must not
 * wait for a queue. */
MUST_CHECK enum err_code writer_add_now(struct writer *w, enum chunk_kind kind,
    const void *data, size_t len, struct id *id, struct err *err);

/* Write everything out: on return all chunks added before are durable, indexed, and can be read
 * through the repo.  More may be added afterwards. */
MUST_CHECK enum err_code writer_flush(struct writer *w, struct err *err);

/* Has a step failed? Gives its error. */
MUST_CHECK enum err_code writer_check(struct writer *w, struct err *err);
void writer_get_stats(struct writer *w, struct writer_stats *out);
struct repo *writer_repo(const struct writer *w);

#endif
