#include "repo/prune.h"

#include "repo/object.h"
#include "repo/pack_read.h"

enum err_code
prune_load_index(struct repo *r, struct err *err)
{
	if (store_settle(r->store, object_folder(OBJECT_INDEX), err) || repo_refresh(r, err))
		return err->code;
	/* What a damaged index names is not known, and would look like nobody's. */
	if (r->told.len > 0)
		return err_set(err, ERR_CORRUPT,
		    "an index is damaged, so nothing is removed: 'stacksnap repair index' "
		    "mends it");
	return ERR_OK;
}

enum err_code
prune_load_more(struct repo *r, struct err *err)
{
	return repo_refresh_keeping(r, err);
}

enum err_code
prune_doom(struct repo *r, const struct pack_list *l, struct err *err)
{
	return index_doom(r->index, l->ids, l->count, err);
}

/* --- what is stored, and what is named --- */

/* Packs by the index, in order of ids, each once. */
struct named {
	struct index_pack_cursor *cursor;
	struct index_pack now;
	bool is_end;
};

static enum err_code
named_next(struct named *n, struct err *err)
{
	struct id before = n->now.id;
	uint64_t number;
	do {
		if (index_pack_cursor_next(n->cursor, &n->now, &number, &n->is_end, err))
			return err->code;
	} while (!n->is_end && id_equal(&n->now.id, &before));
	return ERR_OK;
}

static enum err_code
named_open(struct named *n, struct repo *r, struct err *err)
{
	AUTO(index_view) struct index_view *v = NULL;
	uint64_t number;
	if (index_view_get(&v, r->index, err) || index_pack_cursor_open(&n->cursor, v, err))
		return err->code;
	return index_pack_cursor_next(n->cursor, &n->now, &number, &n->is_end, err);
}

static void
named_auto(struct named *n)
{
	index_pack_cursor_close(n->cursor);
}

struct comparison {
	struct repo *repo;
	const struct prune_difference *d;
	struct named *named;
};

/* The listing has passed it by. Listings may be late, so ask. */
static enum err_code
not_listed(const struct comparison *c, const struct id *pack, struct err *err)
{
	char key[PACK_KEY_SIZE];
	uint64_t size;
	pack_key(key, pack);
	enum err_code rc = store_size(c->repo->store, key, &size, err);
	if (rc == ERR_NOT_FOUND)
		return c->d->missing(c->d->arg, pack, err);
	return rc;
}

static enum err_code
compare_stored(void *arg, const struct store_entry *e, struct err *err)
{
	const struct comparison *c = arg;
	struct named *n = c->named;
	struct prune_stray s = { .size = e->size, .modified_ns = e->modified_ns };
	if (!pack_id_of_key(&s.pack, e->key))
		return ERR_OK;
	while (!n->is_end && id_compare(&n->now.id, &s.pack) < 0)
		if (not_listed(c, &n->now.id, err) || named_next(n, err))
			return err->code;
	if (!n->is_end && id_equal(&n->now.id, &s.pack))
		return named_next(n, err);
	return c->d->stray(c->d->arg, &s, err);
}

enum err_code
prune_compare(struct repo *r, const struct prune_difference *d, struct err *err)
{
	AUTO(named) struct named n = { .cursor = NULL };
	struct comparison c = { r, d, &n };
	if (named_open(&n, r, err) ||
	    store_list(r->store, "packs/", NULL, compare_stored, &c, err))
		return err->code;
	while (!n.is_end)
		if (not_listed(&c, &n.now.id, err) || named_next(&n, err))
			return err->code;
	return ERR_OK;
}

enum err_code
prune_find_named(
    struct repo *r, const struct pack_list *l, struct pack_list *named, struct err *err)
{
	AUTO(named) struct named n = { .cursor = NULL };
	if (named_open(&n, r, err))
		return err->code;
	for (size_t i = 0; i < l->count; i++) {
		while (!n.is_end && id_compare(&n.now.id, &l->ids[i]) < 0)
			if (named_next(&n, err))
				return err->code;
		if (!n.is_end && id_equal(&n.now.id, &l->ids[i]) &&
		    pack_list_add(named, &l->ids[i], err))
			return err->code;
	}
	return ERR_OK;
}

/* --- what a doomed pack alone holds --- */

struct search {
	struct repo *repo;
	struct index_view *view;
	struct chunk_set *used;
	uint8_t *suspects; /* by number of a pack in the view: doomed, and nothing found yet */
	struct pack_list *needed;
};

static bool
is_only_here(struct repo *r, struct chunk_set *used, const struct id *id)
{
	return chunk_set_has(used, id) && !repo_has_chunk(r, id);
}

