#include "engine/verify.h"

#include "base/log.h"
#include "base/map.h"
#include "base/room.h"
#include "engine/browse.h"
#include "engine/meter.h"
#include "repo/check.h"
#include "repo/snapshot.h"
#include "sys/clock.h"
#include "tree/reach.h"

/*
 * The trees first, in silence: that tells which packs are needed, and whether
 * every chunk is in an index.  Then the store's objects.  Only when one of the
 * two found something are the trees walked again, to tell which snapshots and
 * files it hurts: a chunk is lost when no index knows it, or when it lies in a
 * pack that failed and cannot be read.
 */
struct verify {
	struct engine *engine;
	const struct verify_options *opt;
	struct verify_result *result;
	struct check_progress progress;
	atomic_uint_least64_t walked; /* snapshots */
	struct map bad_packs; /* ids */
	struct map needed_packs; /* ids; only when some snapshots were chosen */
	struct id *snapshots;
	size_t count;
	size_t cap;

	const struct id *walking; /* the snapshot at hand */
	char snapshot[9]; /* its first digits */
	bool hurt; /* it is */
};

/* --- which snapshots --- */

static enum err_code
add_snapshot(struct verify *v, const struct id *id, struct err *err)
{
	if (ROOM(v->snapshots, v->count, v->cap, 16, err))
		return err->code;
	v->snapshots[v->count++] = *id;
	return ERR_OK;
}

static enum err_code
add_listed(void *arg, const struct store_entry *entry, struct err *err)
{
	struct id id;
	const char *name = entry->key + strlen("snapshots/");
	if (!hex_decode(id.b, ID_SIZE, name, strlen(name)))
		return ERR_OK; /* repo_check tells of it */
	return add_snapshot(arg, &id, err);
}

static bool
are_chosen(const struct verify *v)
{
	return v->opt->names != NULL && v->opt->names->len > 0;
}

