#include "repo/index_merge.h"

#include "repo/index_segment_impl.h"

#define DROPPED UINT32_MAX

/* --- several read as one: a heap of cursors --- */

static bool
comes_first(const struct segment_merge *m, size_t a, size_t b)
{
	if (m->keys[a] != m->keys[b])
		return m->keys[a] < m->keys[b];
	int c = memcmp(m->heads[a], m->heads[b], ID_SIZE);
	return c != 0 ? c < 0 : a < b;
}

static void
sift_down(struct segment_merge *m, size_t at)
{
	for (;;) {
		size_t first = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < m->live && comes_first(m, m->heap[child], m->heap[first]))
				first = child;
		if (first == at)
			return;
		size_t moved = m->heap[at];
		m->heap[at] = m->heap[first];
		m->heap[first] = moved;
		at = first;
	}
}

static enum err_code
load_head(struct segment_merge *m, size_t i, struct err *err)
{
	if (segment_cursor_next(&m->cursors[i], &m->heads[i], err))
		return err->code;
	if (m->heads[i] != NULL)
		m->keys[i] = id_prefix(m->heads[i]);
	return ERR_OK;
}

static enum err_code
fill(struct segment_merge *m, struct segment *const *segments, size_t count,
    enum segment_kind kind, struct err *err)
{
	m->cursors = calloc(count + 1, sizeof *m->cursors);
	m->heads = calloc(count + 1, sizeof *m->heads);
	m->keys = calloc(count + 1, sizeof *m->keys);
	m->heap = calloc(count + 1, sizeof *m->heap);
	if (m->cursors == NULL || m->heads == NULL || m->keys == NULL || m->heap == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct segment *s = segments[i];
		if (segment_cursor_init(&m->cursors[i], s,
			kind == SEGMENT_PACKS ? &s->packs : &s->entries, err))
			return err->code;
		m->count++;
		if (load_head(m, i, err))
			return err->code;
		if (m->heads[i] != NULL)
			m->heap[m->live++] = i;
	}
	for (size_t i = m->live / 2; i-- > 0;)
		sift_down(m, i);
	return ERR_OK;
}

enum err_code
segment_merge_init(struct segment_merge *m, struct segment *const *segments, size_t count,
    enum segment_kind kind, struct err *err)
{
	*m = (struct segment_merge){ 0 };
	if (fill(m, segments, count, kind, err))
		segment_merge_release(m);
	return m->cursors != NULL ? ERR_OK : err->code;
}

void
segment_merge_release(struct segment_merge *m)
{
	for (size_t i = 0; i < m->count; i++)
		segment_cursor_release(&m->cursors[i]);
	free(m->cursors);
	free(m->heads);
	free(m->keys);
	free(m->heap);
	*m = (struct segment_merge){ 0 };
}

enum err_code
segment_merge_next(struct segment_merge *m, const uint8_t **record, size_t *segment,
    uint64_t *number, struct err *err)
{
	if (m->is_lent) {
		size_t i = m->heap[0];
		m->is_lent = false;
		if (load_head(m, i, err))
			return err->code;
		if (m->heads[i] == NULL)
			m->heap[0] = m->heap[--m->live];
		sift_down(m, 0);
	}
	*record = NULL;
	if (m->live > 0) {
		size_t i = m->heap[0];
		*record = m->heads[i];
		*segment = i;
		*number = m->cursors[i].next - 1;
		m->is_lent = true;
	}
	return ERR_OK;
}

/* --- several made into one --- */

bool
id_is_among(const struct id *id, const struct id *sorted, size_t count)
{
	size_t lo = 0;
	size_t hi = count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = id_compare(id, &sorted[mid]);
		if (c == 0)
			return true;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

struct union_job {
	struct segment *const *segments;
	size_t count;
	struct segment_object *objects; /* of the new segment, sorted */
	size_t n_objects;
	uint32_t **object_map; /* for each segment: the new numbers, or DROPPED */
	uint32_t **pack_map;
};

static void
union_job_auto(struct union_job *u)
{
	for (size_t i = 0; i < u->count; i++) {
		if (u->object_map != NULL)
			free(u->object_map[i]);
		if (u->pack_map != NULL)
			free(u->pack_map[i]);
	}
	free(u->object_map);
	free(u->pack_map);
	free(u->objects);
}

static int
by_object_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_SIZE);
}