static enum err_code
look_at_entry(void *arg, const struct id *id, const struct index_hit *hit, struct err *err)
{
	struct search *q = arg;
	struct index_pack p;
	if (!q->suspects[hit->pack] || !is_only_here(q->repo, q->used, id))
		return ERR_OK;
	q->suspects[hit->pack] = 0;
	if (index_view_pack(q->view, hit->pack, &p, err))
		return err->code;
	return pack_list_add(q->needed, &p.id, err);
}

static enum err_code
mark_suspects(struct search *q, const struct pack_list *doomed, struct err *err)
{
	AUTO(index_pack_cursor) struct index_pack_cursor *c = NULL;
	if (index_pack_cursor_open(&c, q->view, err))
		return err->code;
	for (;;) {
		struct index_pack p;
		uint64_t number;
		bool is_end;
		if (index_pack_cursor_next(c, &p, &number, &is_end, err))
			return err->code;
		if (is_end)
			return ERR_OK;
		q->suspects[number] = pack_list_has(doomed, &p.id);
	}
}

enum err_code
prune_find_needed(struct repo *r, struct chunk_set *used, const struct pack_list *doomed,
    struct pack_list *needed, struct err *err)
{
	AUTO(index_view) struct index_view *v = NULL;
	if (index_view_get(&v, r->index, err))
		return err->code;
	AUTO(mem) uint8_t *suspects = calloc(index_view_packs(v) + 1, 1);
	if (suspects == NULL)
		return err_nomem(err);
	struct search q = { r, v, used, suspects, needed };
	if (mark_suspects(&q, doomed, err) || index_view_walk(v, look_at_entry, &q, err))
		return err->code;
	pack_list_sort(needed);
	return ERR_OK;
}

/* --- storing anew --- */

#define ROW_FRAME_MAX ((size_t)96 << 10)
#define ROW_CHUNK_MAX ((uint32_t)64 << 10)
/* A larger pack, which is not one of ours, is read frame by frame. */
#define WHOLE_MAX ((uint64_t)64 << 20)

/* Small frames of small chunks are rows of databases, which are read at random: they stay
 * small.
 */
static enum chunk_kind
kind_of_frame(enum pack_kind kind, const struct pack_frame *f, size_t plain)
{
	if (kind == PACK_TREE)
		return CHUNK_TREE;
	if (plain > ROW_FRAME_MAX)
		return CHUNK_DATA;
	for (size_t i = 0; i < f->count; i++)
		if (f->chunks[i].len >= ROW_CHUNK_MAX)
			return CHUNK_DATA;
	return CHUNK_ROWS;
}

static bool
frame_is_needed(struct repo *r, struct chunk_set *used, const struct pack_frame *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (is_only_here(r, used, &f->chunks[i].id))
			return true;
	return false;
}

static enum err_code
copy_frame(struct writer *w, struct chunk_set *used, struct pack_reading *p, struct tools *t,
    const struct pack_frame *f, struct err *err)
{
	if (pack_reading_frame(p, t, f, err))
		return err->code;
	enum chunk_kind kind = kind_of_frame(p->kind, f, t->plain.len);
	size_t at = 0;
	for (size_t i = 0; i < f->count; i++) {
		const struct pack_chunk *c = &f->chunks[i];
		struct id stored;
		if (c->len > t->plain.len - at)
			return err_set(err, ERR_CORRUPT, "a chunk lies outside its frame");
		if (is_only_here(p->repo, used, &c->id)) {
			if (writer_add_now(w, kind, t->plain.data + at, c->len, &stored, err))
				return err->code;
			if (!id_equal(&stored, &c->id))
				return err_set(err, ERR_CORRUPT, "a chunk does not fit its id");
		}
		at += c->len;
	}
	return ERR_OK;
}

enum err_code
prune_copy(
    struct writer *w, struct chunk_set *used, const struct pack_use *pack, struct err *err)
{
	struct repo *r = writer_repo(w);
	AUTO(pack_reading) struct pack_reading p = PACK_READING_INIT;
	bool whole = pack->used_stored * 2 >= pack->size && pack->size <= WHOLE_MAX;
	struct tools *t;
	if (pack_reading_open(&p, r, &pack->pack, whole ? FETCH_WHOLE : FETCH_FRAMES, err) ||
	    repo_borrow_tools(r, &t, err))
		return err->code;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < p.dir.count && rc == ERR_OK; i++)
		if (frame_is_needed(r, used, &p.dir.frames[i]))
			rc = copy_frame(w, used, &p, t, &p.dir.frames[i], err);
	repo_return_tools(r, t);
	char key[PACK_KEY_SIZE];
	pack_key(key, &pack->pack);
	return rc ? err_wrap(err, "%s", key) : ERR_OK;
}

enum err_code
prune_delete_pack(struct repo *r, const struct id *pack, struct err *err)
{
	char key[PACK_KEY_SIZE];
	pack_key(key, pack);
	if (store_delete(r->store, key, err) && err->code != ERR_NOT_FOUND)
		return err->code;
	return ERR_OK;
}
