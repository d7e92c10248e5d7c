#include "engine/prune_impl.h"

#include "engine/browse.h"
#include "sys/clock.h"

static enum err_code
add_name(void *arg, const struct store_entry *e, struct err *err)
{
	const char *name = e->key + strlen("snapshots/");
	struct id id;
	if (!hex_decode(id.b, ID_SIZE, name, strlen(name)))
		return ERR_OK; /* not ours */
	return pack_list_add(arg, &id, err);
}

enum err_code
prune_list_snapshots(struct prune *p, struct pack_list *out, struct err *err)
{
	if (store_list(repo_store(p->repo), "snapshots/", NULL, add_name, out, err))
		return err->code;
	pack_list_sort(out);
	return ERR_OK;
}

struct walk {
	struct prune *prune;
	struct pack_list *needed; /* doomed packs; NULL: none may be needed */
	struct err lost; /* the first */
};

static enum err_code
look_at_chunk(void *arg, const struct id *id, uint64_t len, struct err *err)
{
	struct walk *w = arg;
	struct id pack;
	(void)len;
	if (repo_has_chunk(w->prune->repo, id))
		return ERR_OK;
	if (w->needed == NULL)
		return err_set(err, ERR_NOT_FOUND, "the pack that holds it is missing");
	if (!repo_find_pack(w->prune->repo, id, &pack))
		return err_set(err, ERR_NOT_FOUND, "no index knows it");
	return pack_list_add(w->needed, &pack, err);
}

static enum err_code
note_lost(void *arg, const char *path, bool is_dir, const char *why, struct err *err)
{
	struct walk *w = arg;
	(void)is_dir;
	(void)err;
	if (w->lost.code == ERR_OK)
		err_set(&w->lost, ERR_CORRUPT, "%s: %s", path, why);
	return ERR_OK;
}

static enum err_code
refuse(const struct id *id, const char *why, struct err *err)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	return err_set(err, ERR_CORRUPT,
	    "snapshot %.8s cannot be read whole, so nothing is removed (%s); 'stacksnap "
	    "verify' "
	    "tells what is damaged",
	    hex, why);
}

/* A writer takes back a snapshot that it finds in doubt, moments after it was put. */
#define TAKE_BACK_STEP_NS (NS_PER_S / 10)
#define TAKE_BACK_STEPS 30

static enum err_code
is_taken_back(struct prune *p, const struct id *id, bool *is, struct err *err)
{
	*is = snapshot_is_gone(p->repo, id);
	for (int i = 0; i < TAKE_BACK_STEPS && !*is; i++) {
		if (cancel_wait(p->engine->cancel, TAKE_BACK_STEP_NS, err))
			return err->code;
		*is = snapshot_is_gone(p->repo, id);
	}
	return ERR_OK;
}

static enum err_code
walk_one(struct walk *w, struct reach *x, const struct id *id, struct err *err)
{
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	struct err why;
	bool is_whole;
	if (snapshot_open(&s, w->prune->repo, id, &why)) {
		if (why.code == ERR_NOT_FOUND)
			return ERR_OK; /* forgotten meanwhile */
		if (why.code == ERR_CORRUPT || why.code == ERR_UNSUPPORTED)
			return refuse(id, why.msg, err);
		*err = why;
		return err->code;
	}
	if (reach_tree(x, &s.root, &is_whole, err))
		return err->code;
	if (is_whole)
		return ERR_OK;
	bool is_away;
	if (is_taken_back(w->prune, id, &is_away, err))
		return err->code;
	if (!is_away)
		return refuse(id, w->lost.msg, err);
	w->lost = (struct err)ERR_INIT; /* what the next one lacks is its own */
	return ERR_OK;
}

/* Walk the snapshots of a list that are not in skip. */
static enum err_code
walk_list(struct walk *w, struct reach **out, const struct pack_list *names,
    const struct pack_list *skip, struct err *err)
{
	struct reach_options opt = {
		.chunk = look_at_chunk,
		.lost = note_lost,
		.arg = w,
		.cancel = w->prune->engine->cancel,
	};
	AUTO(reach) struct reach *x = NULL;
	w->lost = (struct err)ERR_INIT;
	if (reach_new(&x, w->prune->repo, &opt, err))
		return err->code;
	for (size_t i = 0; i < names->count; i++)
		if ((skip == NULL || !pack_list_has(skip, &names->ids[i])) &&
		    walk_one(w, x, &names->ids[i], err))
			return err->code;
	if (out != NULL)
		*out = TAKE(x);
	return ERR_OK;
}

enum err_code
prune_walk(struct prune *p, struct err *err)
{
	struct walk w = { .prune = p, .needed = NULL };
	event_phase(p->engine->events, "look what the snapshots need");
	if (walk_list(&w, &p->reach, &p->known, NULL, err) == ERR_OK)
		return ERR_OK;
	if (err->code != ERR_CORRUPT || store_list_lag_s(repo_store(p->repo)) == 0)
		return err->code;
	/* The index of a new snapshot may not have been listed yet. */
	if (prune_wait(p, 1, err) || prune_load_index(p->repo, err))
		return err->code;
	return walk_list(&w, &p->reach, &p->known, NULL, err);
}

enum err_code
prune_walk_late(struct prune *p, struct pack_list *needed, struct err *err)
{
	AUTO(pack_list) struct pack_list names = PACK_LIST_INIT;
	struct walk w = { .prune = p, .needed = needed };
	/* Snapshots first: the indexes of those that are listed are there by then. */
	if (prune_list_snapshots(p, &names, err))
		return err->code;
	bool has_late = false;
	for (size_t i = 0; i < names.count && !has_late; i++)
		has_late = !pack_list_has(&p->known, &names.ids[i]);
	if (prune_load_more(p->repo, err))
		return err->code;
	if (!has_late)
		return ERR_OK;
	enum err_code rc = walk_list(&w, NULL, &names, &p->known, err);
	if (rc == ERR_CORRUPT && store_list_lag_s(repo_store(p->repo)) > 0) {
		if (prune_wait(p, 1, err) || prune_load_more(p->repo, err))
			return err->code;
		rc = walk_list(&w, NULL, &names, &p->known, err);
	}
	pack_list_sort(needed);
	return rc;
}
