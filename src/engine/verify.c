#include "engine/verify.h"

#include "base/log.h"
#include "base/map.h"
#include "crypto/hash.h"
#include "engine/browse.h"
#include "engine/meter.h"
#include "repo/check.h"
#include "sys/clock.h"
#include "tree/dir.h"

/*
 * First the store's objects, then the trees.  A chunk is lost when no index
 * knows it, or when it lies in a pack that failed and cannot be read.  Folders
 * that were found whole are remembered, so that what snapshots share is
 * walked once.
 */
struct verify {
	struct engine *engine;
	struct verify_result *result;
	struct check_progress progress;
	struct map bad_packs; /* pack id */
	struct map whole; /* SHA-256 of the content of folders without any loss */
	struct map lost; /* chunk ids that were tried and cannot be read */

	char snapshot[9];
	bool hurt; /* this snapshot */
	char what[600]; /* why the extent at hand is lost */
};

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

/* Can this chunk be had? */
static enum err_code
look_up(struct verify *v, const struct extent *e, bool *is_lost, struct err *err)
{
	struct id pack;
	void *value;
	bool is_new;
	*is_lost = false;
	if (e->is_hole)
		return cancel_check(v->engine->cancel, err);
	if (map_get(&v->lost, e->id.b) != NULL) {
		*is_lost = true;
		return ERR_OK;
	}
	bool known = repo_find_pack(v->engine->repo, &e->id, &pack);
	if (known && map_get(&v->bad_packs, pack.b) == NULL)
		return cancel_check(v->engine->cancel, err);
	struct chunk_view view;
	struct err why;
	if (known && repo_read_chunk(v->engine->repo, &e->id, &view, &why) == ERR_OK) {
		chunk_view_release(&view);
		return ERR_OK;
	}
	snprintf(v->what, sizeof v->what, "%s", known ? why.msg : "a chunk is in no index");
	*is_lost = true;
	return map_put(&v->lost, e->id.b, &value, &is_new, err);
}

static enum err_code
check_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	(void)offset;
	bool is_lost;
	struct verify *v = arg;
	if (look_up(v, e, &is_lost, err))
		return err->code;
	return is_lost ? err_set(err, ERR_CORRUPT, "%s", v->what) : ERR_OK;
}

static void
report_hurt(struct verify *v, const char *path, const char *kind, const char *why)
{
	char subject[4200];
	snprintf(subject, sizeof subject, "%s:%s", v->snapshot, path);
	v->result->files_hurt++;
	v->result->problems++;
	v->hurt = true;
	event_problem(v->engine->events, subject, "%s cannot be restored whole: %s", kind, why);
}

/* ERR_OK with *is_lost set when the content cannot be read whole; other codes end the run. */
static enum err_code
check_content(
    struct verify *v, const struct content *c, bool *is_lost, struct err *why, struct err *err)
{
	*is_lost = false;
	if (content_walk(v->engine->repo, c, check_extent, check_extent, v, why) == ERR_OK)
		return ERR_OK;
	if (why->code == ERR_CORRUPT || why->code == ERR_NOT_FOUND || why->code == ERR_IO) {
		*is_lost = true;
		return ERR_OK;
	}
	*err = *why;
	return err->code;
}

static enum err_code
key_of_content(const struct content *c, uint8_t out[HASH_SIZE], struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (content_encode(c, &raw, err))
		return err->code;
	return sha256_of(raw.data, raw.len, out, err);
}

static enum err_code check_folder(struct verify *v, const struct tree_entry *dir,
    struct buf *path, bool *is_whole, struct err *err);

static enum err_code
check_child(struct verify *v, const struct tree_entry *e, struct buf *path, bool *is_whole,
    struct err *err)
{
	if (e->type == TREE_DIR)
		return check_folder(v, e, path, is_whole, err);
	bool is_lost;
	struct err why;
	if (e->type != TREE_FILE)
		return ERR_OK;
	if (check_content(v, &e->content, &is_lost, &why, err))
		return err->code;
	if (is_lost) {
		*is_whole = false;
		const char *name = buf_cstr(path);
		report_hurt(v, name != NULL ? name : "?", "file", why.msg);
	}
	return ERR_OK;
}

static enum err_code
check_children(struct verify *v, const struct tree_entry *dir, struct buf *path, bool *is_whole,
    struct err *err)
{
	AUTO(dir_reader) struct dir_reader *r = NULL;
	if (dir_reader_open(&r, v->engine->repo, dir, err))
		return err->code;
	for (;;) {
		const struct tree_entry *e;
		if (dir_reader_next(r, &e, err))
			return err->code;
		if (e == NULL)
			return ERR_OK;
		size_t len = path->len;
		if (buf_add(path, "/", 1, err) || buf_add(path, e->name, e->name_len, err) ||
		    check_child(v, e, path, is_whole, err))
			return err->code;
		path->len = len;
	}
}

