#include "engine/stats.h"

#include "base/room.h"
#include "engine/browse.h"
#include "engine/meter.h"
#include "tree/reach.h"

#include <stdatomic.h>

/* What a pack has besides frames: header, trailer, the directory's seal; and for each chunk its
 * id and length there.  Directories hardly compress. */
#define PACK_OVERHEAD 100
#define CHUNK_OVERHEAD 36

struct item {
	struct id id;
	json_t *document; /* NULL: it cannot be read */
	char *damage; /* NULL: none was seen */
	bool is_chosen;
	bool is_gone; /* forgotten, and pruned while it was walked */
};

struct counter {
	struct engine *engine;
	struct stats *out;
	struct item *items; /* all snapshots, oldest first */
	size_t count;
	size_t cap;
	struct err lost; /* what the snapshot at hand lacks first; ERR_OK: nothing */
	atomic_uint_least64_t walked;
	uint64_t to_walk;
};

void
stats_release(struct stats *s)
{
	for (size_t i = 0; i < s->n_sources; i++)
		free(s->sources[i].text);
	free(s->sources);
	*s = (struct stats){ 0 };
}

/* --- which snapshots --- */

static enum err_code
append(struct counter *c, const struct id *id, struct item **out, struct err *err)
{
	if (ROOM(c->items, c->count, c->cap, 64, err))
		return err->code;
	*out = &c->items[c->count++];
	**out = (struct item){ .id = *id };
	return ERR_OK;
}

static enum err_code
add_item(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct item *item;
	if (append(arg, id, &item, err))
		return err->code;
	/* Only a reference is kept; nothing is written through it. */
	item->document = json_incref((json_t *)(uintptr_t)document);
	return ERR_OK;
}

static enum err_code
add_damaged(void *arg, const struct id *id, const struct err *why, struct err *err)
{
	struct item *item;
	return append(arg, id, &item, err) ? err->code : str_dup(&item->damage, why->msg, err);
}

/* The listing of all has told of it. */
static enum err_code
pass_over(void *arg, const struct id *id, const struct err *why, struct err *err)
{
	(void)arg;
	(void)id;
	(void)why;
	(void)err;
	return ERR_OK;
}

static enum err_code
choose_item(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct counter *c = arg;
	(void)document;
	(void)err;
	for (size_t i = 0; i < c->count; i++)
		if (id_equal(&c->items[i].id, id))
			c->items[i].is_chosen = true;
	return ERR_OK;
}

static struct stats_source *
source_of(struct stats *s, const char *text, struct err *err)
{
	for (size_t i = 0; i < s->n_sources; i++)
		if (strcmp(s->sources[i].text, text) == 0)
			return &s->sources[i];
	if (ROOM_SHORT(s->sources, s->n_sources, err))
		return NULL;
	struct stats_source *source = &s->sources[s->n_sources];
	*source = (struct stats_source){ .text = NULL };
	if (str_dup(&source->text, text, err))
		return NULL;
	s->n_sources++;
	return source;
}

/* Documents come oldest first, so the last one of a source stays. */
static enum err_code
count_document(struct stats *s, const json_t *document, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	const json_t *stats = json_object_get(document, "stats");
	uint64_t files = (uint64_t)json_get_int(stats, "files", 0);
	uint64_t bytes = (uint64_t)json_get_int(stats, "bytes", 0);
	if (snapshot_source_text(&text, document, err))
		return err->code;
	const char *name = buf_cstr(&text);
	struct stats_source *source = name != NULL ? source_of(s, name, err) : NULL;
	if (source == NULL)
		return name != NULL ? err->code : err_nomem(err);
	source->snapshots++;
	source->files = files;
	source->bytes = bytes;
	source->stored_bytes += (uint64_t)json_get_int(stats, "stored_bytes", 0);
	s->snapshots++;
	s->files += files;
	s->bytes += bytes;
	return ERR_OK;
}

static int
most_stored_first(const void *a, const void *b)
{
	const struct stats_source *x = a;
	const struct stats_source *y = b;
	if (x->stored_bytes != y->stored_bytes)
		return x->stored_bytes < y->stored_bytes ? 1 : -1;
	return strcmp(x->text, y->text);
}

