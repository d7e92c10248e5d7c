/*
 * marks.h: how those who delete and those who write see each other
 * (docs/decisions/0010; the bytes: docs/format.md, "Deleting").
 *
 * Threads: one at a time for each watch.
 */
#ifndef REPO_MARKS_H
#define REPO_MARKS_H

#include "repo/repo.h"

/* What a writer saw when it began to rely on what is stored. */
struct watch;

/* Load the marks: from here on the repo's look-ups for writing pass doomed packs over.
 * ERR_UNSUPPORTED for a mark of a later version. */
MUST_CHECK enum err_code watch_open(struct watch **out, struct repo *r, struct err *err);
void watch_close(struct watch *w);
AUTO_FREE(watch, struct watch *, watch_close)

/* Has anybody begun to delete, or deleted, since?  Then the indexes are loaded anew and the
 * doomed packs noted, and what this run relies on must be looked at again. */
MUST_CHECK enum err_code watch_look(struct watch *w, bool *must_check, struct err *err);

/* A pruner's mark, on this host and by this process. */
struct mark {
	struct id name;
	char *host;
	int64_t pid;
	int64_t time_ns;
	bool is_dead; /* of this host, and its process is gone */
	struct id *packs;
	size_t n_packs;
};
typedef enum err_code mark_fn(void *arg, const struct mark *m, struct err *err);
MUST_CHECK enum err_code marks_list(struct repo *r, mark_fn *fn, void *arg, struct err *err);
MUST_CHECK enum err_code mark_put(
    struct repo *r, const struct id *packs, size_t count, struct id *name, struct err *err);
MUST_CHECK enum err_code mark_delete(struct repo *r, const struct id *name, struct err *err);

#endif
