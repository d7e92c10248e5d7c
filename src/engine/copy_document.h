/*
 * copy_document.h: what a copy's snapshot document says: the inside of copy.h.
 */
#ifndef ENGINE_COPY_DOCUMENT_H
#define ENGINE_COPY_DOCUMENT_H

#include "engine/copy_list.h"
#include "repo/writer.h"

/* The document with another root, the origin, and what it took in the target; all other fields
 * are kept, also those that are not known. */
MUST_CHECK enum err_code copy_document_write(const struct copy_item *item,
    const struct buf *root, const struct writer_stats *stats, struct buf *out, struct err *err);
/* The root's encoded entry. */
MUST_CHECK enum err_code copy_document_root(
    const json_t *document, struct buf *out, struct err *err);
/* The files that are dumps made of rows, as paths in the tree. */
MUST_CHECK enum err_code copy_document_rows(
    const json_t *document, struct strv *out, struct err *err);

#endif