static enum err_code
choose(struct counter *c, const struct snapshot_filter *f, struct err *err)
{
	struct stats *s = c->out;
	size_t readable = 0;
	size_t chosen = 0;
	if (snapshot_list_sound(c->engine->repo, add_item, add_damaged, c, err) ||
	    snapshot_filter_list_sound(c->engine->repo, f, choose_item, pass_over, c, err))
		return err->code;
	for (size_t i = 0; i < c->count; i++) {
		readable += c->items[i].document != NULL;
		chosen += c->items[i].is_chosen;
	}
	s->is_chosen = f->names.len > 0 || chosen < readable;
	c->to_walk = readable + (s->is_chosen ? chosen : 0);
	/* They may have been made since the indexes were loaded. */
	return repo_refresh(c->engine->repo, err);
}

/* --- what they need --- */

enum which { WHICH_CHOSEN, WHICH_OTHERS };

static enum err_code
note_lost(void *arg, const char *path, bool is_dir, const char *why, struct err *err)
{
	struct counter *c = arg;
	(void)is_dir;
	(void)err;
	if (c->lost.code == ERR_OK)
		err_set(&c->lost, ERR_CORRUPT, "%s: %s", path, why);
	return ERR_OK;
}

static enum err_code
walk_item(struct counter *c, struct reach *x, struct item *item, struct err *err)
{
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	bool is_whole = false;
	c->lost = (struct err)ERR_INIT;
	/* A damaged root: nothing of that snapshot can be counted. */
	if (snapshot_root(&root, item->document, &c->lost) == ERR_OK &&
	    reach_tree(x, &root, &is_whole, err))
		return err->code;
	atomic_fetch_add(&c->walked, 1);
	item->is_gone = !is_whole && snapshot_is_gone(c->engine->repo, &item->id);
	if (is_whole || item->is_gone || item->damage != NULL)
		return ERR_OK;
	return str_dup(&item->damage, c->lost.msg, err);
}

static enum err_code
walk(struct counter *c, struct reach *x, enum which which, struct err *err)
{
	for (size_t i = 0; i < c->count; i++) {
		struct item *item = &c->items[i];
		if (item->document != NULL && !item->is_gone &&
		    item->is_chosen == (which == WHICH_CHOSEN) && walk_item(c, x, item, err))
			return err->code;
	}
	return ERR_OK;
}

struct tally {
	struct stats_use use;
	uint64_t unused;
	uint64_t indexed; /* sizes of all packs that an index names */
};

static enum err_code
add_pack(void *arg, const struct pack_use *use, struct err *err)
{
	struct tally *t = arg;
	(void)err;
	t->indexed += use->size;
	t->use.chunks += use->used_chunks;
	t->use.bytes += use->used_bytes;
	t->use.stored += use->used_stored;
	uint64_t needed = use->used_stored + PACK_OVERHEAD + CHUNK_OVERHEAD * use->used_chunks;
	if (use->used_chunks == 0)
		t->unused += use->size;
	else if (use->used_chunks < use->chunks && needed < use->size)
		t->unused += use->size - needed;
	return ERR_OK;
}

static enum err_code
tally(struct reach *x, struct tally *out, struct err *err)
{
	*out = (struct tally){ 0 };
	return chunk_set_walk_packs(reach_used(x), add_pack, out, err);
}

static struct reach_options
reach_options(struct counter *c)
{
	return (
	    struct reach_options){ .lost = note_lost, .arg = c, .cancel = c->engine->cancel };
}

static enum err_code
count_chosen(struct counter *c, struct err *err)
{
	AUTO(reach) struct reach *x = NULL;
	struct reach_options opt = reach_options(c);
	struct tally t;
	if (reach_new(&x, c->engine->repo, &opt, err) || walk(c, x, WHICH_CHOSEN, err) ||
	    tally(x, &t, err))
		return err->code;
	c->out->used = t.use;
	return ERR_OK;
}

