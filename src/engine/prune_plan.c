#include "engine/prune_plan.h"

void
prune_plan_release(struct prune_plan *p)
{
	free(p->items);
	*p = (struct prune_plan){ NULL, 0, 0, 0 };
}

enum err_code
prune_plan_add(struct prune_plan *p, const struct prune_item *item, struct err *err)
{
	if (p->count == p->cap) {
		size_t cap = max_size(256, p->cap + p->cap / 2);
		struct prune_item *items = reallocarray(p->items, cap, sizeof *items);
		if (items == NULL)
			return err_nomem(err);
		p->items = items;
		p->cap = cap;
	}
	p->items[p->count++] = *item;
	return ERR_OK;
}

struct weighing {
	struct prune_plan *plan;
	const struct pack_list *missing;
	struct prune_result *result;
};

/* So much of it puts the packs of one object side by side: nothing more rests on it. */
static uint32_t
first_of(const struct id *object)
{
	return get_u32(object->b);
}

/* Packs that are needed in full are not noted: of a large repository, those are most. */
static enum err_code
weigh_pack(void *arg, const struct pack_use *use, struct err *err)
{
	struct weighing *w = arg;
	if (pack_list_has(w->missing, &use->pack))
		return ERR_OK;
	double share = use->bytes > 0 ? (double)use->used_bytes / (double)use->bytes : 0;
	uint64_t live =
	    use->used_chunks >= use->chunks ? use->size : (uint64_t)(share * (double)use->size);
	w->result->packs++;
	w->result->bytes += use->size;
	w->result->used_bytes += live;
	if (use->used_chunks > 0 && live >= use->size)
		return ERR_OK;
	struct prune_item item = {
		.pack = use->pack,
		.object = first_of(&use->object),
		.size = (uint32_t)use->size,
		.live = (uint32_t)live,
		.used_stored = (uint32_t)use->used_stored,
		.fate = use->used_chunks == 0 ? PRUNE_DROP : PRUNE_REPACK,
	};
	if (item.fate == PRUNE_REPACK)
		w->plan->unused_bytes += use->size - live;
	return prune_plan_add(w->plan, &item, err);
}

/* What goes as it is, the packs of one index object after the other, so that a round touches
 * few of the objects; then repacking, the least to copy for what it frees first. */
static int
by_cost(const void *a, const void *b)
{
	const struct prune_item *x = a;
	const struct prune_item *y = b;
	bool x_copies = x->fate == PRUNE_REPACK;
	bool y_copies = y->fate == PRUNE_REPACK;
	if (x_copies != y_copies)
		return x_copies ? 1 : -1;
	/* live / size, without dividing */
	uint64_t l = (uint64_t)x->live * y->size;
	uint64_t r = (uint64_t)y->live * x->size;
	if (l != r && x_copies)
		return l < r ? -1 : 1;
	if (!x_copies && x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return id_compare(&x->pack, &y->pack);
}

static uint64_t
allowed_unused(const struct prune_options *opt, uint64_t used)
{
	if (opt->max_unused_in_bytes)
		return opt->max_unused_bytes;
	if (opt->max_unused_share >= 1)
		return UINT64_MAX;
	/* A share of all that stays, used and unused. */
	return (uint64_t)(opt->max_unused_share / (1 - opt->max_unused_share) * (double)used);
}

enum err_code
prune_plan_make(struct prune_plan *p, struct chunk_set *used, const struct pack_list *missing,
    const struct prune_options *opt, struct prune_result *res, struct err *err)
{
	struct weighing w = { p, missing, res };
	for (size_t i = 0; i < missing->count; i++) {
		struct prune_item item = { .pack = missing->ids[i], .fate = PRUNE_MISSING };
		if (prune_plan_add(p, &item, err))
			return err->code;
	}
	if (chunk_set_walk_packs(used, weigh_pack, &w, err))
		return err->code;
	if (p->count > 1)
		qsort(p->items, p->count, sizeof *p->items, by_cost);
	size_t n = 0;
	while (n < p->count && p->items[n].fate != PRUNE_REPACK)
		n++;
	uint64_t allowed = allowed_unused(opt, res->used_bytes);
	for (; n < p->count && p->unused_bytes > allowed; n++)
		p->unused_bytes -= p->items[n].size - p->items[n].live;
	p->count = n;
	return ERR_OK;
}
