#include "engine/publish.h"

#include "repo/marks.h"
#include "repo/rescue.h"
#include "repo/snapshot.h"
#include "sys/clock.h"
#include "tree/reach.h"

enum doubt { DOUBT_RESCUE, DOUBT_REFUSE };

struct own_tree {
	struct writer *writer;
	enum doubt doubt;
	uint64_t rescued; /* chunks */
	struct err lost; /* the first */
};

static enum err_code
look_at_chunk(void *arg, const struct id *id, uint64_t len, struct err *err)
{
	struct own_tree *t = arg;
	(void)len;
	if (repo_has_chunk(writer_repo(t->writer), id))
		return ERR_OK;
	if (t->doubt == DOUBT_REFUSE)
		return err_set(
		    err, ERR_NOT_FOUND, "it lies in a pack that is gone, or about to go");
	if (rescue_chunk(t->writer, id, err))
		return err->code;
	t->rescued++;
	return ERR_OK;
}

static enum err_code
note_lost(void *arg, const char *path, bool is_dir, const char *why, struct err *err)
{
	struct own_tree *t = arg;
	(void)is_dir;
	(void)err;
	if (t->lost.code == ERR_OK)
		err_set(&t->lost, ERR_CHANGED, "%s: %s", path, why);
	return ERR_OK;
}

/* Walk the own tree: ERR_CHANGED when a chunk is not there to stay. */
static enum err_code
check_tree(struct engine *e, struct writer *w, const struct tree_entry *root, enum doubt doubt,
    uint64_t *rescued, struct err *err)
{
	struct own_tree t = { .writer = w, .doubt = doubt, .lost = ERR_INIT };
	struct reach_options opt = {
		.chunk = look_at_chunk,
		.lost = note_lost,
		.arg = &t,
		.cancel = e->cancel,
	};
	AUTO(reach) struct reach *x = NULL;
	bool is_whole;
	if (reach_new(&x, e->repo, &opt, err) || reach_tree(x, root, &is_whole, err) ||
	    writer_check(w, err))
		return err->code;
	*rescued = t.rescued;
	if (!is_whole)
		return err_set(err, ERR_CHANGED,
		    "somebody has deleted from the repository what this run relied on (%s)",
		    t.lost.msg);
	return ERR_OK;
}

/* Somebody deletes: make sure of all that the tree needs. */
static enum err_code
secure_tree(struct engine *e, struct writer *w, const struct tree_entry *root, struct err *err)
{
	uint64_t rescued = 0;
	event_note(e->events, NULL,
	    "somebody deletes from the repository: looking again at what this snapshot needs");
	if (check_tree(e, w, root, DOUBT_RESCUE, &rescued, err))
		return err->code;
	if (rescued == 0)
		return ERR_OK;
	if (writer_flush(w, err))
		return err->code;
	return check_tree(e, w, root, DOUBT_REFUSE, &rescued, err);
}

/* Listings of this store may be late: only after that time do they show what was there when the
 * snapshot was put. */
static enum err_code
wait_for_listings(struct engine *e, struct err *err)
{
	unsigned lag_s = store_list_lag_s(repo_store(e->repo));
	if (lag_s == 0)
		return ERR_OK;
	event_phase(e->events, "wait %u s: listings of this filesystem may be late", lag_s);
	return cancel_wait(e->cancel, lag_s * NS_PER_S, err);
}

/* The look after the snapshot was put: this one decides. */
static enum err_code
confirm(struct engine *e, struct writer *w, const struct tree_entry *root, struct err *err)
{
	bool must_check;
	uint64_t rescued;
	struct watch *watch = writer_watch(w);
	/* Packs come last: those of a mark that has gone by now are gone as well. */
	if (wait_for_listings(e, err) || watch_look(watch, &must_check, err) ||
	    watch_look_at_packs(watch, &must_check, err))
		return err->code;
	return must_check ? check_tree(e, w, root, DOUBT_REFUSE, &rescued, err) : ERR_OK;
}

enum err_code
publish_snapshot(struct engine *e, struct writer *w, const struct tree_entry *root,
    const struct buf *document, struct id *id, struct err *err)
{
	bool must_check;
	struct id put;
	if (writer_flush(w, err) || watch_look(writer_watch(w), &must_check, err) ||
	    (must_check && secure_tree(e, w, root, err)) || cancel_check(e->cancel, err) ||
	    snapshot_save(e->repo, document, &put, err))
		return err->code;
	if (confirm(e, w, root, err)) {
		struct err why;
		if (snapshot_delete(e->repo, &put, &why)) {
			char hex[ID_HEX_SIZE];
			id_hex(hex, &put);
			event_warning(e->events, NULL,
			    "snapshot %.8s was written, could not be confirmed, and could "
			    "not be taken back: %s",
			    hex, why.msg);
		}
		return err_wrap(err, "confirm the snapshot");
	}
	*id = put;
	return ERR_OK;
}

enum err_code
publish_blame(struct writer *w, struct err *err)
{
	struct err why;
	bool must_check = false;
	if (w == NULL || (err->code != ERR_NOT_FOUND && err->code != ERR_CORRUPT))
		return err->code;
	if (watch_look(writer_watch(w), &must_check, &why) || !must_check)
		return err->code;
	err->code = ERR_CHANGED;
	return err_wrap(err, "somebody has deleted from the repository meanwhile");
}

enum err_code
publish_with_retry(
    struct engine *e, const char *subject, publish_run *run, void *arg, struct err *err)
{
	enum err_code rc = run(arg, err);
	if (rc != ERR_CHANGED)
		return rc;
	event_note(e->events, subject, "starting over: %s", err->msg);
	*err = (struct err)ERR_INIT;
	rc = run(arg, err);
	if (rc != ERR_CHANGED)
		return rc;
	struct err last = *err;
	return err_set(err, ERR_LOCKED,
	    "%s; this happened twice: try again when no prune is running; if none is, "
	    "'stacksnap "
	    "verify' tells what is missing",
	    last.msg);
}