/* The others first: what the chosen ones add to it is their own. */
static enum err_code
count_all(struct counter *c, struct err *err)
{
	AUTO(reach) struct reach *x = NULL;
	struct reach_options opt = reach_options(c);
	struct stats *s = c->out;
	struct tally others;
	struct tally all;
	if (reach_new(&x, c->engine->repo, &opt, err) || walk(c, x, WHICH_OTHERS, err) ||
	    tally(x, &others, err) || walk(c, x, WHICH_CHOSEN, err) || tally(x, &all, err))
		return err->code;
	/* Packs that no index names are of no use to anybody either. */
	s->unused_bytes = all.unused;
	if (s->pack_bytes > all.indexed)
		s->unused_bytes += s->pack_bytes - all.indexed;
	if (s->is_chosen)
		s->own = (struct stats_use){
			.chunks = all.use.chunks - others.use.chunks,
			.bytes = all.use.bytes - others.use.bytes,
			.stored = all.use.stored - others.use.stored,
		};
	else
		s->used = all.use;
	return ERR_OK;
}

static void
sample(void *arg, struct event *e)
{
	struct counter *c = arg;
	e->files = atomic_load(&c->walked);
	e->files_total = c->to_walk;
	e->unit = "snapshots";
}

static enum err_code
count_trees(struct counter *c, struct err *err)
{
	AUTO(meter) struct meter *meter = NULL;
	event_phase(c->engine->events, "walk the trees of all snapshots");
	meter_start(&meter, c->engine->events, sample, c);
	if (c->out->is_chosen && count_chosen(c, err))
		return err->code;
	return count_all(c, err);
}

/* --- what their documents say --- */

/* Told at the end: a writer may take back what it has put just now, and what is forgotten is no
 * damage. */
static void
tell_damage(struct counter *c, struct item *item)
{
	char hex[ID_HEX_SIZE];
	char subject[16];
	if (item->damage == NULL || item->is_gone)
		return;
	item->is_gone = snapshot_is_gone(c->engine->repo, &item->id);
	if (item->is_gone)
		return;
	id_hex(hex, &item->id);
	snprintf(subject, sizeof subject, "%.8s", hex);
	c->out->hurt++;
	event_problem(
	    c->engine->events, subject, "snapshot is not counted whole: %s", item->damage);
}

static enum err_code
count_documents(struct counter *c, struct err *err)
{
	struct stats *s = c->out;
	for (size_t i = 0; i < c->count; i++) {
		struct item *item = &c->items[i];
		tell_damage(c, item);
		s->all_snapshots += !item->is_gone;
		if (item->is_chosen && !item->is_gone && count_document(s, item->document, err))
			return err->code;
	}
	if (s->n_sources > 0)
		qsort(s->sources, s->n_sources, sizeof *s->sources, most_stored_first);
	return ERR_OK;
}

/* --- what the store holds --- */

static enum err_code
count_index(void *arg, const struct store_entry *e, struct err *err)
{
	struct stats *s = arg;
	(void)err;
	s->indexes++;
	s->index_bytes += e->size;
	return ERR_OK;
}

static enum err_code
count_pack(void *arg, const struct store_entry *e, struct err *err)
{
	struct stats *s = arg;
	(void)err;
	s->packs++;
	s->pack_bytes += e->size;
	return ERR_OK;
}

static enum err_code
count_store(struct counter *c, struct err *err)
{
	struct store *s = repo_store(c->engine->repo);
	if (store_list(s, "index/", NULL, count_index, c->out, err))
		return err->code;
	return store_list(s, "packs/", NULL, count_pack, c->out, err);
}

enum err_code
stats_make(
    struct engine *e, const struct snapshot_filter *f, struct stats *out, struct err *err)
{
	AUTO(stats) struct stats s = { 0 };
	struct counter c = { .engine = e, .out = &s };
	enum err_code rc = choose(&c, f, err);
	if (rc == ERR_OK)
		rc = count_store(&c, err);
	if (rc == ERR_OK)
		rc = count_trees(&c, err);
	if (rc == ERR_OK)
		rc = count_documents(&c, err);
	for (size_t i = 0; i < c.count; i++) {
		json_decref(c.items[i].document);
		free(c.items[i].damage);
	}
	free(c.items);
	if (rc)
		return rc;
	*out = s;
	s = (struct stats){ 0 };
	return ERR_OK;
}