/* Documents are not read here: a damaged one must not hide the others. */
static enum err_code
find_snapshots(struct verify *v, struct err *err)
{
	struct repo *r = v->engine->repo;
	if (!are_chosen(v))
		return store_list(repo_store(r), "snapshots/", NULL, add_listed, v, err);
	for (size_t i = 0; i < v->opt->names->len; i++) {
		struct id id;
		if (snapshot_resolve(r, v->opt->names->items[i], &id, err) ||
		    add_snapshot(v, &id, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- walking trees --- */

static void
report_hurt(struct verify *v, const char *path, const char *kind, const char *why)
{
	char subject[4200];
	/* Forgotten and pruned while it was looked at. */
	if (snapshot_is_gone(v->engine->repo, v->walking))
		return;
	snprintf(subject, sizeof subject, "%s:%s", v->snapshot, path);
	v->result->files_hurt++;
	v->result->problems++;
	v->hurt = true;
	event_problem(v->engine->events, subject, "%s cannot be restored whole: %s", kind, why);
}

static enum err_code
tell_lost(void *arg, const char *path, bool is_dir, const char *why, struct err *err)
{
	report_hurt(arg, path, is_dir ? "folder, with all below it," : "file", why);
	(void)err;
	return ERR_OK;
}

/* A chunk in a pack that failed may be sound all the same. */
static enum err_code
try_chunk(void *arg, const struct id *id, uint64_t len, struct err *err)
{
	struct verify *v = arg;
	struct id pack;
	struct chunk_view view;
	(void)len;
	if (repo_find_pack(v->engine->repo, id, &pack) &&
	    map_get(&v->bad_packs, pack.b) == NULL)
		return ERR_OK;
	if (repo_read_chunk(v->engine->repo, id, &view, err))
		return err->code;
	chunk_view_release(&view);
	return ERR_OK;
}

/* *why is ERR_OK, or says why its document cannot be read. */
static enum err_code
walk_snapshot(struct verify *v, struct reach *x, const struct id *id, bool *is_whole,
    struct err *why, struct err *err)
{
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	*why = (struct err)ERR_INIT;
	*is_whole = true;
	if (snapshot_open(&s, v->engine->repo, id, why) == ERR_OK)
		return reach_tree(x, &s.root, is_whole, err);
	if (why->code == ERR_NOT_FOUND) { /* deleted meanwhile */
		*why = (struct err)ERR_INIT;
		return ERR_OK;
	}
	*is_whole = false;
	if (why->code == ERR_CORRUPT || why->code == ERR_UNSUPPORTED || why->code == ERR_IO)
		return ERR_OK;
	*err = *why;
	return err->code;
}

static void
sample_walk(void *arg, struct event *e)
{
	struct verify *v = arg;
	e->files = atomic_load(&v->walked);
	e->files_total = v->count;
	e->unit = "snapshots";
}

static enum err_code
walk_all(struct verify *v, struct reach *x, bool is_told, bool *all_whole, struct err *err)
{
	AUTO(meter) struct meter *meter = NULL;
	atomic_store(&v->walked, 0);
	meter_start(&meter, v->engine->events, sample_walk, v);
	*all_whole = true;
	for (size_t i = 0; i < v->count; i++) {
		char hex[ID_HEX_SIZE];
		struct err why;
		bool is_whole;
		id_hex(hex, &v->snapshots[i]);
		snprintf(v->snapshot, sizeof v->snapshot, "%.8s", hex);
		v->walking = &v->snapshots[i];
		v->hurt = false;
		if (walk_snapshot(v, x, &v->snapshots[i], &is_whole, &why, err) ||
		    cancel_check(v->engine->cancel, err))
			return err->code;
		if (is_told && why.code != ERR_OK)
			report_hurt(v, "/", "snapshot", why.msg);
		if (v->hurt)
			v->result->snapshots_hurt++;
		*all_whole = *all_whole && is_whole;
		atomic_fetch_add(&v->walked, 1);
	}
	return ERR_OK;
}

static enum err_code
note_needed(void *arg, const struct pack_use *use, struct err *err)
{
	struct verify *v = arg;
	void *value;
	bool is_new;
	return use->used_chunks > 0
		   ? map_put(&v->needed_packs, use->pack.b, &value, &is_new, err)
		   : ERR_OK;
}

static enum err_code
look_at_trees(struct verify *v, bool *all_whole, struct err *err)
{
	AUTO(reach) struct reach *x = NULL;
	struct reach_options opt = { .cancel = v->engine->cancel };
	event_phase(v->engine->events, are_chosen(v) ? "walk the trees of the snapshots"
						     : "walk the trees of all snapshots");
	if (reach_new(&x, v->engine->repo, &opt, err) || walk_all(v, x, false, all_whole, err))
		return err->code;
	return are_chosen(v) ? chunk_set_walk_packs(reach_used(x), note_needed, v, err)
			     : ERR_OK;
}

static enum err_code
tell_what_is_hurt(struct verify *v, struct err *err)
{
	AUTO(reach) struct reach *x = NULL;
	bool all_whole;
	struct reach_options opt = {
		.chunk = try_chunk, .lost = tell_lost, .arg = v, .cancel = v->engine->cancel
	};
	event_phase(v->engine->events, "find out what the damage hurts");
	if (reach_new(&x, v->engine->repo, &opt, err))
		return err->code;
	return walk_all(v, x, true, &all_whole, err);
}

/* --- the store's objects --- */

static void
note_problem(void *arg, const char *object, enum err_code code, const char *what)
{
	(void)code;
	struct verify *v = arg;
	struct id id;
	const char *name = strrchr(object, '/');
	if (strncmp(object, "packs/", 6) == 0 && name != NULL &&
	    hex_decode(id.b, ID_SIZE, name + 1, strlen(name + 1))) {
		void *value;
		bool is_new;
		struct err scratch; /* the problem is told all the same */
		if (map_put(&v->bad_packs, id.b, &value, &is_new, &scratch))
			log_debug("verify: %s", scratch.msg);
	}
	event_problem(v->engine->events, object, "%s", what);
}

static bool
needs_pack(void *arg, const struct id *pack)
{
	const struct verify *v = arg;
	return map_get(&v->needed_packs, pack->b) != NULL;
}

static void
sample_reading(void *arg, struct event *e)
{
	struct check_progress *p = arg;
	e->bytes = atomic_load(&p->bytes_done);
	e->bytes_total = atomic_load(&p->bytes_total);
	e->files = atomic_load(&p->packs_done);
	e->files_total = atomic_load(&p->packs_total);
	e->unit = "packs";
}

static bool
is_all(const struct verify_subset *s)
{
	return s->share <= 0 && s->bytes == 0 && s->parts == 0;
}

static enum err_code
look_at_objects(struct verify *v, struct err *err)
{
	const struct verify_subset *subset = &v->opt->subset;
	struct check_options check = {
		.read_data = v->opt->read_data,
		.read_share = subset->share,
		.read_bytes = subset->bytes,
		.part = subset->part,
		.parts = subset->parts,
		.needs = are_chosen(v) ? needs_pack : NULL,
		.cancel = v->engine->cancel,
		.progress = &v->progress,
		.problem = note_problem,
		.arg = v,
	};
	struct check_result found;
	event_phase(v->engine->events, "%s",
	    !v->opt->read_data ? "look at the stored objects"
	    : !is_all(subset)  ? "read and decode some of the packs"
	    : are_chosen(v)    ? "read and decode every pack that they need"
			       : "read and decode every pack");
	AUTO(meter) struct meter *meter = NULL;
	if (v->opt->read_data)
		meter_start(&meter, v->engine->events, sample_reading, &v->progress);
	if (repo_check(v->engine->repo, &check, &found, err))
		return err->code;
	v->result->packs = found.packs;
	v->result->unused_packs = found.unused_packs;
	v->result->chunks = found.chunks;
	v->result->bytes = found.bytes;
	v->result->packs_read = found.packs_read;
	v->result->bytes_read = found.bytes_read;
	v->result->problems += found.problems;
	return ERR_OK;
}

static enum err_code
run_verify(struct verify *v, struct err *err)
{
	bool all_whole;
	if (find_snapshots(v, err))
		return err->code;
	v->result->snapshots = v->count;
	if (look_at_trees(v, &all_whole, err) || look_at_objects(v, err))
		return err->code;
	return all_whole && v->result->problems == 0 ? ERR_OK : tell_what_is_hurt(v, err);
}

enum err_code
verify_repo(struct engine *e, const struct verify_options *opt, struct verify_result *out,
    struct err *err)
{
	int64_t began = clock_mono_ns();
	struct verify v = { .engine = e, .opt = opt, .result = out };
	*out = (struct verify_result){ 0 };
	map_init(&v.bad_packs, ID_SIZE, 0);
	map_init(&v.needed_packs, ID_SIZE, 0);
	enum err_code rc = run_verify(&v, err);
	map_release(&v.bad_packs);
	map_release(&v.needed_packs);
	free(v.snapshots);
	out->took_ns = clock_mono_ns() - began;
	return rc;
}
