#include "repo/chunk_set.h"

#include "repo/index_impl.h"
#include "repo/repo_impl.h"

struct chunk_set {
	struct index_view *view;
	uint64_t *bits; /* one for each entry */
	uint64_t count;
};

static enum err_code
set_over(struct chunk_set **out, struct index_view *v, struct err *err)
{
	struct chunk_set *s = calloc(1, sizeof *s);
	if (s != NULL)
		s->bits = calloc(index_view_entries(v) / 64 + 1, sizeof *s->bits);
	if (s == NULL || s->bits == NULL) {
		free(s);
		return err_nomem(err);
	}
	s->view = view_ref(v);
	*out = s;
	return ERR_OK;
}

enum err_code
chunk_set_new(struct chunk_set **out, struct repo *r, struct err *err)
{
	AUTO(index_view) struct index_view *v = NULL;
	if (index_view_get(&v, r->index, err))
		return err->code;
	return set_over(out, v, err);
}

enum err_code
chunk_set_new_like(struct chunk_set **out, const struct chunk_set *other, struct err *err)
{
	return set_over(out, other->view, err);
}

void
chunk_set_free(struct chunk_set *s)
{
	if (s == NULL)
		return;
	index_view_release(s->view);
	free(s->bits);
	free(s);
}

static bool
is_set(const struct chunk_set *s, uint64_t entry)
{
	return (s->bits[entry / 64] >> entry % 64 & 1) != 0;
}

enum err_code
chunk_set_add(struct chunk_set *s, const struct id *id, bool *is_new, struct err *err)
{
	struct index_hit hit;
	if (index_view_find(s->view, id, &hit, err))
		return err->code;
	*is_new = !is_set(s, hit.entry);
	if (*is_new) {
		s->bits[hit.entry / 64] |= UINT64_C(1) << hit.entry % 64;
		s->count++;
	}
	return ERR_OK;
}

bool
chunk_set_has(struct chunk_set *s, const struct id *id)
{
	struct index_hit hit;
	struct err scratch; /* what is not in the index is not in the set */
	return index_view_find(s->view, id, &hit, &scratch) == ERR_OK && is_set(s, hit.entry);
}

uint64_t
chunk_set_count(const struct chunk_set *s)
{
	return s->count;
}

/*
 * What each pack is used for, in three passes, 24 bytes for each pack: over the
 * packs, to number each once (one that two index objects name has two numbers
 * in the view) and to give each frame a number; over the entries, to add up;
 * over the packs again, to tell.
 */
struct usage {
	struct chunk_set *set;
	uint64_t packs; /* each once */
	uint64_t frames;
	uint32_t *place; /* by number in the view: which of the packs it is */
	uint32_t *first_frame; /* of each pack, of all frames */
	uint32_t *chunks;
	uint64_t *bytes;
	uint32_t *stored;
	uint64_t *frame_bits; /* frames that were counted */
	pack_use_fn *fn;
	void *arg;
};

static void
usage_auto(struct usage *u)
{
	free(u->place);
	free(u->first_frame);
	free(u->chunks);
	free(u->bytes);
	free(u->stored);
	free(u->frame_bits);
}

typedef enum err_code each_pack_fn(struct usage *u, uint64_t place, uint64_t number,
    const struct index_pack *p, bool is_first, struct err *err);

/* Each record of a pack, in order of ids; is_first: of those of one pack. */
static enum err_code
each_pack(struct usage *u, each_pack_fn *fn, struct err *err)
{
	AUTO(index_pack_cursor) struct index_pack_cursor *c = NULL;
	struct id before = { { 0 } };
	uint64_t place = 0;
	if (index_pack_cursor_open(&c, u->set->view, err))
		return err->code;
	for (bool is_first_of_all = true;; is_first_of_all = false) {
		struct index_pack p;
		uint64_t number;
		bool is_end;
		if (index_pack_cursor_next(c, &p, &number, &is_end, err))
			return err->code;
		if (is_end)
			return ERR_OK;
		bool is_first = is_first_of_all || !id_equal(&p.id, &before);
		place += is_first && !is_first_of_all;
		before = p.id;
		if (fn(u, place, number, &p, is_first, err))
			return err->code;
	}
}

static enum err_code
number_pack(struct usage *u, uint64_t place, uint64_t number, const struct index_pack *p,
    bool is_first, struct err *err)
{
	u->place[number] = (uint32_t)place;
	if (!is_first)
		return ERR_OK;
	if (u->frames + p->frames > UINT32_MAX)
		return err_set(err, ERR_UNSUPPORTED, "an index of more than 2^32 frames");
	u->first_frame[place] = (uint32_t)u->frames;
	u->frames += p->frames;
	u->packs = place + 1;
	return ERR_OK;
}

static enum err_code
add_up(void *arg, const struct id *id, const struct index_hit *hit, struct err *err)
{
	struct usage *u = arg;
	(void)id;
	(void)err;
	if (!is_set(u->set, hit->entry))
		return ERR_OK;
	uint32_t place = u->place[hit->pack];
	uint64_t frame = (uint64_t)u->first_frame[place] + hit->frame;
	u->chunks[place]++;
	u->bytes[place] += hit->len;
	if (frame < u->frames && (u->frame_bits[frame / 64] >> frame % 64 & 1) == 0) {
		u->frame_bits[frame / 64] |= UINT64_C(1) << frame % 64;
		u->stored[place] += hit->frame_len;
	}
	return ERR_OK;
}

static enum err_code
tell_pack(struct usage *u, uint64_t place, uint64_t number, const struct index_pack *p,
    bool is_first, struct err *err)
{
	(void)number;
	if (!is_first)
		return ERR_OK;
	struct pack_use use = {
		.pack = p->id,
		.object = p->object,
		.is_tree = p->kind == PACK_TREE,
		.size = p->size,
		.chunks = p->chunks,
		.used_chunks = u->chunks[place],
		.bytes = p->bytes,
		.used_bytes = u->bytes[place],
		.used_stored = u->stored[place],
	};
	return u->fn(u->arg, &use, err);
}

static enum err_code
prepare(struct usage *u, struct err *err)
{
	uint64_t numbers = index_view_packs(u->set->view) + 1;
	u->place = calloc(numbers, sizeof *u->place);
	u->first_frame = calloc(numbers, sizeof *u->first_frame);
	if (u->place == NULL || u->first_frame == NULL)
		return err_nomem(err);
	if (each_pack(u, number_pack, err))
		return err->code;
	u->chunks = calloc(u->packs + 1, sizeof *u->chunks);
	u->bytes = calloc(u->packs + 1, sizeof *u->bytes);
	u->stored = calloc(u->packs + 1, sizeof *u->stored);
	u->frame_bits = calloc(u->frames / 64 + 1, sizeof *u->frame_bits);
	if (u->chunks == NULL || u->bytes == NULL || u->stored == NULL || u->frame_bits == NULL)
		return err_nomem(err);
	return ERR_OK;
}

enum err_code
chunk_set_walk_packs(struct chunk_set *s, pack_use_fn *fn, void *arg, struct err *err)
{
	AUTO(usage) struct usage u = { .set = s, .fn = fn, .arg = arg };
	if (prepare(&u, err) || index_view_walk(s->view, add_up, &u, err))
		return err->code;
	return each_pack(&u, tell_pack, err);
}
