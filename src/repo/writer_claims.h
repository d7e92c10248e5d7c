/*
 * writer_claims.h: which chunks a writer has taken on.
 *
 * The first who claims an id that no index knows has to store the chunk;
 * others rely on it.  Ids whose index has been added are forgotten, so that
 * memory is bounded by what is on its way, not by the size of a backup.
 *
 * Threads: any.  For the writer only.
 */
#ifndef REPO_WRITER_CLAIMS_H
#define REPO_WRITER_CLAIMS_H

#include "base/map.h"
#include "repo/index.h"
#include "repo/marks.h"

#include <pthread.h>

struct claims {
	struct index *index;
	struct watch *watch; /* told of each pack that is relied on; borrowed */
	pthread_mutex_t lock; /* guards all below */
	struct map taken;
	uint64_t chunks;
	uint64_t bytes;
	uint64_t new_chunks;
	uint64_t new_bytes;
};

/* watch may be set later, before anything is taken. */
void claims_init(struct claims *c, struct index *index);
void claims_release(struct claims *c);
/* Is this chunk new? Then it is this caller's to store. */
MUST_CHECK enum err_code claims_take(
    struct claims *c, const struct id *id, size_t len, bool *is_new, struct err *err);
/* The index knows these now. */
void claims_forget(struct claims *c, const struct id *ids, size_t count);

#endif
