/* diff_impl.h: for serve/diff_*.c only. */
#ifndef SERVE_DIFF_IMPL_H
#define SERVE_DIFF_IMPL_H

#include "serve/diff_index.h"

#include <pthread.h>
#include <stdatomic.h>

#define DIFF_HITS 4

/* What a search has found: a list of its own. */
struct diff_hits {
	char *key; /* NULL: none */
	struct entry_list *list;
	uint64_t used;
};

struct diff_whole {
	struct diff_index x; /* comes first */
	atomic_size_t refs;
	char *folder;
	pthread_mutex_t lock; /* guards the hits; held while one is searched */
	struct diff_hits hits[DIFF_HITS];
	uint64_t clock;
};

/* diff_build.c: from the output, which is open; x->parts are there. */
MUST_CHECK enum err_code diff_build(
    struct diff_index *x, const struct cancel *cancel, struct err *err);

/* diff_search.c: the entries of the query that hold the text: *out stays the index's as long as
 * the lock is held. */
MUST_CHECK enum err_code diff_search(struct diff_whole *w, const struct diff_query *q,
    const struct cancel *cancel, const struct entry_list **out, struct err *err);
#endif
