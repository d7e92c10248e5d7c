#include "engine/prune_impl.h"

#include "base/counted.h"
#include "engine/meter.h"
#include "repo/marks.h"
#include "repo/proof.h"
#include "sys/clock.h"

/* Strays may be of a run that has not come to name them; this is no more than a courtesy to it,
 * since its own look finds them gone. */
#define STRAY_AGE_NS (24 * 3600 * NS_PER_S)
/* So that space is freed, and what was done stands, step by step. */
#define ROUND_REPACKS 1000

static atomic_int running; /* prunes of this process */

enum err_code
prune_wait(struct prune *p, unsigned times, struct err *err)
{
	unsigned lag_s = store_list_lag_s(repo_store(p->repo));
	if (lag_s == 0)
		return ERR_OK;
	event_phase(p->engine->events, "wait %u s: listings of this filesystem may be late",
	    times * lag_s);
	return cancel_wait(p->engine->cancel, (int64_t)times * lag_s * NS_PER_S, err);
}

/* --- packs that no index names, and those that are named and not there --- */

struct looking {
	struct prune *prune;
	int64_t now_ns; /* by the store's clock; 0: it does not tell */
};

static enum err_code
note_stray(void *arg, const struct prune_stray *s, struct err *err)
{
	struct looking *l = arg;
	struct prune_item item = {
		.pack = s->pack,
		.size = (uint32_t)(s->size < UINT32_MAX ? s->size : UINT32_MAX),
		.fate = PRUNE_STRAY,
	};
	if (l->now_ns == 0 || s->modified_ns == 0 || l->now_ns - s->modified_ns < STRAY_AGE_NS)
		return ERR_OK;
	if (pack_list_add(&l->prune->strays, &s->pack, err))
		return err->code;
	return prune_plan_add(&l->prune->plan, &item, err);
}

static enum err_code
note_missing(void *arg, const struct id *pack, struct err *err)
{
	struct looking *l = arg;
	return pack_list_add(&l->prune->missing, pack, err);
}

static enum err_code
note_claim_time(void *arg, const struct store_entry *e, struct err *err)
{
	struct looking *l = arg;
	char hex[ID_HEX_SIZE];
	(void)err;
	id_hex(hex, &l->prune->claim);
	if (strcmp(e->key + strlen("marks/"), hex) == 0)
		l->now_ns = e->modified_ns;
	return ERR_OK;
}

static enum err_code
look_at_packs(struct prune *p, struct err *err)
{
	struct looking l = { p, p->opt->dry_run ? clock_wall_ns() : 0 };
	struct prune_difference d = { note_stray, note_missing, &l };
	char packs[COUNTED_MAX];
	if ((p->has_claim &&
		store_list(repo_store(p->repo), "marks/", NULL, note_claim_time, &l, err)) ||
	    prune_compare(p->repo, &d, err))
		return err->code;
	if (p->missing.count > 0)
		event_warning(p->engine->events, NULL,
		    "not there, but named by indexes: %s; what needs them is damaged",
		    counted(packs, p->missing.count, "pack"));
	/* What lies elsewhere as well can be had from there. */
	return prune_doom(p->repo, &p->missing, err);
}

/* --- the work --- */

static enum err_code
plan(struct prune *p, struct err *err)
{
	if (prune_list_snapshots(p, &p->known, err) || prune_load_index(p->repo, err) ||
	    prune_count_indexes(p->repo, &p->result->indexes_before, err) ||
	    look_at_packs(p, err) || prune_walk(p, err))
		return err->code;
	p->result->snapshots = p->known.count;
	return prune_plan_make(
	    &p->plan, reach_used(p->reach), &p->missing, p->opt, p->result, err);
}

static void
sample(void *arg, struct event *e)
{
	struct prune *p = arg;
	e->bytes = atomic_load(&p->bytes_done);
	e->bytes_total = p->bytes_total;
}

/* How many of the items from `from` on go together. */
static size_t
round_size(const struct prune_plan *plan, size_t from)
{
	size_t n = 0;
	size_t repacks = 0;
	while (from + n < plan->count && n < MARK_PACKS_MAX && repacks < ROUND_REPACKS)
		repacks += plan->items[from + n++].fate == PRUNE_REPACK;
	return n;
}

