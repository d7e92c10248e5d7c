/*
 * restore_dump.h: a database's dump files in a snapshot, as a connector reads
 * them; for restore*.c only.
 *
 * A thread reads ahead by a few chunks, so memory is bounded and decoding goes
 * on while the server loads.  Every file that is read to its end is compared
 * with the SHA-256 that was recorded when the native tool wrote it; the read
 * that would tell its end fails when they differ.
 *
 * Threads: one at a time.  Errors: ERR_CORRUPT for another SHA-256, ERR_NOT_FOUND
 *          for a name that is not there, and those of content_stream.
 */
#ifndef ENGINE_RESTORE_DUMP_H
#define ENGINE_RESTORE_DUMP_H

#include "db/connector.h"
#include "engine/browse.h"

struct restore_dump;

/* path is the member's folder, streams its array in the document: both are borrowed, as all is.
 */
MUST_CHECK enum err_code restore_dump_open(struct restore_dump **out, struct engine *e,
    const struct snapshot *s, const char *path, const json_t *streams, struct err *err);
void restore_dump_close(struct restore_dump *d);
AUTO_FREE(restore_dump, struct restore_dump *, restore_dump_close)

struct dump_source *restore_dump_source(struct restore_dump *d);
/* Bytes read so far, of all files; for any thread. */
uint64_t restore_dump_bytes(const struct restore_dump *d);
/* Was every native dump read to its end, and was it the recorded one?  ERR_INCOMPLETE names the
 * first that was not. */
MUST_CHECK enum err_code restore_dump_check(const struct restore_dump *d, struct err *err);

#endif
