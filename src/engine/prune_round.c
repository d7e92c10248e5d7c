/*
 * One round: the order of these steps is what keeps running backups safe
 * (docs/decisions/0010).  Nothing is taken away before the mark stands and
 * the snapshots were looked at again.
 */
#include "engine/prune_impl.h"

#include "repo/marks.h"

#define CHECK_MARK_EVERY 256

struct round {
	struct prune *prune;
	const struct prune_item *items;
	size_t count;
	struct pack_list doomed; /* sorted */
	struct id mark;
	bool has_mark;
	bool is_begun; /* indexes were replaced: the mark must stay until the end */
};

static enum err_code
list_items(struct round *r, struct err *err)
{
	for (size_t i = 0; i < r->count; i++)
		if (pack_list_add(&r->doomed, &r->items[i].pack, err))
			return err->code;
	pack_list_sort(&r->doomed);
	return ERR_OK;
}

/* --- before the mark --- */

static enum err_code
copy_needed(struct round *r, struct err *err)
{
	struct prune *p = r->prune;
	bool has_copied = false;
	for (size_t i = 0; i < r->count; i++) {
		const struct prune_item *item = &r->items[i];
		struct pack_use use = {
			.pack = item->pack,
			.size = item->size,
			.used_stored = item->used_stored,
		};
		if (item->fate != PRUNE_REPACK)
			continue;
		if (cancel_check(p->engine->cancel, err) ||
		    prune_copy(p->writer, reach_used(p->reach), &use, err))
			return err->code;
		atomic_fetch_add(&p->bytes_done, item->size);
		has_copied = true;
	}
	return has_copied ? writer_flush(p->writer, err) : ERR_OK;
}

/* What the known snapshots need must be in other packs by now. */
static enum err_code
spare_needed(struct round *r, struct err *err)
{
	struct prune *p = r->prune;
	AUTO(pack_list) struct pack_list needed = PACK_LIST_INIT;
	if (prune_find_needed(p->repo, reach_used(p->reach), &r->doomed, &needed, err))
		return err->code;
	pack_list_subtract(&r->doomed, &needed);
	return ERR_OK;
}

/* --- with the mark --- */

static enum err_code
put_mark(struct round *r, struct err *err)
{
	struct prune *p = r->prune;
	if (mark_put(p->repo, r->doomed.ids, r->doomed.count, &r->mark, err))
		return err->code;
	r->has_mark = true;
	if (prune_wait(p, 2, err))
		return err->code;
	return prune_check_alone(p, &r->mark, err);
}

/* Snapshots that came since, and packs whose writer has named them since. */
static enum err_code
spare_late(struct round *r, struct err *err)
{
	struct prune *p = r->prune;
	AUTO(pack_list) struct pack_list needed = PACK_LIST_INIT;
	AUTO(pack_list) struct pack_list named = PACK_LIST_INIT;
	if (prune_walk_late(p, &needed, err) ||
	    prune_find_named(p->repo, &p->strays, &named, err))
		return err->code;
	pack_list_subtract(&r->doomed, &needed);
	pack_list_subtract(&r->doomed, &named);
	return prune_doom(p->repo, &r->doomed, err);
}

static enum err_code
check_mark(struct round *r, struct err *err)
{
	bool stands;
	if (mark_stands(r->prune->repo, &r->mark, &stands, err))
		return err->code;
	return stands ? ERR_OK
		      : err_set(err, ERR_LOCKED, "another prune has taken over; stopped");
}

/* --- indexes gone --- */

/* A snapshot that its writer is about to take back, or did not live to: give it its packs. */
static enum err_code
put_back_late(struct round *r, struct err *err)
{
	struct prune *p = r->prune;
	AUTO(pack_list) struct pack_list needed = PACK_LIST_INIT;
	if (prune_wait(p, 2, err) || prune_walk_late(p, &needed, err))
		return err->code;
	if (needed.count == 0)
		return ERR_OK;
	if (prune_put_back(p->repo, &needed, err))
		return err->code;
	pack_list_subtract(&r->doomed, &needed);
	return ERR_OK;
}

static void
count_removed(struct prune *p, const struct prune_item *item)
{
	struct prune_result *res = p->result;
	if (item->fate == PRUNE_MISSING)
		return;
	res->packs_removed++;
	res->packs_repacked += item->fate == PRUNE_REPACK;
	res->stray_packs += item->fate == PRUNE_STRAY;
	res->bytes_removed += item->size;
}

static enum err_code
delete_packs(struct round *r, struct err *err)
{
	struct prune *p = r->prune;
	size_t n = 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct prune_item *item = &r->items[i];
		if (!pack_list_has(&r->doomed, &item->pack))
			continue;
		if (n++ % CHECK_MARK_EVERY == 0 && check_mark(r, err))
			return err->code;
		if (cancel_check(p->engine->cancel, err) ||
		    prune_delete_pack(p->repo, &item->pack, err))
			return err->code;
		count_removed(p, item);
		if (item->fate != PRUNE_REPACK)
			atomic_fetch_add(&p->bytes_done, item->size);
	}
	return ERR_OK;
}

/* A writer may have named strays after they were looked for, and looked for them before they
 * were gone: nobody but this look sees that. */
static enum err_code
take_out_late_names(struct round *r, struct err *err)
{
	struct prune *p = r->prune;
	AUTO(pack_list) struct pack_list strays = PACK_LIST_INIT;
	AUTO(pack_list) struct pack_list named = PACK_LIST_INIT;
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].fate == PRUNE_STRAY &&
		    pack_list_has(&r->doomed, &r->items[i].pack) &&
		    pack_list_add(&strays, &r->items[i].pack, err))
			return err->code;
	if (strays.count == 0)
		return ERR_OK;
	pack_list_sort(&strays);
	if (prune_wait(p, 2, err) || prune_load_more(p->repo, err) ||
	    prune_find_named(p->repo, &strays, &named, err))
		return err->code;
	return named.count > 0 ? prune_rewrite_index(p->repo, &named, PRUNE_AS_IS, err)
			       : ERR_OK;
}

static enum err_code
run_round(struct round *r, enum prune_join join, struct err *err)
{
	struct prune *p = r->prune;
	if (list_items(r, err) || prune_load_index(p->repo, err) ||
	    prune_doom(p->repo, &r->doomed, err) || copy_needed(r, err) ||
	    spare_needed(r, err) || prune_doom(p->repo, &r->doomed, err) || put_mark(r, err) ||
	    spare_late(r, err) || check_mark(r, err))
		return err->code;
	r->is_begun = true;
	if (prune_rewrite_index(p->repo, &r->doomed, join, err) || put_back_late(r, err) ||
	    delete_packs(r, err) || take_out_late_names(r, err))
		return err->code;
	r->has_mark = false;
	return mark_delete(p->repo, &r->mark, err);
}

enum err_code
prune_round(struct prune *p, const struct prune_item *items, size_t count, enum prune_join join,
    struct err *err)
{
	struct round r = { .prune = p, .items = items, .count = count };
	struct err why; /* the first failure is told */
	enum err_code rc = run_round(&r, join, err);
	if (rc && r.has_mark && !r.is_begun && mark_delete(p->repo, &r.mark, &why))
		event_warning(p->engine->events, NULL, "%s", why.msg);
	pack_list_release(&r.doomed);
	return rc;
}
