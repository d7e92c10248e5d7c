/*
 * Index objects without the doomed packs in place of those that name them:
 * first the new ones are put, then the old ones deleted, so that no pack that
 * stays is without an index at any time.  A crash in between leaves both, and
 * packs that are named twice; the next rewriting names each once.
 */
#include "repo/prune.h"

#include "base/room.h"
#include "repo/index_payload.h"
#include "repo/object.h"
#include "repo/pack_read.h"

#define FULL_CHUNKS 65536 /* of an index object */
#define SMALL_CHUNKS (FULL_CHUNKS / 2)
#define MANY_SMALL 8
/* Names that are there twice, kept in memory; beyond, they stay for the next time. */
#define TWICE_MAX ((size_t)200000)

struct object_note {
	uint64_t chunks;
	uint64_t is_out; /* to be replaced */
};

struct twice {
	struct id pack;
	struct id object;
	struct id first; /* the object that names it first */
};

struct rewriting {
	struct repo *repo;
	const struct pack_list *doomed;
	struct map objects; /* id -> struct object_note */
	struct twice *twice; /* in order of packs */
	size_t n_twice;
	size_t cap_twice;
	struct index_builder builder;
	const struct id *object; /* being read */
};

static void
rewriting_auto(struct rewriting *w)
{
	map_release(&w->objects);
	free(w->twice);
	buf_release(&w->builder.packs);
}

static enum err_code
note_twice(
    struct rewriting *w, const struct index_pack *p, const struct id *first, struct err *err)
{
	if (w->n_twice == TWICE_MAX)
		return ERR_OK;
	if (ROOM(w->twice, w->n_twice, w->cap_twice, 64, err))
		return err->code;
	w->twice[w->n_twice++] = (struct twice){ p->id, p->object, *first };
	return ERR_OK;
}

static enum err_code
note_pack(
    struct rewriting *w, const struct index_pack *p, const struct id *first, struct err *err)
{
	void *value;
	bool is_new;
	struct object_note note;
	if (map_put(&w->objects, p->object.b, &value, &is_new, err))
		return err->code;
	memcpy(&note, value, sizeof note);
	note.chunks += p->chunks;
	if (pack_list_has(w->doomed, &p->id))
		note.is_out = 1;
	memcpy(value, &note, sizeof note);
	return id_equal(first, &p->object) ? ERR_OK : note_twice(w, p, first, err);
}

static enum err_code
note_packs(struct rewriting *w, struct err *err)
{
	AUTO(index_view) struct index_view *v = NULL;
	AUTO(index_pack_cursor) struct index_pack_cursor *c = NULL;
	if (index_view_get(&v, w->repo->index, err) || index_pack_cursor_open(&c, v, err))
		return err->code;
	struct index_pack first = { .size = 0 };
	for (bool is_first = true;; is_first = false) {
		struct index_pack p;
		uint64_t number;
		bool is_end;
		if (index_pack_cursor_next(c, &p, &number, &is_end, err))
			return err->code;
		if (is_end)
			return ERR_OK;
		if (is_first || !id_equal(&p.id, &first.id))
			first = p;
		if (note_pack(w, &p, &first.object, err))
			return err->code;
	}
}

/* Many small objects are read by every host that opens the repository: have few large ones. */
static void
note_small(struct rewriting *w)
{
	size_t small = 0;
	const void *key;
	void *value;
	for (int pass = 0; pass < 2; pass++) {
		size_t pos = 0;
		while (map_next(&w->objects, &pos, &key, &value)) {
			struct object_note note;
			memcpy(&note, value, sizeof note);
			if (note.chunks >= SMALL_CHUNKS)
				continue;
			small += pass == 0;
			note.is_out = note.is_out || pass == 1;
			memcpy(value, &note, sizeof note);
		}
		if (small < MANY_SMALL)
			return;
	}
}

static enum err_code
put_index(struct repo *r, struct index_builder *b, struct err *err)
{
	AUTO(bufv) struct buf payload = BUF_INIT;
	struct id name;
	if (b->pack_count == 0)
		return ERR_OK;
	if (index_builder_finish(b, &payload, err) ||
	    object_save(
		r->store, r->subkeys, OBJECT_INDEX, payload.data, payload.len, &name, err))
		return err_wrap(err, "write index");
	return ERR_OK;
}

static int
by_pack(const void *a, const void *b)
{
	return id_compare(a, &((const struct twice *)b)->pack);
}

static bool
is_out(const struct rewriting *w, const struct id *object)
{
	struct object_note note;
	const void *value = map_get(&w->objects, object->b);
	if (value == NULL)
		return false;
	memcpy(&note, value, sizeof note);
	return note.is_out != 0;
}

