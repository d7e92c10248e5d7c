#include "engine/prune_impl.h"

#include "repo/marks.h"
#include "sys/clock.h"

struct others {
	struct prune *prune;
	const struct id *own; /* may be NULL */
	unsigned seen; /* of our own marks */
	struct pack_list dead; /* names of marks */
	struct pack_list orphans; /* packs that they doom */
};

static void
others_auto(struct others *o)
{
	pack_list_release(&o->dead);
	pack_list_release(&o->orphans);
}

static bool
is_own(const struct others *o, const struct mark *m)
{
	return id_equal(&m->name, &o->prune->claim) ||
	       (o->own != NULL && id_equal(&m->name, o->own));
}

static enum err_code
refuse(const struct mark *m, struct err *err)
{
	char since[CLOCK_TEXT_SIZE];
	clock_format_local(since, m->time_ns);
	return err_set(err, ERR_LOCKED,
	    "another prune is at it (on host %s, process %lld, since %s); if that one has "
	    "certainly ended, go on with --take-over",
	    m->host, (long long)m->pid, since);
}

static enum err_code
look_at_mark(void *arg, const struct mark *m, struct err *err)
{
	struct others *o = arg;
	struct prune *p = o->prune;
	if (is_own(o, m)) {
		o->seen++;
		return ERR_OK;
	}
	if (!m->is_dead && !(m->is_own && p->is_alone) && !p->opt->take_over)
		return refuse(m, err);
	if (pack_list_add(&o->dead, &m->name, err))
		return err->code;
	for (size_t i = 0; i < m->n_packs; i++)
		if (pack_list_add(&o->orphans, &m->packs[i], err))
			return err->code;
	return ERR_OK;
}

/* Who does not see what it has put itself would not see snapshots that others have put either,
 * and remove what they need. */
static enum err_code
check_seen(const struct others *o, struct err *err)
{
	const struct store *s = repo_store(o->prune->repo);
	if (o->seen == 1u + (o->own != NULL))
		return ERR_OK;
	return err_set(err, ERR_IO,
	    "%s does not list a mark that was just put: either listings are later there than "
	    "the %u s that are reckoned with (on S3, say so with ?lag=SECONDS in the address), "
	    "or another prune has taken over; nothing more is removed",
	    store_location(s), store_list_lag_s(s));
}

/* A pruner that died may have taken packs out of the indexes and not come to delete them: give
 * them an index again, then all is as if it had not begun. */
static enum err_code
undo(struct prune *p, struct others *o, struct err *err)
{
	AUTO(pack_list) struct pack_list named = PACK_LIST_INIT;
	if (o->dead.count == 0)
		return ERR_OK;
	event_note(p->engine->events, NULL, "an earlier prune did not come to its end");
	pack_list_sort(&o->orphans);
	if (prune_load_index(p->repo, err) ||
	    prune_find_named(p->repo, &o->orphans, &named, err))
		return err->code;
	pack_list_subtract(&o->orphans, &named);
	if (prune_put_back(p->repo, &o->orphans, err))
		return err->code;
	for (size_t i = 0; i < o->dead.count; i++)
		if (mark_delete(p->repo, &o->dead.ids[i], err))
			return err->code;
	return ERR_OK;
}

void
prune_release_claim(struct prune *p)
{
	struct err why; /* the next prune sees that its process has ended */
	if (p->has_claim && mark_delete(p->repo, &p->claim, &why))
		event_warning(p->engine->events, NULL, "%s", why.msg);
	p->has_claim = false;
}

enum err_code
prune_check_alone(struct prune *p, const struct id *own, struct err *err)
{
	AUTO(others) struct others o = { .prune = p, .own = own };
	if (marks_list(p->repo, look_at_mark, &o, err))
		return err->code;
	/* With --take-over, too, nobody may come while we are at it. */
	if (o.dead.count > 0)
		return err_set(err, ERR_LOCKED, "another prune has begun meanwhile");
	return check_seen(&o, err);
}

enum err_code
prune_claim(struct prune *p, struct err *err)
{
	AUTO(others) struct others o = { .prune = p };
	if (p->opt->dry_run)
		return ERR_OK;
	if (store_check_writable(repo_store(p->repo), err) ||
	    mark_put(p->repo, NULL, 0, &p->claim, err))
		return err->code;
	p->has_claim = true;
	if (prune_wait(p, 1, err) || marks_list(p->repo, look_at_mark, &o, err) ||
	    check_seen(&o, err))
		return err->code;
	return undo(p, &o, err);
}
