/*
 * shelf.h: what the repository holds, kept in memory for the keeper's verbs.
 *
 * A snapshot and a proof never change once they are stored, so each is read
 * once; when something may have been added or taken away (shelf_stale), or half a minute is
 * over, only the lists of names are read again.  Of a snapshot some 2 KB stay here: what lists
 * show, and the root of its tree.
 *
 * Ownership: points are shared and never change; give them back with points_release.
 * Threads:   any number.
 * Errors:    those of the store, when nothing is known yet; afterwards what was known is
 *            given.
 */
#ifndef SERVE_SHELF_H
#define SERVE_SHELF_H

#include "engine/browse.h"
#include "repo/proof.h"
#include "serve/diff_index.h"

struct point {
	struct id id;
	char hex[ID_HEX_SIZE];
	int64_t time_ns;
	char *stack; /* NULL when it is of none */
	char *source; /* snapshot_source_text */
	bool is_complete;
	bool is_quarantined;
	uint64_t bytes;
	uint64_t stored_bytes;
	json_t *brief; /* what snapshot_view_summary shows of its document */
	json_t *root; /* what snapshot_root wants of it */
};

/* One that cannot be read. */
struct damaged_point {
	struct id id;
	char *why;
};

struct points {
	struct point *items; /* oldest first */
	size_t count;
	struct damaged_point *damaged;
	size_t n_damaged;
	struct proofs *proofs;
};

struct shelf;

MUST_CHECK enum err_code shelf_new(struct shelf **out, struct err *err);
void shelf_free(struct shelf *s);
AUTO_FREE(shelf, struct shelf *, shelf_free)
void shelf_stale(struct shelf *s);
/* What comparisons have found, as long as somebody looks at it. */
struct diff_cache *shelf_diffs(struct shelf *s);

/* *old: ERR_OK, or why this could not be renewed and may be old; may be NULL. */
MUST_CHECK enum err_code shelf_points(struct shelf *s, struct repo *r,
    const struct points **out, struct err *old, struct err *err);
void points_release(const struct points *p);
AUTO_FREE(points, const struct points *, points_release)

/* By the first digits of its id.  ERR_NOT_FOUND, ERR_USAGE when several begin so, ERR_CORRUPT
 * for one that cannot be read. */
MUST_CHECK enum err_code points_find(
    const struct points *p, const char *prefix, const struct point **out, struct err *err);
/* The newest of a stack; NULL when there is none. */
const struct point *points_last(const struct points *p, const char *stack);
/* What the last drill of it found; NULL without one. */
const json_t *point_proof(const struct points *p, const struct point *point);

/* One object (docs/json.md, "summary"). */
void point_summary(
    struct json_writer *w, const char *key, const struct points *p, const struct point *point);

/* The root alone, without its document: for looking into its tree.  The caller's to release. */
MUST_CHECK enum err_code point_open_tree(
    struct snapshot *out, const struct point *point, struct err *err);
/* With its document, which is read anew. */
MUST_CHECK enum err_code point_open(
    struct snapshot *out, struct repo *r, const struct point *point, struct err *err);

#endif