/* Is the pack carried over from another object, which is replaced as well? */
static bool
is_named_elsewhere(const struct rewriting *w, const struct id *pack)
{
	const struct twice *t =
	    w->n_twice > 0 ? bsearch(pack, w->twice, w->n_twice, sizeof *t, by_pack) : NULL;
	if (t == NULL)
		return false;
	while (t > w->twice && id_equal(&t[-1].pack, pack))
		t--;
	for (; t < w->twice + w->n_twice && id_equal(&t->pack, pack); t++)
		if (id_equal(&t->object, w->object) && is_out(w, &t->first))
			return true;
	return false;
}

static enum err_code
keep_pack(void *arg, const struct id *pack, enum pack_kind kind, uint64_t size,
    const struct pack_dir *dir, struct err *err)
{
	struct rewriting *w = arg;
	if (pack_list_has(w->doomed, pack) || is_named_elsewhere(w, pack))
		return ERR_OK;
	if (index_builder_add(&w->builder, pack, kind, size, dir, err))
		return err->code;
	return w->builder.chunk_count >= FULL_CHUNKS ? put_index(w->repo, &w->builder, err)
						     : ERR_OK;
}

static enum err_code
copy_objects(struct rewriting *w, struct err *err)
{
	size_t pos = 0;
	const void *key;
	void *value;
	AUTO(bufv) struct buf payload = BUF_INIT;
	while (map_next(&w->objects, &pos, &key, &value)) {
		struct object_note note;
		struct id object;
		memcpy(&note, value, sizeof note);
		memcpy(&object, key, sizeof object);
		if (!note.is_out)
			continue;
		payload.len = 0;
		w->object = &object;
		enum err_code rc = object_load(
		    w->repo->store, w->repo->subkeys, OBJECT_INDEX, &object, &payload, err);
		if (rc == ERR_NOT_FOUND)
			continue; /* its writer has put another in its place */
		if (rc || index_payload_walk(&payload, keep_pack, w, err))
			return err_wrap(err, "rewrite index");
	}
	return put_index(w->repo, &w->builder, err);
}

static enum err_code
delete_objects(struct rewriting *w, struct err *err)
{
	size_t pos = 0;
	const void *key;
	void *value;
	while (map_next(&w->objects, &pos, &key, &value)) {
		struct object_note note;
		struct id object;
		char where[OBJECT_KEY_SIZE];
		memcpy(&note, value, sizeof note);
		memcpy(&object, key, sizeof object);
		object_key(where, OBJECT_INDEX, &object);
		if (note.is_out && store_delete(w->repo->store, where, err) &&
		    err->code != ERR_NOT_FOUND)
			return err->code;
	}
	return ERR_OK;
}

enum err_code
prune_rewrite_index(
    struct repo *r, const struct pack_list *doomed, enum prune_join join, struct err *err)
{
	AUTO(rewriting) struct rewriting w = {
		.repo = r, .doomed = doomed, .builder = INDEX_BUILDER_INIT
	};
	map_init(&w.objects, ID_SIZE, sizeof(struct object_note));
	if (note_packs(&w, err))
		return err->code;
	if (join == PRUNE_JOIN)
		note_small(&w);
	if (copy_objects(&w, err) || delete_objects(&w, err))
		return err->code;
	return ERR_OK;
}

static enum err_code
count_one(void *arg, const struct store_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	*(uint64_t *)arg += 1;
	return ERR_OK;
}

enum err_code
prune_count_indexes(struct repo *r, uint64_t *count, struct err *err)
{
	*count = 0;
	return store_list(r->store, object_folder(OBJECT_INDEX), NULL, count_one, count, err);
}

enum err_code
prune_put_back(struct repo *r, const struct pack_list *packs, struct err *err)
{
	struct index_builder b = INDEX_BUILDER_INIT;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < packs->count && rc == ERR_OK; i++) {
		AUTO(pack_reading) struct pack_reading p = PACK_READING_INIT;
		rc = pack_reading_open(&p, r, &packs->ids[i], FETCH_FRAMES, err);
		if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) {
			rc = ERR_OK;
			continue;
		}
		if (rc == ERR_OK)
			rc = index_builder_add(&b, &p.id, p.kind, p.size, &p.dir, err);
		if (rc == ERR_OK && b.chunk_count >= FULL_CHUNKS)
			rc = put_index(r, &b, err);
	}
	if (rc == ERR_OK)
		rc = put_index(r, &b, err);
	buf_release(&b.packs);
	return rc;
}
