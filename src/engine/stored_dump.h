/*
 * stored_dump.h: the bytes of a dump in a snapshot.
 *
 * A dump is a folder of parts (docs/format.md, "Tables"), which are the dump
 * one behind the other in the order of their names; or one file, as all were
 * before.
 *
 * Errors: those of content_stream, and of what fn gives.
 */
#ifndef ENGINE_STORED_DUMP_H
#define ENGINE_STORED_DUMP_H

#include "base/json.h"
#include "tree/entry.h"

/* All bytes, in order, a chunk at a time. */
MUST_CHECK enum err_code stored_dump_stream(
    struct repo *r, const struct tree_entry *dump, bytes_fn *fn, void *arg, struct err *err);

/* The line of the dump in a snapshot's document that lies at this path of its tree; NULL when
 * none does.  The path is without "." and doubled slashes. */
const json_t *stored_dump_at(const json_t *document, const char *path);

#endif
