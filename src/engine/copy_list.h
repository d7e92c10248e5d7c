/*
 * copy_list.h: the snapshots of a repository, and which snapshot each of them
 * is a copy of: the inside of copy.h.
 */
#ifndef ENGINE_COPY_LIST_H
#define ENGINE_COPY_LIST_H

#include "base/map.h"
#include "engine/filter.h"
#include "repo/format.h"

/* Which snapshot it is, wherever it lies: where it was made, and its id there. */
struct origin {
	uint8_t repo[REPO_ID_SIZE];
	uint8_t snapshot[ID_SIZE];
};

struct copy_item {
	struct id id;
	struct origin origin;
	json_t *document; /* NULL: it is damaged */
	struct err damage;
	char *text; /* its source; NULL when damaged */
	int64_t time_ns;
	bool is_chosen;
	bool is_new; /* put there by this run */
};

struct copy_list {
	struct repo *repo;
	struct copy_item *items; /* oldest first, damaged ones before all */
	size_t count;
	size_t cap;
	struct map by_origin; /* to the place among items, as size_t; sound ones only */
};

void copy_list_release(struct copy_list *l);
static inline void UNUSED
copy_list_auto(struct copy_list *l)
{
	copy_list_release(l);
}

/* All snapshots, damaged ones too. */
MUST_CHECK enum err_code copy_list_load(struct copy_list *out, struct repo *r, struct err *err);
/* Mark those that the filter means.  Damaged ones are meant when they are named, or nothing is
 * asked for. */
MUST_CHECK enum err_code copy_list_choose(
    struct copy_list *l, const struct snapshot_filter *f, struct err *err);
/* Take over one that is new. */
MUST_CHECK enum err_code copy_list_add(
    struct copy_list *l, const struct copy_item *item, struct err *err);
/* NULL when there is none. */
const struct copy_item *copy_list_find(const struct copy_list *l, const struct origin *o);

#endif
