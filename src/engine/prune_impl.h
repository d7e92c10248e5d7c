/*
 * prune_impl.h: the inside of a prune, for engine/prune_*.c only.
 */
#ifndef ENGINE_PRUNE_IMPL_H
#define ENGINE_PRUNE_IMPL_H

#include "engine/prune_plan.h"
#include "tree/reach.h"

#include <stdatomic.h>

struct prune {
	struct engine *engine;
	struct repo *repo;
	const struct prune_options *opt;
	struct prune_result *result;
	struct id claim;
	bool has_claim;
	bool is_alone; /* no other prune in this process */
	struct pack_list known; /* ids of the snapshots that were walked, sorted */
	struct pack_list strays; /* sorted */
	struct pack_list missing; /* sorted */
	struct reach *reach; /* holds what the known snapshots need */
	struct prune_plan plan;
	struct writer *writer; /* opened when something is to be stored anew */
	atomic_uint_least64_t bytes_done; /* for progress, of packs */
	uint64_t bytes_total;
};

/* Wait until listings show what was put before. */
MUST_CHECK enum err_code prune_wait(struct prune *p, unsigned times, struct err *err);

/* prune_claim.c: be the only pruner, and undo what one that died has begun. */
MUST_CHECK enum err_code prune_claim(struct prune *p, struct err *err);
void prune_release_claim(struct prune *p);
/* ERR_LOCKED when there is a mark other than these two. */
MUST_CHECK enum err_code prune_check_alone(
    struct prune *p, const struct id *own, struct err *err);

/* prune_walk.c: ids of the snapshots that there are, sorted. */
MUST_CHECK enum err_code prune_list_snapshots(
    struct prune *p, struct pack_list *out, struct err *err);
/* Walk all known snapshots; what they need is in p->reach afterwards. */
MUST_CHECK enum err_code prune_walk(struct prune *p, struct err *err);
/* Walk those that came since: add the doomed packs that they need to a list, which is sorted
 * afterwards. */
MUST_CHECK enum err_code prune_walk_late(
    struct prune *p, struct pack_list *needed, struct err *err);

/* prune_round.c: remove these items of the plan. */
MUST_CHECK enum err_code prune_round(struct prune *p, const struct prune_item *items,
    size_t count, enum prune_join join, struct err *err);

#endif
