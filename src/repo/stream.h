/*
 * stream.h: a run of bytes on its way into the repository.
 *
 * A stream cuts what it is given into chunks (content-defined; at the ends of
 * lines for CHUNK_ROWS), hands them to the writer, and ends up as a content.  A
 * stream of rows is told where they end, and becomes a counted content.
 *
 * An intake is what one thread reads into: it owns the slab at hand, so that
 * many small files share one.  One stream at a time is open on an intake.
 *
 *	intake_new(&in, writer, err)
 *	for each file:
 *		stream_open(&s, in, CHUNK_DATA, err)
 *		while ((n = read(fd, stream_room(s, &room), room)) > 0)
 *			stream_commit(s, n, err)
 *		stream_finish(s, done, arg, err)       — or stream_close(s, &content, err)
 *	intake_free(in)
 *
 * Memory:  a stream of any length holds some thousand extents: of chunks that are on their way,
 *          and of lists that have not ended.
 * Threads: an intake and its streams belong to one thread.  The finish
 *          callback runs on that thread or on a worker.
 */
#ifndef REPO_STREAM_H
#define REPO_STREAM_H

#include "repo/writer.h"

struct intake;
struct stream;

MUST_CHECK enum err_code intake_new(struct intake **out, struct writer *w, struct err *err);
void intake_free(struct intake *in);
AUTO_FREE(intake, struct intake *, intake_free)

MUST_CHECK enum err_code stream_open(
    struct stream **out, struct intake *in, enum chunk_kind kind, struct err *err);

/* A table's rows (CHUNK_ROWS).  Neither holes nor stream_room and stream_commit. */
MUST_CHECK enum err_code stream_open_rows(
    struct stream **out, struct intake *in, struct err *err);
/* Bytes of rows: ends are places in data behind the last byte of each row that ends there,
 * ascending, from 1 to len.  stream_write is for what is no row. */
MUST_CHECK enum err_code stream_rows(struct stream *s, const void *data, size_t len,
    const uint32_t *ends, size_t count, struct err *err);
/* The chunk ends here: behind what precedes the rows, and before what follows. */
MUST_CHECK enum err_code stream_border(struct stream *s, struct err *err);
/* e->len bytes that are one chunk, with e's rows: e's id means nothing. */
MUST_CHECK enum err_code stream_chunk(
    struct stream *s, const void *data, const struct extent *e, struct err *err);

/* Where to put the next bytes, without copying: at least 64 KiB of room.  NULL when it failed.
 */
MUST_CHECK enum err_code stream_room(
    struct stream *s, uint8_t **where, size_t *room, struct err *err);
/* n bytes were put there. */
MUST_CHECK enum err_code stream_commit(struct stream *s, size_t n, struct err *err);
/* The same with a copy. */
MUST_CHECK enum err_code stream_write(
    struct stream *s, const void *data, size_t len, struct err *err);
/* len zeros that shall take no space when restored. */
MUST_CHECK enum err_code stream_hole(struct stream *s, uint64_t len, struct err *err);
/* A run of bytes that is stored already, as this chunk, with its rows; it ends the chunk before
 * it. */
MUST_CHECK enum err_code stream_stored(
    struct stream *s, const struct extent *e, struct err *err);

/* No more bytes.  done is called once, with the content (which becomes its own), when all ids
 * are known.  When the writer has failed, the content means nothing: writer_check tells.  When
 * stream_finish itself fails, done is not called.  Frees s, also on failure. */
typedef void stream_done(void *arg, struct content *content);
MUST_CHECK enum err_code stream_finish(
    struct stream *s, stream_done *done, void *arg, struct err *err);

/* No more bytes; wait for the content.  Frees s, also on failure. */
MUST_CHECK enum err_code stream_close(struct stream *s, struct content *out, struct err *err);

/* Drop a stream that was neither finished nor closed. */
void stream_abort(struct stream *s);

/* Store bytes that are at hand, at once, on this thread: for folder listings.  border[i] tells
 * where records end (ascending, the last is len), so that chunks are cut between records. */
MUST_CHECK enum err_code stream_store_records(struct writer *w, const void *data, size_t len,
    const uint64_t *border, size_t borders, struct content *out, struct err *err);

#endif
