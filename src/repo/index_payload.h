/*
 * index_payload.h: the payload of an index object (docs/format.md, "Index").
 *
 * For repo/ only.
 */
#ifndef REPO_INDEX_PAYLOAD_H
#define REPO_INDEX_PAYLOAD_H

#include "repo/index_segment.h"

/* What a payload says of one pack; dir is the callee's only while it is called. */
typedef enum err_code payload_pack_fn(void *arg, const struct id *pack, enum pack_kind kind,
    uint64_t size, const struct pack_dir *dir, struct err *err);

/* All packs of a payload, in its order.  ERR_CORRUPT when it is not sound, perhaps after some
 * were told. */
MUST_CHECK enum err_code index_payload_walk(
    const struct buf *payload, payload_pack_fn *fn, void *arg, struct err *err);

/* The segment of one object. */
MUST_CHECK enum err_code segment_of_payload(struct segment **out, const struct id *object,
    const struct buf *payload, enum segment_place place, const char *folder, struct err *err);

#endif