static enum err_code
alloc_maps(struct union_job *u, struct err *err)
{
	size_t total = 0;
	u->object_map = calloc(u->count + 1, sizeof *u->object_map);
	u->pack_map = calloc(u->count + 1, sizeof *u->pack_map);
	if (u->object_map == NULL || u->pack_map == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < u->count; i++) {
		const struct segment *s = u->segments[i];
		u->object_map[i] = calloc(s->objects.count + 1, sizeof **u->object_map);
		u->pack_map[i] = calloc(s->packs.count + 1, sizeof **u->pack_map);
		if (u->object_map[i] == NULL || u->pack_map[i] == NULL)
			return err_nomem(err);
		total += s->objects.count;
	}
	u->objects = calloc(total + 1, sizeof *u->objects);
	return u->objects != NULL ? ERR_OK : err_nomem(err);
}

/* The objects that stay, and their new numbers. */
static void
map_objects(struct union_job *u, const struct id *keep, size_t n_keep)
{
	for (size_t i = 0; i < u->count; i++)
		for (size_t k = 0; k < u->segments[i]->objects.count; k++) {
			const struct segment_object *o = &u->segments[i]->object_list[k];
			bool stays = keep == NULL || id_is_among(&o->id, keep, n_keep);
			u->object_map[i][k] = stays ? 0 : DROPPED;
			if (stays)
				u->objects[u->n_objects++] = *o;
		}
	qsort(u->objects, u->n_objects, sizeof *u->objects, by_object_id);
	for (size_t i = 0; i < u->count; i++)
		for (size_t k = 0; k < u->segments[i]->objects.count; k++)
			if (u->object_map[i][k] != DROPPED) {
				const struct segment_object *o =
				    bsearch(&u->segments[i]->object_list[k], u->objects,
					u->n_objects, sizeof *o, by_object_id);
				u->object_map[i][k] = (uint32_t)(o - u->objects);
			}
}

static enum err_code
unite_packs(struct union_job *u, struct segment_writer *w, struct err *err)
{
	AUTO(segment_merge) struct segment_merge m = { 0 };
	const uint8_t *r;
	size_t from;
	uint64_t number;
	uint32_t next = 0;
	if (segment_merge_init(&m, u->segments, u->count, SEGMENT_PACKS, err))
		return err->code;
	for (;;) {
		struct segment_pack p;
		if (segment_merge_next(&m, &r, &from, &number, err))
			return err->code;
		if (r == NULL)
			return ERR_OK;
		segment_decode_pack(r, &p);
		if (p.object >= u->segments[from]->objects.count)
			return err_set(err, ERR_IO, "an index segment makes no sense");
		p.object = u->object_map[from][p.object];
		u->pack_map[from][number] = p.object != DROPPED ? next++ : DROPPED;
		if (p.object != DROPPED && segment_writer_pack(w, &p, err))
			return err->code;
	}
}

static enum err_code
unite_entries(struct union_job *u, struct segment_writer *w, struct err *err)
{
	AUTO(segment_merge) struct segment_merge m = { 0 };
	const uint8_t *r;
	size_t from;
	uint64_t number;
	if (segment_merge_init(&m, u->segments, u->count, SEGMENT_ENTRIES, err))
		return err->code;
	for (;;) {
		struct segment_entry e;
		if (segment_merge_next(&m, &r, &from, &number, err))
			return err->code;
		if (r == NULL)
			return ERR_OK;
		segment_decode_entry(r, &e);
		if (e.pack >= u->segments[from]->packs.count)
			return err_set(err, ERR_IO, "an index segment makes no sense");
		e.pack = u->pack_map[from][e.pack];
		if (e.pack != DROPPED && segment_writer_entry(w, &e, err))
			return err->code;
	}
}

enum err_code
segments_unite(struct segment **out, struct segment *const *segments, size_t count,
    const struct id *keep, size_t n_keep, enum segment_place place, const char *folder,
    struct err *err)
{
	AUTO(union_job) struct union_job u = { .segments = segments, .count = count };
	AUTO(segment_writer) struct segment_writer *w = NULL;
	if (alloc_maps(&u, err))
		return err->code;
	map_objects(&u, keep, n_keep);
	if (u.n_objects == 0) {
		*out = NULL;
		return ERR_OK;
	}
	if (segment_writer_new(&w, place, folder, u.objects, u.n_objects, err) ||
	    unite_packs(&u, w, err) || unite_entries(&u, w, err) ||
	    segment_writer_finish(w, out, err))
		return err_wrap(err, "merge index segments");
	return ERR_OK;
}
