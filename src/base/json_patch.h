/*
 * json_patch.h: what differs between two JSON documents, as a patch that makes
 * one of the other.
 *
 * A patch is an array of operations, each an object: {"op":"replace",
 * "path":"/a/0","value":1}.  The path is a JSON Pointer, "" is the whole
 * document, "~0" and "~1" stand for "~" and "/".  Operations are done one after
 * the other: numbers of array items are those at that moment.
 *
 * Source: RFC 6902 (JSON Patch), RFC 6901 (JSON Pointer).  Items of arrays are
 * matched by a longest common subsequence (seq_diff.h); what stands between
 * two matches is changed item by item.
 *
 * Threads: any.  Errors: ERR_NO_MEMORY.
 */
#ifndef BASE_JSON_PATCH_H
#define BASE_JSON_PATCH_H

#include "base/json.h"

enum json_change { JSON_REMOVED, JSON_ADDED, JSON_REPLACED };

/* One operation; before is NULL for what was added, after for what was removed. */
typedef enum err_code json_patch_fn(void *arg, enum json_change change, const char *pointer,
    const json_t *before, const json_t *after, struct err *err);

/* The operations that make b of a, in order; none when they are equal. */
MUST_CHECK enum err_code json_patch_walk(
    const json_t *a, const json_t *b, json_patch_fn *fn, void *arg, struct err *err);

/* The same as an array, with "remove", "add" and "replace"; *out is the caller's. */
MUST_CHECK enum err_code json_patch_make(
    json_t **out, const json_t *a, const json_t *b, struct err *err);

#endif