static enum err_code
open_writer(struct prune *p, struct err *err)
{
	struct writer_options opt = { .cancel = p->engine->cancel };
	bool copies =
	    p->plan.count > 0 && p->plan.items[p->plan.count - 1].fate == PRUNE_REPACK;
	return copies ? writer_open(&p->writer, p->repo, &opt, err) : ERR_OK;
}

static enum err_code
carry_out(struct prune *p, struct err *err)
{
	struct pack_list none = PACK_LIST_INIT;
	if (open_writer(p, err))
		return err->code;
	for (size_t i = 0; i < p->plan.count; i++)
		p->bytes_total += p->plan.items[i].size;
	if (p->plan.count > 0)
		event_phase(p->engine->events, "free %s",
		    p->writer != NULL ? "space; what is still needed is copied" : "space");
	AUTO(meter) struct meter *meter = NULL;
	meter_start(&meter, p->engine->events, sample, p);
	for (size_t from = 0; from < p->plan.count;) {
		size_t n = round_size(&p->plan, from);
		bool is_last = from + n == p->plan.count;
		if (prune_round(
			p, p->plan.items + from, n, is_last ? PRUNE_JOIN : PRUNE_AS_IS, err))
			return err->code;
		from += n;
	}
	if (p->plan.count == 0 && (prune_doom(p->repo, &none, err) ||
				      prune_rewrite_index(p->repo, &none, PRUNE_JOIN, err)))
		return err->code;
	if (proofs_prune(p->repo, false, &p->result->proofs_removed, err))
		return err->code;
	return prune_count_indexes(p->repo, &p->result->indexes_after, err);
}

/* What would be done. */
static void
count_planned(struct prune *p)
{
	struct prune_result *res = p->result;
	res->indexes_after = res->indexes_before;
	for (size_t i = 0; i < p->plan.count; i++) {
		const struct prune_item *item = &p->plan.items[i];
		if (item->fate == PRUNE_MISSING)
			continue;
		res->packs_removed++;
		res->packs_repacked += item->fate == PRUNE_REPACK;
		res->stray_packs += item->fate == PRUNE_STRAY;
		res->bytes_removed += item->size;
		res->bytes_written += item->live;
	}
}

static enum err_code
run(struct prune *p, struct err *err)
{
	if (prune_claim(p, err) || plan(p, err))
		return err->code;
	p->result->unused_bytes = p->plan.unused_bytes;
	if (p->opt->dry_run) {
		count_planned(p);
		return proofs_prune(p->repo, true, &p->result->proofs_removed, err);
	}
	return carry_out(p, err);
}

static void
release(struct prune *p)
{
	struct writer_stats stats;
	struct pack_list none = PACK_LIST_INIT;
	struct err scratch; /* doomed packs are gone, or stay: both are safe to pass over */
	if (p->writer != NULL) {
		writer_get_stats(p->writer, &stats);
		p->result->bytes_written = stats.stored_bytes;
	}
	writer_close(p->writer);
	prune_release_claim(p);
	if (prune_doom(p->repo, &none, &scratch))
		event_warning(p->engine->events, NULL, "%s", scratch.msg);
	reach_free(p->reach);
	pack_list_release(&p->known);
	pack_list_release(&p->strays);
	pack_list_release(&p->missing);
	prune_plan_release(&p->plan);
}

enum err_code
prune_run(struct engine *e, const struct prune_options *opt, struct prune_result *out,
    struct err *err)
{
	int64_t began_ns = clock_mono_ns();
	*out = (struct prune_result){ 0 };
	struct prune p = {
		.engine = e,
		.repo = e->repo,
		.opt = opt,
		.result = out,
		.is_alone = atomic_fetch_add(&running, 1) == 0,
	};
	enum err_code rc = run(&p, err);
	struct err
	    scratch; /* the result stands; who uses the repo next loads the indexes anew */
	release(&p);
	atomic_fetch_sub(&running, 1);
	if (!opt->dry_run && repo_refresh(e->repo, rc ? &scratch : err) && rc == ERR_OK)
		rc = err->code;
	out->took_ns = clock_mono_ns() - began_ns;
	return rc;
}
