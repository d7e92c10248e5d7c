/*
 * spill.h: what does not fit into memory, in a temporary file meanwhile.
 *
 * The file has no name and is encrypted (AES-256-GCM) with a key that only this
 * process has: it is gone with the process, and means nothing to anybody else.  It
 * holds any number of parts; a part is a run of bytes, written piece by piece, then
 * read from its beginning, once.  The room of what was read is used again.
 *
 *	spill_part_write ... spill_part_end, spill_part_read ... spill_part_free
 *
 * Memory: a block for each part that is being written or read; 24 bytes for each block in
 *         the file.
 * Ownership: a part borrows its spill; free the parts first.
 * Threads:   one at a time for a spill with all its parts.
 * Errors:    ERR_IO, also when the filesystem is full; ERR_CORRUPT for a file that is not
 *            what was written.
 */
#ifndef REPO_SPILL_H
#define REPO_SPILL_H

#include "base/err.h"

struct spill;
struct spill_part;

struct spill_options {
	const char *folder; /* NULL: $TMPDIR, else /var/tmp, else /tmp */
	size_t block; /* bytes; 0: 64 KiB */
};

/* opt may be NULL. */
MUST_CHECK enum err_code spill_open(
    struct spill **out, const struct spill_options *opt, struct err *err);
void spill_close(struct spill *s);
AUTO_FREE(spill, struct spill *, spill_close)

MUST_CHECK enum err_code spill_part_new(
    struct spill_part **out, struct spill *s, struct err *err);
void spill_part_free(struct spill_part *p);
AUTO_FREE(spill_part, struct spill_part *, spill_part_free)

MUST_CHECK enum err_code spill_part_write(
    struct spill_part *p, const void *data, size_t len, struct err *err);
/* Nothing more is written; from now on it is read. */
MUST_CHECK enum err_code spill_part_end(struct spill_part *p, struct err *err);
/* The next bytes; *got is less than len only at the end. */
MUST_CHECK enum err_code spill_part_read(
    struct spill_part *p, void *out, size_t len, size_t *got, struct err *err);
/* All bytes that were written. */
uint64_t spill_part_size(const struct spill_part *p);

#endif