static enum err_code
check_folder(struct verify *v, const struct tree_entry *dir, struct buf *path, bool *is_whole,
    struct err *err)
{
	uint8_t key[HASH_SIZE];
	struct err why;
	bool is_lost;
	bool whole = true;
	size_t len = path->len;
	if (key_of_content(&dir->content, key, err))
		return err->code;
	if (map_get(&v->whole, key) != NULL)
		return ERR_OK;
	if (check_content(v, &dir->content, &is_lost, &why, err))
		return err->code;
	if (!is_lost && check_children(v, dir, path, &whole, &why)) {
		if (why.code != ERR_CORRUPT && why.code != ERR_NOT_FOUND) {
			*err = why;
			return err->code;
		}
		is_lost = true;
	}
	path->len = len;
	if (is_lost) {
		const char *name = buf_cstr(path);
		report_hurt(v, name != NULL && *name != '\0' ? name : "/",
		    "folder, with all below it,", why.msg);
		whole = false;
	}
	if (!whole) {
		*is_whole = false;
		return ERR_OK;
	}
	void *value;
	bool is_new;
	return map_put(&v->whole, key, &value, &is_new, err);
}

static enum err_code
check_snapshot(void *arg, const struct store_entry *entry, struct err *err)
{
	struct verify *v = arg;
	struct id id;
	const char *name = entry->key + strlen("snapshots/");
	if (!hex_decode(id.b, ID_SIZE, name, strlen(name)))
		return ERR_OK; /* repo_check has told of it */
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	AUTO(bufv) struct buf path = BUF_INIT;
	struct err why;
	bool whole = true;
	snprintf(v->snapshot, sizeof v->snapshot, "%.8s", name);
	v->hurt = false;
	v->result->snapshots++;
	if (snapshot_open(&s, v->engine->repo, &id, &why)) {
		if (why.code == ERR_NOT_FOUND)
			return ERR_OK; /* deleted meanwhile */
		if (why.code != ERR_CORRUPT && why.code != ERR_UNSUPPORTED) {
			*err = why;
			return err->code;
		}
		report_hurt(v, "/", "snapshot", why.msg);
	} else if (check_folder(v, &s.root, &path, &whole, err)) {
		return err->code;
	}
	if (v->hurt)
		v->result->snapshots_hurt++;
	return cancel_check(v->engine->cancel, err);
}

static void
sample(void *arg, struct event *e)
{
	struct check_progress *p = arg;
	e->bytes = atomic_load(&p->bytes_done);
	e->bytes_total = atomic_load(&p->bytes_total);
	e->files = atomic_load(&p->packs_done);
	e->files_total = atomic_load(&p->packs_total);
	e->unit = "packs";
}

static enum err_code
check_objects(struct verify *v, const struct verify_options *opt, struct err *err)
{
	struct check_options check = {
		.read_data = opt->read_data,
		.cancel = v->engine->cancel,
		.progress = &v->progress,
		.problem = note_problem,
		.arg = v,
	};
	struct check_result found;
	event_phase(v->engine->events,
	    opt->read_data ? "read and decode every pack" : "look at the stored objects");
	AUTO(meter) struct meter *meter = NULL;
	if (opt->read_data)
		meter_start(&meter, v->engine->events, sample, &v->progress);
	if (repo_check(v->engine->repo, &check, &found, err))
		return err->code;
	v->result->packs = found.packs;
	v->result->unused_packs = found.unused_packs;
	v->result->chunks = found.chunks;
	v->result->bytes = found.bytes;
	v->result->problems += found.problems;
	return ERR_OK;
}

enum err_code
verify_repo(struct engine *e, const struct verify_options *opt, struct verify_result *out,
    struct err *err)
{
	int64_t began = clock_mono_ns();
	struct verify v = { .engine = e, .result = out };
	*out = (struct verify_result){ 0 };
	map_init(&v.bad_packs, ID_SIZE, 0);
	map_init(&v.whole, HASH_SIZE, 0);
	map_init(&v.lost, ID_SIZE, 0);
	enum err_code rc = check_objects(&v, opt, err);
	if (rc == ERR_OK) {
		event_phase(e->events, "walk the trees of all snapshots");
		rc = store_list(
		    repo_store(e->repo), "snapshots/", NULL, check_snapshot, &v, err);
	}
	map_release(&v.bad_packs);
	map_release(&v.whole);
	map_release(&v.lost);
	out->took_ns = clock_mono_ns() - began;
	return rc;
}
