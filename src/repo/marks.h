/*
 * marks.h: how those who delete and those who write see each other
 * (docs/decisions/0010; the bytes: docs/format.md, "Deleting").
 *
 * Threads: watch_own_pack, _own_index and _found_pack from any; all else one at a time for each
 * watch. Errors:  ERR_UNSUPPORTED for a mark of a later version, ERR_CORRUPT for one that
 * cannot be read: who meets such a mark neither writes nor deletes.
 */
#ifndef REPO_MARKS_H
#define REPO_MARKS_H

#include "repo/repo.h"

/* What a writer saw when it began to rely on what is stored. */
struct watch;

/* Look at indexes and marks: from here on the repo's look-ups for writing pass doomed packs
 * over. */
MUST_CHECK enum err_code watch_open(struct watch **out, struct repo *r, struct err *err);
void watch_close(struct watch *w);
AUTO_FREE(watch, struct watch *, watch_close)

/* Remember a pack that this run has put. */
MUST_CHECK enum err_code watch_own_pack(
    struct watch *w, const struct id *pack, struct err *err);
/* And an index object, with its payload.  ERR_CHANGED when a pack that it names has gone
 * already: the object was taken back, and the run cannot be saved. */
MUST_CHECK enum err_code watch_own_index(
    struct watch *w, const struct id *object, const struct buf *payload, struct err *err);
/* This run relies on a pack that it has found. */
MUST_CHECK enum err_code watch_found_pack(
    struct watch *w, const struct id *pack, struct err *err);

/* Does, or did, anybody delete since the look before?  Then the indexes are loaded anew, the
 * doomed packs are noted, and what this run relies on must be looked at again. */
MUST_CHECK enum err_code watch_look(struct watch *w, bool *must_check, struct err *err);

/* After watch_look: ask the store for the packs that this run has put, and has found.  When one
 * is gone, all look-ups pass it over from now on, the run's own index objects name it no more,
 * and *must_check becomes true. */
MUST_CHECK enum err_code watch_look_at_packs(
    struct watch *w, bool *must_check, struct err *err);

/* Packs that one mark may name. */
#define MARK_PACKS_MAX 50000

/* A pruner's mark. */
struct mark {
	struct id name;
	char *host;
	int64_t pid;
	int64_t time_ns; /* by its host's clock, for people */
	bool is_own; /* of this very process */
	bool is_dead; /* of this machine, and its process has ended */
	struct id *packs; /* sorted */
	size_t n_packs;
};
typedef enum err_code mark_fn(void *arg, const struct mark *m, struct err *err);
MUST_CHECK enum err_code marks_list(struct repo *r, mark_fn *fn, void *arg, struct err *err);
/* packs are sorted, at most MARK_PACKS_MAX. */
MUST_CHECK enum err_code mark_put(
    struct repo *r, const struct id *packs, size_t count, struct id *name, struct err *err);
MUST_CHECK enum err_code mark_delete(struct repo *r, const struct id *name, struct err *err);
/* Is it there still? */
MUST_CHECK enum err_code mark_stands(
    struct repo *r, const struct id *name, bool *stands, struct err *err);

#endif
