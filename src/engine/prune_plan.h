/*
 * prune_plan.h: which packs go, and of which the needed part is stored anew.
 *
 * For engine/prune only.
 */
#ifndef ENGINE_PRUNE_PLAN_H
#define ENGINE_PRUNE_PLAN_H

#include "engine/prune.h"
#include "repo/prune.h"

enum prune_fate {
	PRUNE_DROP, /* nobody needs any of it */
	PRUNE_STRAY, /* no index names it, and it is old */
	PRUNE_MISSING, /* indexes name it, and it is not there */
	PRUNE_REPACK, /* mostly unused: what is needed is stored anew */
};

struct prune_item {
	struct id pack;
	uint32_t object; /* what the name of an index object that names it begins with */
	uint32_t size;
	uint32_t live; /* about how much of it is needed */
	uint32_t used_stored;
	enum prune_fate fate;
};

struct prune_plan {
	struct prune_item *items; /* what is to go, by index object; repacking comes last,
				     cheapest first */
	size_t count;
	size_t cap;
	uint64_t unused_bytes; /* in packs that stay */
};

void prune_plan_release(struct prune_plan *p);
MUST_CHECK enum err_code prune_plan_add(
    struct prune_plan *p, const struct prune_item *item, struct err *err);

/* Decide by what the set needs of each pack.  strays and missing are sorted; sizes of strays
 * were added before as items. */
MUST_CHECK enum err_code prune_plan_make(struct prune_plan *p, struct chunk_set *used,
    const struct pack_list *missing, const struct prune_options *opt, struct prune_result *res,
    struct err *err);

#endif
